"""Bulk deletion of tags in all repositories of a project or below a group.

The order of checks is that of the bulk delete of one: see ``registry``.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from starlette.responses import Response

from moorage.domain.access import Ability, Role
from moorage.domain.errors import ForbiddenError, ParameterError
from moorage.domain.patterns import Pattern, PatternInvalidError
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.images import readable, readable_group, require
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_page, page_of
from moorage.http.gitlab_v4.plans import PlanSummaryEntity, plan_entity
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.rules import RuleParameters, given_rules, read_rules
from moorage.services.plans import Excerpt
from moorage.services.wide_cleanup import Choice, Owner

_NO_ITEMS = Excerpt(None, 0, 0)


class RepositoryPreviewEntity(TypedDict):
    """What would go from one repository."""

    repository_id: int
    path: str
    warnings: list[str]
    summary: PlanSummaryEntity


class _WideParameters(RuleParameters):
    repository_regex: str | None = None
    dry_run: bool = False


async def of_project(call: Call) -> Response:
    """``DELETE /projects/:id/registry/tags``."""
    seen = await readable(call)
    wanted = call.read(_WideParameters)
    read_rules(wanted)
    require(call, seen, Ability.ADMIN_IMAGE)
    return await _delete(call, seen.project, wanted)


async def of_group(call: Call) -> Response:
    """``DELETE /groups/:id/registry/tags``."""
    seen = await readable_group(call)
    wanted = call.read(_WideParameters)
    read_rules(wanted)
    if not call.principal.admin and seen.level < Role.MAINTAINER:
        raise ForbiddenError
    return await _delete(call, seen.group, wanted)


async def _delete(call: Call, owner: Owner, wanted: _WideParameters) -> Response:
    choice = Choice.of(owner, _read_pattern(wanted.repository_regex))
    if wanted.dry_run:
        return await _answer_preview(call, choice, wanted)
    job_id = await call.context.wide_cleanup.schedule(
        choice, read_rules(wanted), call.principal
    )
    url = f"{call.context.external_url}/api/v4/registry/jobs/{job_id}"
    return answer(202, 202, {"Location": url})


async def _answer_preview(
    call: Call, choice: Choice, wanted: _WideParameters
) -> Response:
    """Answer with what would go from each repository, a page of them at a time."""
    page = page_of(call)
    found = await call.context.wide_cleanup.find(choice)
    rules, given = read_rules(wanted), given_rules(wanted)
    entities: list[RepositoryPreviewEntity] = []
    for repository in found[page.offset : page.offset + page.size]:
        preview = await call.context.plans.preview(
            repository, rules, given, _NO_ITEMS, call.principal
        )
        shown = plan_entity(preview.plan)
        entities.append(
            {
                "repository_id": repository.id,
                "path": repository.path,
                "warnings": shown["warnings"],
                "summary": shown["summary"],
            }
        )
    return answer_page(call, page, entities, len(found))


def _read_pattern(text: str | None) -> Pattern | None:
    if text is None:
        return None
    try:
        return Pattern.parse(text)
    except PatternInvalidError as error:
        message = f"repository_regex is an invalid regexp: {error}"
        raise ParameterError(message) from None


_OPERATION = Operation(
    "Delete tags by rules in all repositories, by a job; or only show what would go",
    {200: list[RepositoryPreviewEntity], 202: Literal[202]},
    _WideParameters,
    paged=True,
    located=True,
)

ROUTES = (
    Route("DELETE", "/projects/{id}/registry/tags", of_project, _OPERATION),
    Route("DELETE", "/groups/{id}/registry/tags", of_group, _OPERATION),
)
