"""Users: the caller, everybody, and what administrators do to them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from starlette.responses import Response

from moorage.domain.accounts import (
    ACTIVATE,
    BAN,
    BLOCK,
    DEACTIVATE,
    EMAIL_PATTERN,
    MAX_PASSWORD_LENGTH,
    MIN_PASSWORD_LENGTH,
    UNBAN,
    UNBLOCK,
    AccountState,
    StateChange,
)
from moorage.http.gitlab_v4 import entities
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Keyword, Name, PathPart
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import (
    KeysetUnsupportedError,
    answer_keyset,
    answer_page,
    page_of,
)
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.routing import Handler, Route
from moorage.http.gitlab_v4.shapes import BasicUser, FullUser, User
from moorage.services.pages import Window
from moorage.services.users import NewUser, UserChanges
from moorage.store.accounts import AccountFilter
from moorage.store.ids import MAX_ID


class ListUsers(Parameters):
    """``GET /users``."""

    username: str | None = None
    search: str | None = None
    active: bool = False
    exclude_active: bool = False
    blocked: bool = False
    external: bool = False
    exclude_external: bool = False
    humans: bool = False
    exclude_humans: bool = False
    without_project_bots: bool = False
    without_projects: bool = False
    admins: bool = False
    created_after: datetime | None = None
    created_before: datetime | None = None
    two_factor: Literal["enabled", "disabled"] | None = None
    public_email: str | None = None
    extern_uid: str | None = None
    provider: str | None = None
    order_by: Literal["id", "name", "username", "created_at", "updated_at"] = "id"
    sort: Literal["asc", "desc"] = "desc"
    pagination: str | None = None
    id_after: int | None = None
    id_before: int | None = None

    @property
    def means_nobody(self) -> bool:
        """Whether it is about what no account has here."""
        elsewhere = self.public_email or self.extern_uid or self.provider
        return bool(elsewhere) or self.two_factor == "enabled"


# Ids rise with the time at which accounts are made; nothing else moves their dates.
_ORDERS: Mapping[str, Literal["name", "username"]] = {
    "name": "name",
    "username": "username",
}

Email: TypeAlias = Annotated[str, Keyword("pattern", f"^{EMAIL_PATTERN}$")]
Password: TypeAlias = Annotated[
    str,
    Keyword("minLength", MIN_PASSWORD_LENGTH),
    Keyword("maxLength", MAX_PASSWORD_LENGTH),
]


class CreateUser(Parameters, kw_only=True):
    """``POST /users``."""

    at_least_one_of = (("password", "reset_password", "force_random_password"),)
    email: Email
    name: Name
    username: PathPart
    password: Password | None = None
    reset_password: bool = False
    force_random_password: bool = False
    admin: bool = False
    external: bool = False


class UpdateUser(Parameters):
    """``PUT /users/:id``."""

    username: PathPart | None = None
    email: Email | None = None
    name: Name | None = None
    password: Password | None = None
    admin: bool | None = None
    external: bool | None = None


async def current(call: Call) -> Response:
    """``GET /user``."""
    account = await call.context.users.current(call.principal)
    admin = call.principal.admin
    return answer(entities.full_user(call.context, account, for_admin=admin))


async def list_users(call: Call) -> Response:
    """``GET /users``."""
    call.sign_in()
    wanted, page = call.read(ListUsers), page_of(call)
    if wanted.means_nobody:
        return answer_page(call, page, [], 0)
    if wanted.username is not None:
        account = await call.context.users.find_by_username(wanted.username)
        found = [] if account is None else [entities.basic_user(call.context, account)]
        return answer_page(call, page, found[page.offset :], len(found))
    by_key = wanted.pagination == "keyset"
    if by_key and wanted.order_by != "id":
        raise KeysetUnsupportedError
    window = Window(page.limit, 0 if by_key else page.offset, counted=not by_key)
    listed = await call.context.users.list_page(account_filter(wanted), window)
    shown = [entities.basic_user(call.context, account) for account in listed.items]
    if by_key:
        return answer_keyset(call, page, shown, ascending=wanted.sort == "asc")
    return answer_page(call, page, shown, listed.total)


def account_filter(wanted: ListUsers) -> AccountFilter:
    """Say what a list of users is about."""
    return AccountFilter(
        search=wanted.search.lower() if wanted.search else None,
        active=_either(wanted.active, wanted.blocked or wanted.exclude_active),
        state=AccountState.BLOCKED if wanted.blocked else None,
        admin=_either(wanted.admins),
        external=_either(wanted.external, wanted.exclude_external),
        bot=_either(
            wanted.exclude_humans, wanted.humans or wanted.without_project_bots
        ),
        idle_only=wanted.without_projects,
        created_after=wanted.created_after,
        created_before=wanted.created_before,
        above=wanted.id_after or 0,
        below=MAX_ID if wanted.id_before is None else wanted.id_before,
        order_by=_ORDERS.get(wanted.order_by, "id"),
        ascending=wanted.sort == "asc",
    )


def _either(yes: bool, no: bool = False) -> bool | None:
    """Say what is wanted of a property: to be there, not to be, or nothing."""
    if yes:
        return True
    return False if no else None


async def show(call: Call) -> Response:
    """``GET /users/:id``."""
    call.sign_in()
    account = await call.context.users.get(call.number("id"))
    if call.principal.admin:
        return answer(entities.full_user(call.context, account, for_admin=True))
    return answer(entities.user(call.context, account))


async def create(call: Call) -> Response:
    """``POST /users``."""
    call.administer()
    wanted = call.read(CreateUser)
    # A password that nobody knows: they sign in by token, or are given another.
    unknown = secrets.token_urlsafe(32)
    new = NewUser(
        username=wanted.username,
        name=wanted.name,
        email=wanted.email,
        password=wanted.password if wanted.password is not None else unknown,
        admin=wanted.admin,
        external=wanted.external,
    )
    account = await call.context.users.create(new)
    return answer(entities.full_user(call.context, account, for_admin=True), 201)


async def update(call: Call) -> Response:
    """``PUT /users/:id``."""
    call.administer()
    wanted = call.read(UpdateUser)
    changes = UserChanges(
        username=wanted.username,
        name=wanted.name,
        email=wanted.email,
        password=wanted.password,
        admin=wanted.admin,
        external=wanted.external,
    )
    account = await call.context.users.update(call.number("id"), changes)
    return answer(entities.full_user(call.context, account, for_admin=True))


async def delete(call: Call) -> Response:
    """``DELETE /users/:id``."""
    call.administer()
    await call.context.users.delete(call.principal, call.number("id"))
    return no_content()


def _changing_state(change: StateChange) -> Handler:
    """Answer ``POST /users/:id/block``, and what else keeps out or lets in."""

    async def handle(call: Call) -> Response:
        call.administer()
        users, account_id = call.context.users, call.number("id")
        await users.change_state(call.principal, account_id, change)
        return answer(True, 201)  # noqa: FBT003 (the body)

    return handle


ROUTES = (
    Route(
        "GET",
        "/user",
        current,
        Operation("Show the caller", {200: FullUser}),
        scopes=("read_user",),
    ),
    Route(
        "GET",
        "/users",
        list_users,
        Operation(
            "List users",
            {200: list[BasicUser]},
            ListUsers,
            paged=True,
            errors=(405,),
        ),
        scopes=("read_user",),
    ),
    Route(
        "POST",
        "/users",
        create,
        Operation("Create a user", {201: FullUser}, CreateUser, errors=(409,)),
    ),
    Route(
        "GET",
        "/users/{id}",
        show,
        Operation("Show a user; all of it to administrators", {200: User | FullUser}),
        scopes=("read_user",),
    ),
    Route(
        "PUT",
        "/users/{id}",
        update,
        Operation("Change a user", {200: FullUser}, UpdateUser, errors=(409,)),
    ),
    Route(
        "DELETE",
        "/users/{id}",
        delete,
        Operation("Delete a user", {204: None}, errors=(409,)),
    ),
    *(
        Route(
            "POST",
            f"/users/{{id}}/{verb}",
            _changing_state(change),
            Operation(f"{verb.capitalize()} a user", {201: Literal[True]}),
        )
        for verb, change in (
            ("block", BLOCK),
            ("unblock", UNBLOCK),
            ("deactivate", DEACTIVATE),
            ("activate", ACTIVATE),
            ("ban", BAN),
            ("unban", UNBAN),
        )
    ),
)
