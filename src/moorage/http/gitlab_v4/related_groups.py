"""Groups that relate to a project or group, and those that it can go to."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from starlette.responses import Response

from moorage.http.gitlab_v4 import entities
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_page, page_of
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.shapes import Group, PublicGroup
from moorage.services.group_lists import Relation, Search
from moorage.services.group_views import GroupView
from moorage.services.members import Place
from moorage.services.pages import Listed, Window
from moorage.store.namespaces import GroupFilter


class SearchGroups(Parameters):
    """What most of these lists take."""

    search: str | None = None

    @property
    def text(self) -> str:
        """What names have in them."""
        return (self.search or "").lower()


class ListAbove(SearchGroups):
    """``GET /projects/:id/groups``."""

    skip_groups: list[int] | None = None
    with_shared: bool = False


class ListInvited(SearchGroups):
    """``GET …/invited_groups``."""

    relation: list[Relation] | None = None


async def list_above(call: Call) -> Response:
    """``GET /projects/:id/groups``."""
    wanted = call.read(ListAbove)
    listed = await call.context.group_lists.list_above(
        call.principal,
        call.reference(),
        Search(text=wanted.text, skipped=wanted.skip_groups or ()),
        _window(call),
        invited=wanted.with_shared,
    )
    return _answer_public(call, listed)


async def list_invited_to_project(call: Call) -> Response:
    """``GET /projects/:id/invited_groups``."""
    return _answer_public(call, await _invited(call, is_group=False))


async def list_invited_to_group(call: Call) -> Response:
    """``GET /groups/:id/invited_groups``."""
    return _answer_groups(call, await _invited(call, is_group=True))


async def _invited(call: Call, *, is_group: bool) -> Listed[GroupView]:
    wanted = call.read(ListInvited)
    return await call.context.group_lists.list_invited(
        call.principal,
        Place(is_group, call.reference()),
        Search(text=wanted.text),
        _window(call),
        relations=wanted.relation or get_args(Relation),
    )


async def list_inviting(call: Call) -> Response:
    """``GET /groups/:id/groups/shared``."""
    search = Search(text=call.read(SearchGroups).text)
    listed = await call.context.group_lists.list_inviting(
        call.principal, call.reference(), search, _window(call)
    )
    return _answer_groups(call, listed)


async def list_invitable(call: Call) -> Response:
    """``GET /projects/:id/share_locations``."""
    call.sign_in()
    listed = await call.context.group_lists.list_invitable(
        call.principal,
        Place(is_group=False, reference=call.reference()),
        _filter(call),
        _window(call),
    )
    return _answer_public(call, listed)


async def list_new_namespaces(call: Call) -> Response:
    """``GET /projects/:id/transfer_locations``."""
    call.sign_in()
    listed = await call.context.group_lists.list_new_namespaces(
        call.principal, call.reference(), _filter(call), _window(call)
    )
    return _answer_public(call, listed)


async def list_new_parents(call: Call) -> Response:
    """``GET /groups/:id/transfer_locations``."""
    call.sign_in()
    listed = await call.context.group_lists.list_new_parents(
        call.principal, call.reference(), _filter(call), _window(call)
    )
    return _answer_public(call, listed)


def _filter(call: Call) -> GroupFilter:
    return GroupFilter(search=call.read(SearchGroups).text)


def _window(call: Call) -> Window:
    page = page_of(call)
    return Window(page.limit, page.offset)


def _answer_groups(call: Call, listed: Listed[GroupView]) -> Response:
    shown = [entities.group(call.context, view) for view in listed.items]
    return answer_page(call, page_of(call), shown, listed.total)


def _answer_public(call: Call, listed: Listed[GroupView]) -> Response:
    shown = [entities.public_group(call.context, view) for view in listed.items]
    return answer_page(call, page_of(call), shown, listed.total)


_INVITED = Operation(
    "List the groups that were invited",
    {200: list[PublicGroup]},
    ListInvited,
    paged=True,
    anonymous=True,
)
_TARGETS = Operation(
    "List the groups that it can be moved into",
    {200: list[PublicGroup]},
    SearchGroups,
    paged=True,
)

ROUTES = (
    Route(
        "GET",
        "/projects/{id}/groups",
        list_above,
        Operation(
            "List the groups that a project lies in",
            {200: list[PublicGroup]},
            ListAbove,
            paged=True,
            anonymous=True,
        ),
    ),
    Route("GET", "/projects/{id}/invited_groups", list_invited_to_project, _INVITED),
    Route(
        "GET",
        "/projects/{id}/share_locations",
        list_invitable,
        replace(_TARGETS, summary="List the groups that can be invited"),
    ),
    Route("GET", "/projects/{id}/transfer_locations", list_new_namespaces, _TARGETS),
    Route("GET", "/groups/{id}/transfer_locations", list_new_parents, _TARGETS),
    Route(
        "GET",
        "/groups/{id}/invited_groups",
        list_invited_to_group,
        replace(_INVITED, answers={200: list[Group]}),
    ),
    Route(
        "GET",
        "/groups/{id}/groups/shared",
        list_inviting,
        replace(
            _INVITED,
            summary="List the groups that it was invited to",
            answers={200: list[Group]},
            parameters=SearchGroups,
        ),
    ),
)
