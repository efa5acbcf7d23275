"""Who calls the API, by every form of credentials that it takes.

Source: GitLab registry API facts, "Authentication of the REST API".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from starlette.requests import Request

from moorage.domain.access import ANONYMOUS, CredentialKind, Principal
from moorage.domain.errors import (
    ForbiddenError,
    InsufficientScopeError,
    ParameterError,
    UnauthenticatedError,
    UserUnknownError,
)
from moorage.http.gitlab_v4.routing import Route
from moorage.services.identity import ACCESS_TOKENS, JOB_TOKENS, Identity
from moorage.services.sessions import Sessions

READING = frozenset({"GET", "HEAD"})

Kinds: TypeAlias = Collection[CredentialKind]


class SudoUserUnknownError(UserUnknownError):
    """Nobody to act as."""


SESSION_COOKIE = "_moorage_session"
CSRF_HEADER = "x-csrf-token"


async def authenticate(
    identity: Identity,
    sessions: Sessions,
    request: Request,
    given: Mapping[str, Any],
) -> Principal:
    """Return who calls; nobody when no credentials were sent.

    Raises:
        UnauthenticatedError: Credentials were sent, and are wrong.
        ForbiddenError: They ask to act as somebody else and may not.
        ParameterError: Whom they ask to act as is neither a number nor a name.
    """
    found = _secret(request, given)
    if found is None:
        principal = await _by_cookie(sessions, request)
    else:
        principal = await identity.authenticate_token(*found)
    if principal.anonymous:
        return principal
    wanted = request.headers.get("sudo")
    if wanted is None:
        wanted = given.get("sudo")
    if wanted is None:
        return principal
    if isinstance(wanted, bool) or not isinstance(wanted, str | int):
        raise ParameterError("sudo is invalid")
    return await _act_as(identity, principal, str(wanted))


_PARAMETERS: Mapping[str, Kinds] = {
    "private_token": ACCESS_TOKENS,
    "access_token": ACCESS_TOKENS,
    "job_token": JOB_TOKENS,
}
SECRETS = frozenset(_PARAMETERS)
"""Parameters that are never repeated to anybody."""

_HEADERS: Mapping[str, Kinds] = {
    "private-token": ACCESS_TOKENS,
    "job-token": JOB_TOKENS,
}


def _secret(request: Request, given: Mapping[str, Any]) -> tuple[str, Kinds] | None:
    """Find a token and of which kinds it may be.

    The first of parameter, header and bearer counts.

    Raises:
        UnauthenticatedError: A parameter that should hold one is no text.
    """
    for name, kinds in _PARAMETERS.items():
        value = given.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise UnauthenticatedError
        return value, kinds
    for name, kinds in _HEADERS.items():
        value = request.headers.get(name)
        if value:
            return value, kinds
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        return None
    return value.strip(), ACCESS_TOKENS | JOB_TOKENS


async def _by_cookie(sessions: Sessions, request: Request) -> Principal:
    """Go on with a session. A cookie that names none is as good as no cookie."""
    secret = request.cookies.get(SESSION_COOKIE)
    if not secret:
        return ANONYMOUS
    return await sessions.resume(
        secret, request.headers.get(CSRF_HEADER), reads=request.method in READING
    )


async def _act_as(identity: Identity, principal: Principal, wanted: str) -> Principal:
    if principal.kind is CredentialKind.PASSWORD:
        raise ForbiddenError(
            "Must be authenticated using an OAuth or personal access token to use sudo"
        )
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
        UnauthenticatedError: It is a job's, and the route is not for jobs.
    """
    if principal.kind is CredentialKind.JOB:
        if not route.for_jobs:
            raise UnauthenticatedError
        return
    if principal.anonymous or route.any_scope:
        return
    reading = ("read_api",) if method in READING else ()
    if not principal.has_scope("api", *reading, *route.scopes):
        raise InsufficientScopeError(scopes=("api", "read_api", *route.scopes))
