"""Groups."""

from __future__ import annotations

from typing import Literal

from starlette.responses import Response

from moorage.domain.access import Role, Visibility
from moorage.domain.projects import Scope
from moorage.http.gitlab_v4 import entities
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Bytes, Name, PathPart, ShortDescription
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import (
    MAX_SIZE,
    answer_page,
    page_of,
)
from moorage.http.gitlab_v4.parameters import UNSET, Parameters, UnsetType
from moorage.http.gitlab_v4.projects import (
    Level,
    ListProjects,
    project_filter,
    shown,
    shown_list,
)
from moorage.http.gitlab_v4.quotas import read_quota
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.shapes import (
    Accepted,
    BasicProject,
    Group,
    GroupDetail,
    GroupProjects,
    Project,
)
from moorage.services.group_views import GroupView
from moorage.services.groups import GroupChanges, GroupRequest
from moorage.services.pages import Listed, Window
from moorage.store.namespaces import GroupFilter
from moorage.store.projects import ProjectFilter


class ListGroups(Parameters):
    """``GET /groups``, ``/groups/:id/subgroups`` and ``…/descendant_groups``."""

    search: str | None = None
    owned: bool = False
    min_access_level: Level | None = None
    top_level_only: bool = False
    skip_groups: list[int] | None = None
    order_by: Literal["name", "path", "id", "similarity"] = "name"
    sort: Literal["asc", "desc"] = "asc"


class CreateGroup(Parameters, kw_only=True):
    """``POST /groups``."""

    name: Name
    path: PathPart
    parent_id: int | None = None
    visibility: Visibility | None = None
    description: ShortDescription | None = None


class UpdateGroup(Parameters):
    """``PUT /groups/:id``."""

    name: Name | None = None
    path: PathPart | None = None
    visibility: Visibility | None = None
    description: ShortDescription | None = None
    registry_quota_bytes: Bytes | UnsetType | None = UNSET


class ShowGroup(Parameters):
    """``GET /groups/:id``."""

    with_projects: bool = True


class ListGroupProjects(ListProjects):
    """``GET /groups/:id/projects``."""

    include_subgroups: bool = False
    with_shared: bool = True


async def list_groups(call: Call) -> Response:
    """``GET /groups``."""
    wanted, page = group_filter(call.read(ListGroups)), page_of(call)
    listed = await call.context.group_lists.list_page(
        call.principal, wanted, Window(page.limit, page.offset)
    )
    return _answer_list(call, listed)


async def list_subgroups(call: Call) -> Response:
    """``GET /groups/:id/subgroups``."""
    return await _list_below(call, deep=False)


async def list_descendants(call: Call) -> Response:
    """``GET /groups/:id/descendant_groups``."""
    return await _list_below(call, deep=True)


async def _list_below(call: Call, *, deep: bool) -> Response:
    wanted, page = group_filter(call.read(ListGroups)), page_of(call)
    listed = await call.context.group_lists.list_below(
        call.principal,
        call.reference(),
        wanted,
        Window(page.limit, page.offset),
        deep=deep,
    )
    return _answer_list(call, listed)


def _answer_list(call: Call, listed: Listed[GroupView]) -> Response:
    groups = [entities.group(call.context, view) for view in listed.items]
    return answer_page(call, page_of(call), groups, listed.total)


async def show(call: Call) -> Response:
    """``GET /groups/:id``."""
    wanted = call.read(ShowGroup)
    view = await call.context.groups.get(call.principal, call.reference())
    more: GroupProjects = {}
    if wanted.with_projects:
        window = Window(MAX_SIZE)
        own = await call.context.project_lists.list_in_group(
            call.principal, view.group.id, ProjectFilter(), window
        )
        invited = await call.context.project_lists.list_invited(
            call.principal, view.group.id, ProjectFilter(), window
        )
        more["projects"] = [shown(call, one, simple=False) for one in own.items]
        more["shared_projects"] = [
            shown(call, one, simple=False) for one in invited.items
        ]
    return answer(detail(call, view, more))


def detail(call: Call, view: GroupView, more: GroupProjects) -> GroupDetail:
    """Show a group with those that were invited to it, and some projects."""
    return {
        **entities.group(call.context, view),
        "shared_with_groups": [entities.invited_group(one) for one in view.shares],
        **more,
    }


async def create(call: Call) -> Response:
    """``POST /groups``."""
    call.sign_in()
    wanted = call.read(CreateGroup)
    request = GroupRequest(
        name=wanted.name,
        path=wanted.path,
        parent_id=wanted.parent_id,
        visibility=wanted.visibility,
        description=wanted.description or "",
    )
    view = await call.context.groups.create(call.principal, request)
    return answer(entities.group(call.context, view), 201)


async def update(call: Call) -> Response:
    """``PUT /groups/:id``."""
    call.sign_in()
    wanted = call.read(UpdateGroup)
    limit_bytes = read_quota(call, wanted.registry_quota_bytes)
    changes = GroupChanges(
        name=wanted.name,
        path=wanted.path,
        visibility=wanted.visibility,
        description=wanted.description,
    )
    view = await call.context.groups.update(call.principal, call.reference(), changes)
    if not isinstance(limit_bytes, UnsetType):
        scope = Scope(namespace_id=view.group.id)
        await call.context.quotas.put(scope, limit_bytes)
    return answer(entities.group(call.context, view))


async def delete(call: Call) -> Response:
    """``DELETE /groups/:id``."""
    call.sign_in()
    await call.context.groups.delete(call.principal, call.reference())
    return answer({"message": "202 Accepted"}, 202)


async def list_projects(call: Call) -> Response:
    """``GET /groups/:id/projects``."""
    wanted, page = call.read(ListGroupProjects), page_of(call)
    listed = await call.context.project_lists.list_in_group(
        call.principal,
        call.reference(),
        project_filter(wanted),
        Window(page.limit, page.offset),
        deep=wanted.include_subgroups,
        shared=wanted.with_shared,
    )
    return answer_page(call, page, await shown_list(call, wanted, listed), listed.total)


async def list_shared_projects(call: Call) -> Response:
    """``GET /groups/:id/projects/shared``."""
    wanted, page = call.read(ListProjects), page_of(call)
    listed = await call.context.project_lists.list_invited(
        call.principal,
        call.reference(),
        project_filter(wanted),
        Window(page.limit, page.offset),
    )
    return answer_page(call, page, await shown_list(call, wanted, listed), listed.total)


def group_filter(wanted: ListGroups) -> GroupFilter:
    """Say what a list of groups is about."""
    levels = [
        Role(int(wanted.min_access_level)) if wanted.min_access_level else Role.NONE,
        Role.OWNER if wanted.owned else Role.NONE,
    ]
    by_name = wanted.order_by == "similarity"
    return GroupFilter(
        search=wanted.search.lower() if wanted.search else None,
        min_level=max(levels),
        top_level_only=wanted.top_level_only,
        skipped=wanted.skip_groups or (),
        order_by="name" if by_name else wanted.order_by,
        ascending=wanted.sort == "asc",
    )


_LIST = Operation(
    "List groups", {200: list[Group]}, ListGroups, paged=True, anonymous=True
)

ROUTES = (
    Route("GET", "/groups", list_groups, _LIST),
    Route(
        "POST",
        "/groups",
        create,
        Operation("Create a group", {201: Group}, CreateGroup),
    ),
    Route(
        "GET",
        "/groups/{id}",
        show,
        Operation("Show a group", {200: GroupDetail}, ShowGroup, anonymous=True),
    ),
    Route(
        "PUT",
        "/groups/{id}",
        update,
        Operation("Change a group", {200: Group}, UpdateGroup),
    ),
    Route(
        "DELETE",
        "/groups/{id}",
        delete,
        Operation(
            "Delete a group with all that is below it",
            {202: Accepted},
            errors=(409,),
        ),
    ),
    Route(
        "GET",
        "/groups/{id}/projects",
        list_projects,
        Operation(
            "List the projects of a group",
            {200: list[BasicProject | Project]},
            ListGroupProjects,
            paged=True,
            anonymous=True,
        ),
    ),
    Route(
        "GET",
        "/groups/{id}/projects/shared",
        list_shared_projects,
        Operation(
            "List the projects that a group was invited to",
            {200: list[BasicProject | Project]},
            ListProjects,
            paged=True,
            anonymous=True,
        ),
    ),
    Route("GET", "/groups/{id}/subgroups", list_subgroups, _LIST),
    Route("GET", "/groups/{id}/descendant_groups", list_descendants, _LIST),
)
