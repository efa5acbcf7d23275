"""Deploy tokens of projects and groups."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Protocol, TypeAlias, TypedDict

from starlette.responses import Response

from moorage.domain.access import CredentialKind
from moorage.domain.errors import ParameterError
from moorage.domain.tokens import DEPLOY_SCOPES, Token
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Keyword, Name, Time
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import Page, answer_page, page_of
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.registry_entities import row_time
from moorage.http.gitlab_v4.routing import Handler, Route
from moorage.services.deploy_tokens import DeployTokenRequest
from moorage.services.owned_tokens import Owner
from moorage.services.pages import Listed, Window


class _ListParameters(Parameters):
    active: bool = False


DeployScopes: TypeAlias = Annotated[
    list[Annotated[str, Keyword("enum", tuple(DEPLOY_SCOPES))]], Keyword("minItems", 1)
]


class _CreateParameters(Parameters, kw_only=True):
    name: Name
    scopes: DeployScopes
    expires_at: datetime | None = None
    username: str | None = None


class DeployTokenEntity(TypedDict):
    """A deploy token, without its secret."""

    id: int
    name: str
    username: str
    expires_at: Time | None
    scopes: list[str]
    revoked: bool
    expired: bool


class MadeDeployTokenEntity(DeployTokenEntity):
    """A new deploy token, this once with its secret."""

    token: str


class OwnedHandler(Protocol):
    """Answers a call about the deploy tokens of a project or group."""

    async def __call__(self, call: Call, owner: Owner) -> Response:
        """Answer."""


async def list_all(call: Call) -> Response:
    """``GET /deploy_tokens``."""
    call.administer()
    wanted, page = call.read(_ListParameters), page_of(call)
    found = await call.context.deploy_tokens.list_all(
        Window(page.limit, page.offset), active_only=wanted.active
    )
    return _answer_list(call, page, found)


async def list_owned(call: Call, owner: Owner) -> Response:
    """``GET /projects/:id/deploy_tokens``, and of groups."""
    wanted, page = call.read(_ListParameters), page_of(call)
    window = Window(page.limit, page.offset)
    found = await call.context.deploy_tokens.list_of(
        call.principal, owner, window, active_only=wanted.active
    )
    return _answer_list(call, page, found)


async def show_owned(call: Call, owner: Owner) -> Response:
    """``GET /projects/:id/deploy_tokens/:token_id``, and of groups."""
    token = await call.context.deploy_tokens.get_of(
        call.principal, owner, call.number("token_id")
    )
    return answer(_entity(call, token))


async def create_owned(call: Call, owner: Owner) -> Response:
    """``POST /projects/:id/deploy_tokens``, and of groups."""
    call.sign_in()
    given = call.read(_CreateParameters)
    if not set(DEPLOY_SCOPES).issuperset(given.scopes):
        raise ParameterError("scopes does not have a valid value")
    wanted = DeployTokenRequest(
        name=given.name,
        scopes=given.scopes,
        username=given.username or None,
        expires_at=given.expires_at,
    )
    made = await call.context.deploy_tokens.create_of(call.principal, owner, wanted)
    body: MadeDeployTokenEntity = {**_entity(call, made.token), "token": made.secret}
    return answer(body, 201)


async def delete_owned(call: Call, owner: Owner) -> Response:
    """``DELETE /projects/:id/deploy_tokens/:token_id``, and of groups."""
    await call.context.deploy_tokens.delete_of(
        call.principal, owner, call.number("token_id")
    )
    return no_content()


def _answer_list(call: Call, page: Page, found: Listed[Token]) -> Response:
    shown = [_entity(call, token) for token in found.items]
    return answer_page(call, page, shown, found.total)


def _entity(call: Call, token: Token) -> DeployTokenEntity:
    """Show a deploy token; never its secret."""
    return {
        "id": token.id,
        "name": token.name,
        "username": token.login,
        "expires_at": row_time(token.expires_at),
        "scopes": list(token.scopes),
        "revoked": token.revoked_at is not None,
        "expired": call.context.deploy_tokens.is_expired(token),
    }


_LIST = Operation(
    "List deploy tokens", {200: list[DeployTokenEntity]}, _ListParameters, paged=True
)


def _owned_routes(folder: str, kind: CredentialKind) -> tuple[Route, ...]:
    def of_owner(handler: OwnedHandler) -> Handler:
        async def handle(call: Call) -> Response:
            return await handler(call, Owner(kind, call.reference()))

        return handle

    base = f"/{folder}/{{id}}/deploy_tokens"
    return (
        Route("GET", base, of_owner(list_owned), _LIST),
        Route(
            "POST",
            base,
            of_owner(create_owned),
            Operation(
                "Make a deploy token", {201: MadeDeployTokenEntity}, _CreateParameters
            ),
        ),
        Route(
            "GET",
            base + "/{token_id}",
            of_owner(show_owned),
            Operation("Show a deploy token", {200: DeployTokenEntity}),
        ),
        Route(
            "DELETE",
            base + "/{token_id}",
            of_owner(delete_owned),
            Operation("Delete a deploy token", {204: None}),
        ),
    )


ROUTES = (
    Route("GET", "/deploy_tokens", list_all, _LIST),
    *_owned_routes("projects", CredentialKind.PROJECT),
    *_owned_routes("groups", CredentialKind.GROUP),
)
