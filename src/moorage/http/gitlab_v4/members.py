"""Members of projects and groups."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Protocol

from starlette.responses import Response

from moorage.http.gitlab_v4 import entities
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import GrantableLevel
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_slice
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.routing import Handler, Route
from moorage.http.gitlab_v4.shapes import Member
from moorage.services.members import Membership, Place, by_id, by_username


class ListMembers(Parameters):
    """``GET …/members``."""

    query: str | None = None
    user_ids: list[int] | None = None


class AddMember(Parameters, kw_only=True):
    """``POST …/members``."""

    at_least_one_of = (("user_id", "username"),)
    access_level: GrantableLevel
    user_id: int | None = None
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
    wanted = call.read(ListMembers)
    found = await call.context.members.list_direct(call.principal, place)
    return _answer_list(call, wanted, [entities.member(call.context, m) for m in found])


async def list_all(call: Call, place: Place) -> Response:
    """``GET …/members/all``."""
    wanted = call.read(ListMembers)
    found = await call.context.members.list_all(call.principal, place)
    return _answer_list(call, wanted, [entities.member(call.context, m) for m in found])


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
    named = (
        by_username(wanted.username or "")
        if wanted.user_id is None
        else by_id(wanted.user_id)
    )
    membership = Membership(wanted.access_level, wanted.expires_at)
    member = await call.context.members.add(call.principal, place, named, membership)
    return answer(entities.member(call.context, member), 201)


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


def _answer_list(call: Call, wanted: ListMembers, shown: list[Member]) -> Response:
    query = (wanted.query or "").lower()
    return answer_slice(
        call,
        [
            one
            for one in shown
            if (query in one["username"].lower() or query in one["name"].lower())
            and (wanted.user_ids is None or one["id"] in wanted.user_ids)
        ],
    )


_LIST = Operation(
    "List members",
    {200: list[Member]},
    ListMembers,
    paged=True,
    anonymous=True,
)
_LIST_ALL = replace(_LIST, summary="List members, those of the groups above too")
_SHOW = Operation("Show a member", {200: Member}, anonymous=True)
_ADD = Operation("Add a member", {201: Member}, AddMember, errors=(409,))
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


ROUTES = (*_routes("projects", is_group=False), *_routes("groups", is_group=True))
