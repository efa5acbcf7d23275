"""Members of projects and groups."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Annotated, Literal, Protocol, TypeAlias

from starlette.responses import Response

from moorage.domain.errors import ParameterError
from moorage.http.gitlab_v4 import entities, shapes
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import GrantableLevel, Keyword
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_page, page_of
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.routing import Handler, Route
from moorage.http.gitlab_v4.shapes import BasicUser, Member
from moorage.services.members import (
    AddedMembers,
    FindAccount,
    Membership,
    Place,
    by_id,
    by_username,
)
from moorage.services.pages import Window
from moorage.store.ids import MAX_ID
from moorage.store.members import MemberFilter

_ID = re.compile(r"[0-9]{1,19}")


MAX_ADDED = 100
"""How many become members by one call. Source: GitLab's member creation."""

UserIds: TypeAlias = Annotated[
    str,
    Keyword("type", ("integer", "string")),
    Keyword("pattern", r"^[0-9]+(,[0-9]+)*$"),
]
"""A number, or several as a text with commas."""


class ListMembers(Parameters):
    """``GET …/members``."""

    query: str | None = None
    user_ids: list[int] | None = None


class ListProjectUsers(Parameters):
    """``GET /projects/:id/users``."""

    search: str | None = None
    skip_users: list[int] | None = None


class ListMemberships(Parameters):
    """``GET /users/:id/memberships``."""

    type: Literal["Project", "Namespace"] | None = None


class AddMember(Parameters, kw_only=True):
    """``POST …/members``."""

    at_least_one_of = (("user_id", "username"),)
    access_level: GrantableLevel
    user_id: UserIds | None = None
    username: str | None = None
    expires_at: date | None = None


class UpdateMember(Parameters, kw_only=True):
    """``PUT …/members/:user_id``."""

    access_level: GrantableLevel
    expires_at: date | None = None


class PlaceHandler(Protocol):
    """Answers a call about the members of a project or group."""

    async def __call__(self, call: Call, place: Place) -> Response:
        """Answer."""


async def list_direct(call: Call, place: Place) -> Response:
    """``GET …/members``."""
    return await _list(call, place, inherited=False)


async def list_all(call: Call, place: Place) -> Response:
    """``GET …/members/all``."""
    return await _list(call, place, inherited=True)


async def _list(call: Call, place: Place, *, inherited: bool) -> Response:
    given, page = call.read(ListMembers), page_of(call)
    wanted = MemberFilter(
        search=(given.query or "").lower(), account_ids=given.user_ids
    )
    window = Window(page.limit, page.offset)
    found = await call.context.members.list_page(
        call.principal, place, wanted, window, inherited=inherited
    )
    shown = [entities.member(call.context, one) for one in found.items]
    return answer_page(call, page, shown, found.total)


async def show_direct(call: Call, place: Place) -> Response:
    """``GET …/members/:user_id``."""
    return await _show(call, place, inherited=False)


async def show_inherited(call: Call, place: Place) -> Response:
    """``GET …/members/all/:user_id``."""
    return await _show(call, place, inherited=True)


async def _show(call: Call, place: Place, *, inherited: bool) -> Response:
    member = await call.context.members.get(
        call.principal, place, call.number("user_id"), inherited=inherited
    )
    return answer(entities.member(call.context, member))


async def add(call: Call, place: Place) -> Response:
    """``POST …/members``."""
    call.sign_in()
    wanted = call.read(AddMember)
    named = named_accounts(wanted)
    membership = Membership(wanted.access_level, wanted.expires_at)
    if len(named) > 1:
        added = await call.context.members.add_several(
            call.principal, place, named, membership
        )
        return answer(_added(added), 201)
    member = await call.context.members.add(call.principal, place, named[0], membership)
    return answer(entities.member(call.context, member), 201)


def named_accounts(wanted: AddMember) -> list[FindAccount]:
    """Read who is to become a member: one, or several separated by commas.

    Raises:
        ParameterError: Both or too many are given, or what is no number.
    """
    if wanted.user_id is not None and wanted.username is not None:
        raise ParameterError("user_id, username are mutually exclusive")
    if wanted.username is not None:
        found = [by_username(name.strip()) for name in wanted.username.split(",")]
    else:
        texts = (wanted.user_id or "").split(",")
        if not all(_ID.fullmatch(text.strip()) for text in texts):
            raise ParameterError("user_id is invalid")
        found = [by_id(min(int(text), MAX_ID)) for text in texts]
    if len(found) > MAX_ADDED:
        raise ParameterError(f"Too many users specified (limit is {MAX_ADDED})")
    return found


def _added(added: AddedMembers) -> shapes.AddedMembers:
    """Say in GitLab's words what came of adding several."""
    if added.refused:
        told = [f"{username}: {text}" for username, text in added.refused.items()]
        return {"message": " and ".join(told), "status": "error"}
    if not added.number:
        return {"message": "No users specified.", "status": "error"}
    return {"status": "success"}


async def update(call: Call, place: Place) -> Response:
    """``PUT …/members/:user_id``."""
    call.sign_in()
    wanted = call.read(UpdateMember)
    member = await call.context.members.update(
        call.principal,
        place,
        call.number("user_id"),
        Membership(wanted.access_level, wanted.expires_at),
    )
    return answer(entities.member(call.context, member))


async def remove(call: Call, place: Place) -> Response:
    """``DELETE …/members/:user_id``."""
    call.sign_in()
    await call.context.members.remove(call.principal, place, call.number("user_id"))
    return no_content()


async def list_users(call: Call) -> Response:
    """``GET /projects/:id/users``: all members, as users."""
    given, page = call.read(ListProjectUsers), page_of(call)
    wanted = MemberFilter(
        search=(given.search or "").lower(), skipped=given.skip_users or ()
    )
    place = Place(is_group=False, reference=call.reference())
    window = Window(page.limit, page.offset)
    found = await call.context.members.list_page(
        call.principal, place, wanted, window, inherited=True
    )
    shown = [entities.basic_user(call.context, one.account) for one in found.items]
    return answer_page(call, page, shown, found.total)


async def list_memberships(call: Call) -> Response:
    """``GET /users/:id/memberships``."""
    call.administer()
    wanted, page = call.read(ListMemberships), page_of(call)
    listed = await call.context.users.list_memberships(
        call.number("id"), wanted.type, Window(page.limit, page.offset)
    )
    shown = [entities.membership(one) for one in listed.items]
    return answer_page(call, page, shown, listed.total)


_LIST = Operation(
    "List members",
    {200: list[Member]},
    ListMembers,
    paged=True,
    anonymous=True,
)
_LIST_ALL = replace(_LIST, summary="List members, those of the groups above too")
_SHOW = Operation("Show a member", {200: Member}, anonymous=True)
_ADD = Operation(
    "Add a member, or several",
    {201: Member | shapes.AddedMembers},
    AddMember,
    errors=(409,),
)
_UPDATE = Operation("Change a membership", {200: Member}, UpdateMember)
_REMOVE = Operation("End a membership", {204: None})


def _routes(folder: str, *, is_group: bool) -> tuple[Route, ...]:
    def of_place(handler: PlaceHandler) -> Handler:
        async def handle(call: Call) -> Response:
            return await handler(call, Place(is_group, call.reference()))

        return handle

    base = f"/{folder}/{{id}}/members"
    return (
        Route("GET", base, of_place(list_direct), _LIST),
        Route("POST", base, of_place(add), _ADD),
        Route("GET", base + "/all", of_place(list_all), _LIST_ALL),
        Route("GET", base + "/all/{user_id}", of_place(show_inherited), _SHOW),
        Route("GET", base + "/{user_id}", of_place(show_direct), _SHOW),
        Route("PUT", base + "/{user_id}", of_place(update), _UPDATE),
        Route("DELETE", base + "/{user_id}", of_place(remove), _REMOVE),
    )


ROUTES = (
    Route(
        "GET",
        "/users/{id}/memberships",
        list_memberships,
        Operation(
            "List where a user is a member",
            {200: list[shapes.Membership]},
            ListMemberships,
            paged=True,
        ),
    ),
    Route(
        "GET",
        "/projects/{id}/users",
        list_users,
        Operation(
            "List the members of a project as users",
            {200: list[BasicUser]},
            ListProjectUsers,
            paged=True,
            anonymous=True,
        ),
    ),
    *_routes("projects", is_group=False),
    *_routes("groups", is_group=True),
)
