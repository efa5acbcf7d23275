"""The front end for ``/gitlab/v1/``, for reading.

Source: GitLab registry API facts, "/gitlab/v1/".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import unquote

import structlog

from moorage.domain.errors import RegistryError, UnauthenticatedError
from moorage.http.gitlab_v1 import errors, repositories, statistics, tags
from moorage.http.gitlab_v1.call import Call, Context
from moorage.http.messages import (
    Receive,
    Request,
    Response,
    Scope,
    Send,
    send_response,
)

Handler: TypeAlias = Callable[[Call], Awaitable[Response]]

PREFIX = "/gitlab/v1/"

log = structlog.get_logger()


def route(path: str) -> tuple[Handler, str, str] | None:
    """Return what answers, the repository's path, and a tag.

    Repositories may be called like the words that follow them: a path is read from the
    right.
    """
    parts = [unquote(part) for part in path.removeprefix(PREFIX).split("/")]
    match parts[:-1]:
        case []:
            return repositories.base, "", ""
        case ["statistics"]:
            return statistics.get, "", ""
        case ["repositories", *name, "tags", "list"] if name:
            found = tags.list_tags, name, ""
        case ["repositories", *name, "tags", "detail", tag] if name:
            found = tags.get, name, tag
        case ["repositories", *name] if name:
            found = repositories.get, name, ""
        case ["repository-paths", *name, "repositories", "list"] if name:
            found = repositories.list_below, name, ""
        case _:
            return None
    handler, names, tag = found
    return handler, "/".join(names), tag


class GitlabV1App:
    """Routes, answers, and renders what went wrong."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        response = await self._answer(request, scope["query_string"].decode("latin-1"))
        response.headers["X-Content-Type-Options"] = "nosniff"
        await send_response(request, response, scope, send)

    async def _answer(self, request: Request, query: str) -> Response:
        if not request.path.endswith("/"):
            address = f"{request.path}/" + (f"?{query}" if query else "")
            return Response(301, {"Location": address})
        found = route(request.path)
        if found is None:
            return _refusal(404, "no such endpoint")
        if request.method not in {"GET", "HEAD"}:
            response = _refusal(405, "method not allowed")
            response.headers["Allow"] = "GET, HEAD"
            return response
        handler, name, tag = found
        return await _guarded(handler, Call(self._context, request, name, tag))


async def _guarded(handler: Handler, call: Call) -> Response:
    try:
        return await handler(call)
    except UnauthenticatedError as error:
        response = errors.render(error)
        response.headers["WWW-Authenticate"] = call.challenge(error)
        return response
    except RegistryError as error:
        return errors.render(error)
    except Exception:
        request = call.request
        log.exception("request failed", path=request.path, client=request.client)
        return errors.render(RegistryError())


def _refusal(status: int, message: str) -> Response:
    body = {"code": "UNSUPPORTED", "message": message}
    return Response.json(status, {"errors": [body]})
