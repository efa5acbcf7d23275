"""The registry of projects and groups: repositories and their tags.

Below a project the order of checks is: does the project exist for the caller, may they
read its images, are the parameters right, is there such a repository, may they do this
to it, is there such a tag.

Source: GitLab registry API facts, "Order of checks" and "Status by caller and project".
"""

from __future__ import annotations

from typing import Literal

from starlette.responses import Response

from moorage.domain.access import Ability, may, sees
from moorage.domain.errors import (
    ForbiddenError,
    RepositoryUnknownError,
    UnauthenticatedError,
)
from moorage.domain.repositories import RepositoryList, RepositoryOrder, RepositoryOwner
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.images import (
    readable,
    readable_group,
    repository_of,
    require,
)
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_page, page_of
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.plans import ItemParameters, PlanEntity, answer_preview
from moorage.http.gitlab_v4.registry_entities import (
    RepositoryEntity,
    RepositoryMore,
    TagDetailEntity,
    TagWithDetailsEntity,
    last_use_entity,
    listed_tag_entity,
    repository_entity,
    tag_detail_entity,
)
from moorage.http.gitlab_v4.routing import Route, RouteUnknownError
from moorage.http.gitlab_v4.rules import RuleParameters, read_rules
from moorage.services.repositories import Telling

_REPOSITORIES = "/projects/{id}/registry/repositories"
_REPOSITORY = _REPOSITORIES + "/{repository_id}"
_TAGS = _REPOSITORY + "/tags"
_TAG = _TAGS + "/{tag_name}"


# Listing repositories


class _ListParameters(Parameters):
    tags: bool = False
    tags_count: bool = False
    order_by: RepositoryOrder = RepositoryOrder.CREATED
    sort: str | None = None
    search: str = ""
    details: bool = False

    @property
    def list(self) -> RepositoryList:
        """What the parameters ask for. Any other ``sort`` acts as ``asc``."""
        return RepositoryList(self.order_by, self.sort == "desc", self.search)

    @property
    def telling(self) -> Telling:
        """What is told besides."""
        tags = Telling.TAGS if self.tags else Telling.NOTHING
        return tags | (Telling.DETAILS if self.details else Telling.NOTHING)


async def list_by_project(call: Call) -> Response:
    """``GET /projects/:id/registry/repositories``."""
    seen = await readable(call)
    return await _answer_list(call, RepositoryOwner.project(seen.project.id))


async def list_by_group(call: Call) -> Response:
    """``GET /groups/:id/registry/repositories``."""
    seen = await readable_group(call)
    return await _answer_list(call, RepositoryOwner.namespace(seen.group.id))


async def _answer_list(call: Call, owner: RepositoryOwner) -> Response:
    wanted, page = call.read(_ListParameters), page_of(call)
    found = await call.context.repositories.list_page(
        owner,
        wanted.list,
        offset=page.offset,
        limit=page.limit,
        telling=wanted.telling,
    )
    entities = [
        repository_entity(
            repository,
            call.context.registry_host,
            tags_count=wanted.tags_count or wanted.details,
            tags=found.tags[repository.id] if wanted.tags else None,
            more=(
                last_use_entity(found.uses[repository.id]) if wanted.details else None
            ),
        )
        for repository in found.items
    ]
    return answer_page(call, page, entities, found.total)


# One repository


class _GetParameters(Parameters):
    tags: bool = False
    tags_count: bool = False
    size: bool = False


async def get(call: Call) -> Response:
    """``GET /registry/repositories/:id``."""
    if not isinstance(repository_id := call.reference(), int):
        raise RouteUnknownError
    if call.principal.anonymous:
        raise UnauthenticatedError
    return await _answer_one(call, repository_id)


async def get_by_path(call: Call) -> Response:
    """``GET /registry/repositories/by-path/:path``; the path is one segment."""
    if call.principal.anonymous:
        raise UnauthenticatedError
    service = call.context.repositories
    return await _answer_one(call, await service.find_id(call.text("path")))


async def _answer_one(call: Call, repository_id: int) -> Response:
    wanted = call.read(_GetParameters)
    service = call.context.repositories
    repository, project = await service.get_anywhere(repository_id)
    access = await call.context.identity.project_access(call.principal, project)
    if not sees(call.principal, access.visibility, access.level):
        # GitLab answers 403, which tells a stranger that it exists.
        raise RepositoryUnknownError(id=repository_id)
    if not may(call.principal, Ability.READ_IMAGE, access):
        raise ForbiddenError
    more: RepositoryMore = {}
    if may(call.principal, Ability.ADMIN_IMAGE, access):
        more["delete_api_path"] = _api_url(
            call,
            f"/projects/{project.id}/registry/repositories/{repository.id}",
        )
    if wanted.size:
        more["size"] = await service.size_bytes(repository.id)
    entity = repository_entity(
        repository,
        call.context.registry_host,
        tags_count=wanted.tags_count,
        tags=await service.list_tags(repository.id) if wanted.tags else None,
        more=more,
    )
    return answer(entity)


async def delete(call: Call) -> Response:
    """``DELETE /projects/:id/registry/repositories/:repository_id``."""
    seen = await readable(call)
    repository = await repository_of(call, seen)
    require(call, seen, Ability.ADMIN_IMAGE)
    job_id = await call.context.repositories.schedule_deletion(
        repository, call.principal
    )
    return _accepted(call, job_id)


# Tags


class _TagParameters(Parameters):
    details: bool = False


async def get_tag(call: Call) -> Response:
    """``GET /projects/:id/registry/repositories/:repository_id/tags/:tag_name``."""
    seen = await readable(call)
    wanted = call.read(_TagParameters)
    repository = await repository_of(call, seen)
    service = call.context.tags
    tag = await service.get(repository.id, call.text("tag_name"))
    entity = tag_detail_entity(repository, tag, call.context.registry_host)
    if wanted.details:
        listed = await call.context.tag_lists.details(repository, [tag.name])
        if tag.name in listed:
            return answer({**entity, **listed_tag_entity(listed[tag.name])})
    return answer(entity)


async def delete_tag(call: Call) -> Response:
    """``DELETE /projects/:id/registry/repositories/:repository_id/tags/:tag_name``."""
    seen = await readable(call)
    repository = await repository_of(call, seen)
    require(call, seen, Ability.DESTROY_TAG)
    await call.context.tags.delete(
        repository.id, call.text("tag_name"), call.principal, call.occasion
    )
    return answer(200)


# Deleting tags in bulk


class _BulkParameters(RuleParameters):
    dry_run: bool = False


async def delete_tags(call: Call) -> Response:
    """``DELETE /projects/:id/registry/repositories/:repository_id/tags``."""
    seen = await readable(call)
    wanted = call.read(_BulkParameters)
    rules = read_rules(wanted)
    repository = await repository_of(call, seen)
    require(call, seen, Ability.ADMIN_IMAGE)
    if wanted.dry_run:
        return await answer_preview(call, repository, wanted)
    job_id = await call.context.cleanup.schedule(repository, rules, call.principal)
    return _accepted(call, job_id)


# Shared by the above


def _accepted(call: Call, job_id: int) -> Response:
    """Answer as GitLab does, and say where the job can be watched."""
    return answer(202, 202, {"Location": _api_url(call, f"/registry/jobs/{job_id}")})


def _api_url(call: Call, path: str) -> str:
    return f"{call.context.external_url}/api/v4{path}"


_LIST = Operation(
    "List repositories",
    {200: list[RepositoryEntity]},
    _ListParameters,
    paged=True,
    anonymous=True,
)

ROUTES = (
    Route("GET", _REPOSITORIES, list_by_project, _LIST),
    Route("GET", "/groups/{id}/registry/repositories", list_by_group, _LIST),
    Route(
        "GET",
        "/registry/repositories/{id}",
        get,
        Operation("Show a repository", {200: RepositoryEntity}, _GetParameters),
    ),
    Route(
        "GET",
        "/registry/repositories/by-path/{path}",
        get_by_path,
        Operation(
            "Find a repository by its path", {200: RepositoryEntity}, _GetParameters
        ),
    ),
    Route(
        "DELETE",
        _REPOSITORY,
        delete,
        Operation(
            "Delete a repository, by a job",
            {202: Literal[202]},
            located=True,
            errors=(409,),
        ),
    ),
    Route(
        "DELETE",
        _TAGS,
        delete_tags,
        Operation(
            "Delete tags by rules, by a job; or only show what would go",
            {200: PlanEntity, 202: Literal[202]},
            (_BulkParameters, ItemParameters),
            paged=True,
            located=True,
        ),
    ),
    Route(
        "GET",
        _TAG,
        get_tag,
        Operation(
            "Show a tag",
            {200: TagDetailEntity | TagWithDetailsEntity},
            _TagParameters,
            anonymous=True,
        ),
    ),
    Route(
        "DELETE",
        _TAG,
        delete_tag,
        Operation("Delete a tag", {200: Literal[200]}, errors=(409,)),
    ),
)
