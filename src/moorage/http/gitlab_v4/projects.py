"""Projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from starlette.responses import Response

from moorage.domain.access import RegistryAccess, Role, Visibility
from moorage.domain.projects import Scope
from moorage.http.gitlab_v4 import entities
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Bytes, Description, Name, PathPart
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import (
    KeysetUnsupportedError,
    Page,
    answer_keyset,
    answer_page,
    page_of,
)
from moorage.http.gitlab_v4.parameters import UNSET, Parameters, UnsetType
from moorage.http.gitlab_v4.quotas import read_quota
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.shapes import Accepted, BasicProject, Project
from moorage.services.pages import Listed, Window
from moorage.services.project_views import ProjectView
from moorage.services.projects import ProjectChanges, ProjectRequest
from moorage.store.ids import MAX_ID
from moorage.store.projects import ProjectFilter

Level = Literal["5", "10", "15", "20", "30", "40", "50"]

Order = Literal[
    "id", "name", "path", "created_at", "updated_at", "last_activity_at", "similarity"
]


# Ids rise with the time at which projects are made; nothing else moves their dates.
_ORDERS: Mapping[str, Literal["name", "path"]] = {"name": "name", "path": "path"}


class ListProjects(Parameters):
    """``GET /projects``."""

    search: str | None = None
    search_namespaces: bool = False
    membership: bool = False
    owned: bool = False
    simple: bool = False
    visibility: Visibility | None = None
    archived: bool | None = None
    min_access_level: Level | None = None
    order_by: Order = "created_at"
    sort: Literal["asc", "desc"] = "desc"
    statistics: bool = False
    starred: bool = False
    topic: str | None = None
    with_issues_enabled: bool = False
    with_merge_requests_enabled: bool = False
    pagination: str | None = None
    id_after: int | None = None
    id_before: int | None = None

    @property
    def means_none(self) -> bool:
        """Whether it is about what no project has here."""
        of_code = self.with_issues_enabled or self.with_merge_requests_enabled
        return self.starred or bool(self.topic) or of_code


class ShowProject(Parameters):
    """``GET /projects/:id``."""

    statistics: bool = False


class CleanupPolicyAttributes(Parameters):
    """GitLab's cleanup policy, as far as it is given."""

    enabled: bool | UnsetType = UNSET
    cadence: str | UnsetType = UNSET
    keep_n: int | UnsetType | None = UNSET
    older_than: str | UnsetType | None = UNSET
    name_regex: str | UnsetType | None = UNSET
    name_regex_delete: str | UnsetType | None = UNSET
    name_regex_keep: str | UnsetType | None = UNSET


class CreateProject(Parameters):
    """``POST /projects``."""

    at_least_one_of = (("name", "path"),)
    name: Name | None = None
    path: PathPart | None = None
    namespace_id: int | None = None
    visibility: Visibility | None = None
    description: Description | None = None
    container_registry_enabled: bool | None = None
    container_registry_access_level: RegistryAccess | None = None
    container_expiration_policy_attributes: CleanupPolicyAttributes | None = None


class UpdateProject(Parameters):
    """``PUT /projects/:id``."""

    at_least_one_of = (
        (
            "name",
            "path",
            "visibility",
            "description",
            "archived",
            "container_registry_enabled",
            "container_registry_access_level",
            "container_expiration_policy_attributes",
            "registry_quota_bytes",
        ),
    )
    name: Name | None = None
    path: PathPart | None = None
    visibility: Visibility | None = None
    description: Description | None = None
    registry_quota_bytes: Bytes | UnsetType | None = UNSET
    archived: bool | None = None
    container_registry_enabled: bool | None = None
    container_registry_access_level: RegistryAccess | None = None
    container_expiration_policy_attributes: CleanupPolicyAttributes | None = None


async def list_projects(call: Call) -> Response:
    """``GET /projects``."""
    wanted, page = call.read(ListProjects), page_of(call)
    if wanted.pagination == "keyset":
        return await _answer_keyset(call, wanted, page)
    listed = await call.context.project_lists.list_page(
        call.principal, project_filter(wanted), Window(page.limit, page.offset)
    )
    return answer_page(call, page, await shown_list(call, wanted, listed), listed.total)


async def _answer_keyset(call: Call, wanted: ListProjects, page: Page) -> Response:
    """Answer with what follows an id. Its cost does not depend on where that is."""
    if wanted.order_by != "id":
        raise KeysetUnsupportedError
    window = Window(page.limit, counted=False)
    listed = await call.context.project_lists.list_page(
        call.principal, project_filter(wanted), window
    )
    shown = await shown_list(call, wanted, listed)
    return answer_keyset(call, page, shown, ascending=wanted.sort == "asc")


async def list_of_user(call: Call) -> Response:
    """``GET /users/:id/projects``."""
    wanted, page = call.read(ListProjects), page_of(call)
    account = await call.context.users.find(call.reference())
    listed = await call.context.project_lists.list_of_account(
        call.principal,
        account.id,
        project_filter(wanted),
        Window(page.limit, page.offset),
    )
    return answer_page(call, page, await shown_list(call, wanted, listed), listed.total)


async def show(call: Call) -> Response:
    """``GET /projects/:id``."""
    wanted = call.read(ShowProject)
    view = await call.context.projects.get(call.principal, call.reference())
    return answer(await _shown_with(call, view, statistics=wanted.statistics))


async def create(call: Call) -> Response:
    """``POST /projects``."""
    call.sign_in()
    wanted = call.read(CreateProject)
    request = ProjectRequest(
        name=wanted.name,
        path=wanted.path,
        namespace_id=wanted.namespace_id,
        visibility=wanted.visibility or Visibility.PRIVATE,
        registry_access=_registry_access(wanted) or RegistryAccess.ENABLED,
        description=wanted.description or "",
        cleanup_policy=_cleanup_policy(wanted),
    )
    view = await call.context.projects.create(call.principal, request)
    return answer(shown(call, view, simple=False), 201)


async def update(call: Call) -> Response:
    """``PUT /projects/:id``."""
    call.sign_in()
    wanted = call.read(UpdateProject)
    limit_bytes = read_quota(call, wanted.registry_quota_bytes)
    changes = ProjectChanges(
        name=wanted.name,
        path=wanted.path,
        visibility=wanted.visibility,
        registry_access=_registry_access(wanted),
        description=wanted.description,
        archived=wanted.archived,
        cleanup_policy=_cleanup_policy(wanted),
    )
    view = await call.context.projects.update(call.principal, call.reference(), changes)
    if not isinstance(limit_bytes, UnsetType):
        scope = Scope(project_id=view.project.id)
        await call.context.quotas.put(scope, limit_bytes)
    return answer(shown(call, view, simple=False))


async def archive(call: Call) -> Response:
    """``POST /projects/:id/archive``."""
    return await _set_archived(call, archived=True)


async def unarchive(call: Call) -> Response:
    """``POST /projects/:id/unarchive``."""
    return await _set_archived(call, archived=False)


async def _set_archived(call: Call, *, archived: bool) -> Response:
    call.sign_in()
    changes = ProjectChanges(archived=archived)
    view = await call.context.projects.update(call.principal, call.reference(), changes)
    return answer(shown(call, view, simple=False), 201)


async def delete(call: Call) -> Response:
    """``DELETE /projects/:id``."""
    call.sign_in()
    await call.context.projects.delete(call.principal, call.reference())
    return answer({"message": "202 Accepted"}, 202)


def project_filter(wanted: ListProjects) -> ProjectFilter:
    """Say what a list of projects is about."""
    levels = [
        Role(int(wanted.min_access_level)) if wanted.min_access_level else Role.NONE,
        Role.OWNER if wanted.owned else Role.NONE,
        Role.MINIMAL if wanted.membership else Role.NONE,
    ]
    below = MAX_ID if wanted.id_before is None else wanted.id_before
    return ProjectFilter(
        search=wanted.search.lower() if wanted.search else None,
        search_namespaces=wanted.search_namespaces,
        min_level=max(levels),
        visibility=wanted.visibility,
        archived=wanted.archived,
        above=wanted.id_after or 0,
        below=0 if wanted.means_none else below,
        order_by=_ORDERS.get(wanted.order_by, "id"),
        ascending=wanted.sort == "asc",
    )


async def shown_list(
    call: Call, wanted: ListProjects, listed: Listed[ProjectView]
) -> list[BasicProject | Project]:
    """Show projects as a list asks for them."""
    if wanted.simple:
        return [shown(call, view, simple=True) for view in listed.items]
    return [
        await _shown_with(call, view, statistics=wanted.statistics)
        for view in listed.items
    ]


async def _shown_with(
    call: Call, view: ProjectView, *, statistics: bool
) -> BasicProject | Project:
    """Show a project; how large it is to who asks and may know, from Reporters on."""
    informed = call.principal.admin or view.access.level >= Role.REPORTER
    if not statistics or not informed:
        return shown(call, view, simple=False)
    usage = await call.context.usage.of_project(view.project.id)
    size_bytes = usage.unique_bytes - usage.pending_bytes
    return entities.project(call.context, view, call.principal, size_bytes)


def shown(call: Call, view: ProjectView, *, simple: bool) -> BasicProject | Project:
    """Show a project: to strangers, and where asked for, the basic form."""
    if simple or call.principal.anonymous:
        return entities.basic_project(call.context, view)
    return entities.project(call.context, view, call.principal)


def _registry_access(wanted: CreateProject | UpdateProject) -> RegistryAccess | None:
    if wanted.container_registry_access_level is not None:
        return wanted.container_registry_access_level
    if wanted.container_registry_enabled is None:
        return None
    enabled = wanted.container_registry_enabled
    return RegistryAccess.ENABLED if enabled else RegistryAccess.DISABLED


def _cleanup_policy(wanted: CreateProject | UpdateProject) -> dict[str, Any]:
    """Return what was given of a policy; the newer name of the expression wins."""
    attributes = wanted.container_expiration_policy_attributes
    if attributes is None:
        return {}
    given = {
        name: value
        for name, value in msgspec.structs.asdict(attributes).items()
        if value is not UNSET
    }
    if "name_regex_delete" in given:
        given["name_regex"] = given.pop("name_regex_delete")
    for name in ("older_than", "name_regex_keep"):
        if given.get(name) == "":
            given[name] = None
    return given


_LIST = Operation(
    "List projects",
    {200: list[BasicProject | Project]},
    ListProjects,
    paged=True,
    anonymous=True,
    errors=(405,),
)

ROUTES = (
    Route("GET", "/projects", list_projects, _LIST),
    Route(
        "POST",
        "/projects",
        create,
        Operation("Create a project", {201: Project}, CreateProject),
    ),
    Route(
        "GET",
        "/projects/{id}",
        show,
        Operation(
            "Show a project",
            {200: BasicProject | Project},
            ShowProject,
            anonymous=True,
        ),
    ),
    Route(
        "PUT",
        "/projects/{id}",
        update,
        Operation("Change a project", {200: Project}, UpdateProject),
    ),
    Route(
        "DELETE",
        "/projects/{id}",
        delete,
        Operation("Delete a project with its images", {202: Accepted}, errors=(409,)),
    ),
    Route(
        "POST",
        "/projects/{id}/archive",
        archive,
        Operation("Archive a project", {201: Project}),
    ),
    Route(
        "POST",
        "/projects/{id}/unarchive",
        unarchive,
        Operation("Take a project out of the archive", {201: Project}),
    ),
    Route("GET", "/users/{id}/projects", list_of_user, _LIST),
)
