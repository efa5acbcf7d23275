"""Sessions: a browser signs in with a password and goes on with a cookie."""

from __future__ import annotations

from typing import TypedDict

from starlette.responses import Response

from moorage.domain.errors import ForbiddenError, UnauthenticatedError
from moorage.http.gitlab_v4 import entities
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.authentication import SESSION_COOKIE
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Time
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.registry_entities import row_time
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.shapes import BasicUser
from moorage.services.sessions import OpenSession


class SignIn(Parameters, kw_only=True):
    """``POST /session``."""

    login: str
    password: str


class SessionEntity(TypedDict):
    """Who signed in, and what goes with requests that change something."""

    user: BasicUser
    csrf_token: str
    expires_at: Time


async def begin(call: Call) -> Response:
    """``POST /session``."""
    wanted = call.read(SignIn)
    _check_origin(call)
    session = await call.context.sessions.begin(wanted.login, wanted.password)
    response = answer(await _entity(call, session), 201)
    response.set_cookie(
        SESSION_COOKIE,
        session.secret,
        expires=session.expires_at,
        secure=call.context.external_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return response


async def show(call: Call) -> Response:
    """``GET /session``."""
    return answer(await _entity(call, await _current(call)))


async def end(call: Call) -> Response:
    """``DELETE /session``."""
    call.sign_in()
    session = await _current(call)
    await call.context.sessions.end(session.secret)
    response = no_content()
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
    return response


def _check_origin(call: Call) -> None:
    """Keep pages of other sites from signing a browser in as somebody else."""
    origin = call.request.headers.get("origin")
    if origin not in (None, call.context.external_url):
        raise ForbiddenError


async def _current(call: Call) -> OpenSession:
    secret = call.request.cookies.get(SESSION_COOKIE)
    found = None if secret is None else await call.context.sessions.find(secret)
    if found is None or found.account_id != call.principal.account_id:
        raise UnauthenticatedError
    return found


async def _entity(call: Call, session: OpenSession) -> SessionEntity:
    account = await call.context.users.get(session.account_id)
    return {
        "user": entities.basic_user(call.context, account),
        "csrf_token": session.csrf_token,
        "expires_at": row_time(session.expires_at),
    }


ROUTES = (
    Route(
        "POST",
        "/session",
        begin,
        Operation(
            "Sign in with a password: a cookie goes with what follows",
            {201: SessionEntity},
            SignIn,
            anonymous=True,
        ),
        any_scope=True,
    ),
    Route(
        "GET",
        "/session",
        show,
        Operation("Show the session that the cookie names", {200: SessionEntity}),
        any_scope=True,
    ),
    Route(
        "DELETE",
        "/session",
        end,
        Operation("Sign out", {204: None}),
        any_scope=True,
    ),
)
