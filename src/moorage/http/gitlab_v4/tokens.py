"""Access tokens: personal, and of projects and groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Annotated, Literal, Protocol, TypeAlias

from starlette.responses import Response

from moorage.domain.access import CredentialKind, Role
from moorage.domain.errors import ParameterError
from moorage.domain.tokens import ACCESS_SCOPES, ADMIN_SCOPES, Token
from moorage.http.gitlab_v4 import entities, shapes
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import (
    GrantableLevel,
    Keyword,
    Name,
    ShortDescription,
)
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_page, page_of
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.routing import Handler, Route
from moorage.http.gitlab_v4.shapes import AccessToken, MadeAccessToken
from moorage.services.minting import TokenRequest
from moorage.services.owned_tokens import Owner
from moorage.services.pages import Window
from moorage.store.tokens import TokenFilter, TokenOrder

Sort: TypeAlias = Literal[
    "created_asc",
    "created_desc",
    "expires_asc",
    "expires_desc",
    "last_used_asc",
    "last_used_desc",
    "name_asc",
    "name_desc",
]

# Ids rise with the time at which tokens are made.
_ORDERS: Mapping[str, TokenOrder] = {
    "created": "id",
    "expires": "expires_at",
    "last_used": "last_used_at",
    "name": "name",
}


class ListTokens(Parameters):
    """The lists of tokens of projects and groups."""

    search: str | None = None
    revoked: bool | None = None
    state: Literal["active", "inactive"] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    last_used_after: datetime | None = None
    last_used_before: datetime | None = None
    expires_after: date | None = None
    expires_before: date | None = None
    sort: Sort | None = None


class ListPersonalTokens(ListTokens):
    """``GET /personal_access_tokens``."""

    user_id: int | None = None


AccessScopes: TypeAlias = Annotated[
    list[Annotated[str, Keyword("enum", (*ACCESS_SCOPES, *ADMIN_SCOPES))]],
    Keyword("minItems", 1),
]


class CreateToken(Parameters, kw_only=True):
    """``POST /users/:user_id/personal_access_tokens``."""

    name: Name
    scopes: AccessScopes
    description: ShortDescription | None = None
    expires_at: date | None = None


class CreateOwnedToken(CreateToken, kw_only=True):
    """``POST /projects/:id/access_tokens``, and of groups."""

    access_level: GrantableLevel = int(Role.MAINTAINER)


class RotateToken(Parameters):
    """``POST …/rotate``."""

    expires_at: date | None = None


class OwnedHandler(Protocol):
    """Answers a call about the tokens of a project or group."""

    async def __call__(self, call: Call, owner: Owner) -> Response:
        """Answer."""


# Personal


async def list_personal(call: Call) -> Response:
    """``GET /personal_access_tokens``."""
    call.sign_in()
    wanted, page = call.read(ListPersonalTokens), page_of(call)
    found = await call.context.tokens.list_personal(
        call.principal,
        wanted.user_id,
        token_filter(wanted, CredentialKind.PERSONAL),
        Window(page.limit, page.offset),
    )
    shown = [_shown(call, token) for token in found.items]
    return answer_page(call, page, shown, found.total)


async def show_own(call: Call) -> Response:
    """``GET /personal_access_tokens/self``."""
    call.sign_in()
    return answer(_shown(call, await call.context.tokens.own(call.principal)))


async def show_personal(call: Call) -> Response:
    """``GET /personal_access_tokens/:id``."""
    call.sign_in()
    token = await call.context.tokens.get_personal(call.principal, call.number("id"))
    return answer(_shown(call, token))


async def revoke_own(call: Call) -> Response:
    """``DELETE /personal_access_tokens/self``."""
    call.sign_in()
    await call.context.tokens.revoke_own(call.principal)
    return no_content()


async def revoke_personal(call: Call) -> Response:
    """``DELETE /personal_access_tokens/:id``."""
    call.sign_in()
    await call.context.tokens.revoke_personal(call.principal, call.number("id"))
    return no_content()


async def rotate_own(call: Call) -> Response:
    """``POST /personal_access_tokens/self/rotate``."""
    call.sign_in()
    expires_on = call.read(RotateToken).expires_at
    made = await call.context.tokens.rotate_own(call.principal, expires_on)
    return answer(entities.made_token(made))


async def rotate_personal(call: Call) -> Response:
    """``POST /personal_access_tokens/:id/rotate``."""
    call.sign_in()
    expires_on = call.read(RotateToken).expires_at
    made = await call.context.tokens.rotate_personal(
        call.principal, call.number("id"), expires_on
    )
    return answer(entities.made_token(made))


async def create_personal(call: Call) -> Response:
    """``POST /users/:user_id/personal_access_tokens``."""
    call.administer()
    wanted = _request(call.read(CreateToken))
    made = await call.context.tokens.create_personal(call.number("user_id"), wanted)
    return answer(entities.made_token(made), 201)


# Of projects and groups


async def list_owned(call: Call, owner: Owner) -> Response:
    """``GET /projects/:id/access_tokens``, and of groups."""
    wanted, page = token_filter(call.read(ListTokens), owner.kind), page_of(call)
    window = Window(page.limit, page.offset)
    found = await call.context.tokens.owned.list_of(
        call.principal, owner, wanted, window
    )
    shown = [_shown(call, token, level) for token, level in found.items]
    return answer_page(call, page, shown, found.total)


async def show_owned(call: Call, owner: Owner) -> Response:
    """``GET /projects/:id/access_tokens/:token_id``, and of groups."""
    token, level = await call.context.tokens.owned.get_of(
        call.principal, owner, call.number("token_id")
    )
    return answer(_shown(call, token, level))


async def create_owned(call: Call, owner: Owner) -> Response:
    """``POST /projects/:id/access_tokens``, and of groups."""
    call.sign_in()
    given = call.read(CreateOwnedToken)
    if given.access_level not in list(Role):
        raise ParameterError("access_level does not have a valid value")
    wanted = _request(given, Role(given.access_level))
    made = await call.context.tokens.owned.create_of(call.principal, owner, wanted)
    return answer(entities.made_token(made), 201)


async def revoke_owned(call: Call, owner: Owner) -> Response:
    """``DELETE /projects/:id/access_tokens/:token_id``, and of groups."""
    await call.context.tokens.owned.revoke_of(
        call.principal, owner, call.number("token_id")
    )
    return no_content()


async def rotate_owned(call: Call, owner: Owner) -> Response:
    """``POST /projects/:id/access_tokens/:token_id/rotate``, and of groups."""
    expires_on = call.read(RotateToken).expires_at
    made = await call.context.tokens.owned.rotate_of(
        call.principal, owner, call.number("token_id"), expires_on
    )
    return answer(entities.made_token(made))


def _request(given: CreateToken, level: Role = Role.MAINTAINER) -> TokenRequest:
    if not {*ACCESS_SCOPES, *ADMIN_SCOPES}.issuperset(given.scopes):
        raise ParameterError("scopes does not have a valid value")
    return TokenRequest(
        name=given.name,
        scopes=given.scopes,
        description=given.description or "",
        expires_on=given.expires_at,
        level=level,
    )


def _shown(call: Call, token: Token, level: Role | None = None) -> shapes.AccessToken:
    active = call.context.tokens.is_active(token)
    return entities.token(token, active=active, level=level)


def token_filter(wanted: ListTokens, kind: CredentialKind) -> TokenFilter:
    """Say what a list of tokens is about."""
    order, _, direction = (wanted.sort or "created_asc").rpartition("_")
    return TokenFilter(
        kind=kind,
        search=(wanted.search or "").lower(),
        active=None if wanted.state is None else wanted.state == "active",
        revoked=wanted.revoked,
        created_after=wanted.created_after,
        created_before=wanted.created_before,
        last_used_after=wanted.last_used_after,
        last_used_before=wanted.last_used_before,
        expires_after=_midnight(wanted.expires_after),
        expires_before=_midnight(wanted.expires_before),
        order_by=_ORDERS[order],
        ascending=direction == "asc",
    )


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


_LIST = Operation("List tokens", {200: list[AccessToken]}, ListTokens, paged=True)
_LIST_PERSONAL = replace(_LIST, parameters=ListPersonalTokens)
_SHOW = Operation("Show a token", {200: AccessToken})
_REVOKE = Operation("Revoke a token", {204: None})
_ROTATE = Operation(
    "Revoke a token and make its successor", {200: MadeAccessToken}, RotateToken
)


def _owned_routes(folder: str, kind: CredentialKind) -> tuple[Route, ...]:
    def of_owner(handler: OwnedHandler) -> Handler:
        async def handle(call: Call) -> Response:
            return await handler(call, Owner(kind, call.reference()))

        return handle

    base = f"/{folder}/{{id}}/access_tokens"
    return (
        Route("GET", base, of_owner(list_owned), _LIST),
        Route(
            "POST",
            base,
            of_owner(create_owned),
            Operation("Make a token", {201: MadeAccessToken}, CreateOwnedToken),
        ),
        Route("GET", base + "/{token_id}", of_owner(show_owned), _SHOW),
        Route("DELETE", base + "/{token_id}", of_owner(revoke_owned), _REVOKE),
        Route("POST", base + "/{token_id}/rotate", of_owner(rotate_owned), _ROTATE),
    )


ROUTES = (
    Route("GET", "/personal_access_tokens", list_personal, _LIST_PERSONAL),
    Route(
        "GET",
        "/personal_access_tokens/self",
        show_own,
        Operation("Show the token that is used", {200: AccessToken}),
        any_scope=True,
    ),
    Route(
        "DELETE",
        "/personal_access_tokens/self",
        revoke_own,
        Operation("Revoke the token that is used", {204: None}),
        any_scope=True,
    ),
    Route(
        "POST",
        "/personal_access_tokens/self/rotate",
        rotate_own,
        Operation(
            "Revoke the token that is used and make its successor",
            {200: MadeAccessToken},
            RotateToken,
        ),
        scopes=("self_rotate",),
    ),
    Route("GET", "/personal_access_tokens/{id}", show_personal, _SHOW),
    Route("DELETE", "/personal_access_tokens/{id}", revoke_personal, _REVOKE),
    Route("POST", "/personal_access_tokens/{id}/rotate", rotate_personal, _ROTATE),
    Route(
        "POST",
        "/users/{user_id}/personal_access_tokens",
        create_personal,
        Operation("Make a token for a user", {201: MadeAccessToken}, CreateToken),
    ),
    *_owned_routes("projects", CredentialKind.PROJECT),
    *_owned_routes("groups", CredentialKind.GROUP),
)
