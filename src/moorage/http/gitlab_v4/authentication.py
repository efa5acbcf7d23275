"""Who calls the API, by every form of credentials that it takes.

Source: GitLab registry API facts, "Authentication of the REST API".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from moorage.domain.access import ANONYMOUS, Principal
from moorage.domain.errors import (
    ForbiddenError,
    InsufficientScopeError,
    UserUnknownError,
)
from moorage.http.gitlab_v4.routing import Route
from moorage.services.identity import Identity

READING = frozenset({"GET", "HEAD"})


class SudoUserUnknownError(UserUnknownError):
    """Nobody to act as."""


async def authenticate(
    identity: Identity, request: Request, given: Mapping[str, Any]
) -> Principal:
    """Return who calls; nobody when no credentials were sent.

    Raises:
        UnauthenticatedError: Credentials were sent, and are wrong.
        ForbiddenError: They ask to act as somebody else and may not.
    """
    secret = _secret(request, given)
    if secret is None:
        return ANONYMOUS
    principal = await identity.authenticate_token(secret)
    wanted = request.headers.get("sudo") or given.get("sudo")
    if isinstance(wanted, str) and wanted:
        return await _act_as(identity, principal, wanted)
    return principal


def _secret(request: Request, given: Mapping[str, Any]) -> str | None:
    """Find a token: the first of parameter, header and bearer counts."""
    for name in ("private_token", "access_token", "job_token"):
        value = given.get(name)
        if isinstance(value, str) and value:
            return value
    for name in ("private-token", "job-token"):
        value = request.headers.get(name)
        if value:
            return value
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() or None if scheme.lower() == "bearer" else None


async def _act_as(identity: Identity, principal: Principal, wanted: str) -> Principal:
    if not principal.admin:
        raise ForbiddenError("Must be admin to use sudo")
    if not principal.has_scope("sudo"):
        raise InsufficientScopeError(scopes=("sudo",))
    found = await identity.act_as(principal, wanted)
    if found is None:
        raise SudoUserUnknownError(wanted)
    return found


def check_scopes(principal: Principal, route: Route, method: str) -> None:
    """Let a token pass whose scopes cover the route.

    Raises:
        InsufficientScopeError: They do not.
    """
    if principal.anonymous or route.any_scope:
        return
    reading = ("read_api",) if method in READING else ()
    if not principal.has_scope("api", *reading, *route.scopes):
        raise InsufficientScopeError(scopes=("api", "read_api", *route.scopes))
