"""The token service: ``/jwt/auth``.

Source: Docker token authentication specification, and its OAuth2 form; GitLab registry
API facts, "Registry token endpoint".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

import structlog

from moorage.domain.access import ANONYMOUS, Principal
from moorage.domain.errors import (
    ForbiddenError,
    InvalidError,
    RegistryError,
)
from moorage.domain.scopes import Scope as TokenScope
from moorage.domain.scopes import parse_scopes
from moorage.http.credentials import parse_basic
from moorage.http.messages import (
    ClientGoneError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    send_response,
)
from moorage.http.token_auth import errors
from moorage.services.authorization import Authorization, opens_registry
from moorage.services.identity import Identity
from moorage.services.refresh_tokens import RefreshTokens
from moorage.services.registry_tokens import SERVICE, RegistryTokens

MAX_FORM_BYTES = 64 << 10
MAX_SCOPES = 100

Fields = Mapping[str, list[str]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Context:
    """The services that the token service stands on."""

    identity: Identity
    authorization: Authorization
    tokens: RegistryTokens
    refresh_tokens: RefreshTokens


class TokenApp:
    """Issues registry tokens."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except RegistryError as error:
            response = errors.render(error)
        except ClientGoneError:
            return
        except Exception:
            log.exception("request failed", path=request.path, client=request.client)
            response = errors.render(RegistryError())
        response.headers["Cache-Control"] = "no-store"
        await send_response(request, response, scope, send)

    async def _answer(self, request: Request) -> Response:
        if request.method in {"GET", "HEAD"}:
            return await self._get(request)
        if request.method == "POST":
            return await self._post(request)
        return Response(405, {"Allow": "GET, HEAD, POST"})

    async def _get(self, request: Request) -> Response:
        """``GET``: Basic credentials or none, scopes in the query.

        ``offline_token`` is ignored, as by GitLab: Docker would keep a refresh token in
        place of the password, where other clients look for a password.
        """
        if request.parameter("service") != SERVICE:
            return Response(404)
        header = request.header("authorization")
        principal = ANONYMOUS
        if header is not None:
            principal = await self._context.identity.authenticate_basic(
                *parse_basic(header)
            )
        return await self._issue(principal, _scopes(request.query), offline=False)

    async def _post(self, request: Request) -> Response:
        """``POST``: OAuth2's form with a password or a refresh token."""
        form = _form(await request.read_at_most(MAX_FORM_BYTES))
        if _first(form, "service") != SERVICE:
            return Response(404)
        grant_type = _first(form, "grant_type")
        if grant_type == "password":
            principal = await self._context.identity.authenticate_basic(
                _first(form, "username"), _first(form, "password")
            )
        elif grant_type == "refresh_token":
            principal = await self._context.refresh_tokens.redeem(
                _first(form, "refresh_token")
            )
        else:
            raise InvalidError("unsupported grant_type", grant_type=grant_type[:50])
        offline = _first(form, "access_type") == "offline"
        return await self._issue(principal, _scopes(form), offline=offline)

    async def _issue(
        self, principal: Principal, scopes: list[TokenScope], *, offline: bool
    ) -> Response:
        if not principal.anonymous and not opens_registry(principal):
            raise ForbiddenError
        grants = await self._context.authorization.grant(principal, scopes)
        if principal.anonymous and not grants.scopes():
            raise ForbiddenError
        token = self._context.tokens.issue(principal, grants)
        body = {
            "token": token.text,
            "access_token": token.text,
            "expires_in": int(token.lifetime.total_seconds()),
            "issued_at": token.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "scope": " ".join(str(scope) for scope in grants.scopes()),
        }
        if offline:
            body |= await self._refresh(principal)
        return Response.json(200, body)

    async def _refresh(self, principal: Principal) -> dict[str, str]:
        refresh_token = await self._context.refresh_tokens.issue(principal)
        return {} if refresh_token is None else {"refresh_token": refresh_token}


def _scopes(fields: Fields) -> list[TokenScope]:
    scopes = parse_scopes(fields.get("scope", []))
    if len(scopes) > MAX_SCOPES:
        raise InvalidError("too many scopes", limit=MAX_SCOPES)
    return scopes


def _form(content: bytes) -> Fields:
    try:
        return parse_qs(content.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise InvalidError("unreadable form") from error


def _first(fields: Fields, name: str) -> str:
    return fields.get(name, [""])[0]
