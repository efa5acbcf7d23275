"""The front end for ``/api/v4``: GitLab's REST API."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Sequence

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moorage.domain.errors import RegistryError, TooLargeError
from moorage.domain.projects import ProjectMovedError
from moorage.http.forwarded import BASE_URL
from moorage.http.gitlab_v4 import (
    api_document,
    deploy_tokens,
    errors,
    garbage,
    groups,
    history,
    holds,
    instance,
    job_tokens,
    jobs,
    members,
    namespaces,
    plans,
    policies,
    projects,
    protection,
    registry,
    related_groups,
    sessions,
    shares,
    tag_lists,
    tokens,
    transfers,
    usage,
    users,
    webhooks,
    why,
    wide_cleanup,
)
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.authentication import authenticate, check_scopes
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.context import Context, seen_at
from moorage.http.gitlab_v4.parameters import collect
from moorage.http.gitlab_v4.routing import (
    MethodNotAllowedError,
    Route,
    RouteTable,
    RouteUnknownError,
)

PREFIX = "/api/v4"

ROUTES: Sequence[Route] = api_document.with_document(
    (
        *instance.ROUTES,
        *users.ROUTES,
        *sessions.ROUTES,
        *tokens.ROUTES,
        *deploy_tokens.ROUTES,
        *job_tokens.ROUTES,
        *groups.ROUTES,
        *namespaces.ROUTES,
        *projects.ROUTES,
        *members.ROUTES,
        *shares.ROUTES,
        *related_groups.ROUTES,
        *transfers.ROUTES,
        *registry.ROUTES,
        *tag_lists.ROUTES,
        *wide_cleanup.ROUTES,
        *plans.ROUTES,
        *policies.ROUTES,
        *history.ROUTES,
        *protection.ROUTES,
        *jobs.ROUTES,
        *webhooks.ROUTES,
        *holds.ROUTES,
        *why.ROUTES,
        *garbage.ROUTES,
        *usage.ROUTES,
    )
)

MAX_BODY_BYTES = 1 << 20
"""Of a request: parameters, never content."""

_V3 = "API V3 is no longer supported. Use API V4 instead."

_log = structlog.get_logger()


def create(context: Context) -> ASGIApp:
    """Make the front end: an application for every path below ``/api``."""
    return _Application(context)


class _Application:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._routes = RouteTable(ROUTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request = Request(scope, _Limited(receive))
        response = await self._answer(request)
        response = _finish(request, response, time.perf_counter() - started)
        await response(scope, receive, _bodiless(send, scope["method"]))

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._handle(request)
        except ProjectMovedError as moved:
            base_url = request.scope.get(BASE_URL) or self._context.external_url
            return transfers.render_moved(request, base_url, moved)
        except RegistryError as error:
            return errors.render(error)
        except Exception:  # noqa: BLE001 (told to the log, not to the client)
            path = request.scope["raw_path"].decode("ascii", "replace")
            _log.exception(
                "request failed",
                method=request.method,
                path=path,
                client=request.client.host if request.client else "",
            )
            return errors.render_unexpected()

    async def _handle(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("ascii", "replace")
        if f"{path}/".startswith("/api/v3/"):
            return answer({"error": _V3}, 410)
        if not path.startswith(f"{PREFIX}/"):
            raise RouteUnknownError
        try:
            route, path_parameters = self._routes.find(
                request.method, path.removeprefix(PREFIX)
            )
        except MethodNotAllowedError as error:
            if request.method != "OPTIONS":
                raise
            response = no_content()
            response.headers["Allow"] = ", ".join(error.detail["allow"])
            return response
        given = await collect(request)
        principal = await authenticate(
            self._context.identity, self._context.sessions, request, given
        )
        check_scopes(principal, route, request.method)
        context = seen_at(self._context, request.scope.get(BASE_URL))
        call = Call(context, request, principal, path_parameters, given)
        return await route.handler(call)


class _Limited:
    """A request body that may not be long."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > MAX_BODY_BYTES:
            raise TooLargeError
        return message


def _finish(request: Request, response: Response, seconds: float) -> Response:
    """Add the headers that every answer has; answer 304 to who has it already.

    Source: GitLab registry API facts, "Response headers of every API answer".
    """
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "SAMEORIGIN"
    headers["X-Request-Id"] = uuid.uuid4().hex
    headers["X-Runtime"] = f"{seconds:.6f}"
    headers["Vary"] = "Origin"
    if request.method not in ("GET", "HEAD") or response.status_code != 200:  # noqa: PLR2004
        fresh = response.status_code < 400  # noqa: PLR2004
        headers["Cache-Control"] = _REVALIDATE if fresh else "no-cache"
        return response
    headers["Cache-Control"] = _REVALIDATE
    digest = hashlib.blake2b(bytes(response.body), digest_size=16).hexdigest()
    etag = headers["ETag"] = f'W/"{digest}"'
    if request.headers.get("if-none-match") == etag:
        response.status_code, response.body = 304, b""
        del headers["content-length"]
        del headers["content-type"]
    return response


_REVALIDATE = "max-age=0, private, must-revalidate"


def _bodiless(send: Send, method: str) -> Send:
    """Keep the body of an answer to HEAD; its length is still told."""
    if method != "HEAD":
        return send

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
