"""The registry protocol as an ASGI application.

Repository names contain slashes, and may contain components called ``blobs`` or
``manifests``: a path is read from the right.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias
from urllib.parse import unquote

import structlog

from moorage.domain.errors import RegistryError, UnauthenticatedError
from moorage.http.gitlab_release import REGISTRY_HEADERS
from moorage.http.messages import (
    ClientGoneError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    send_response,
)
from moorage.http.registry_v2 import blobs, errors, lists, manifests, uploads
from moorage.http.registry_v2.call import Call, Context
from moorage.ports.blobs import AppendInterrupted

Handler: TypeAlias = Callable[[Call], Awaitable[Response]]
Methods: TypeAlias = Mapping[str, Handler]

BASE_PATHS = frozenset({"/v2", "/v2/"})

API_VERSION = {
    "Docker-Distribution-Api-Version": "registry/2.0",
    "X-Content-Type-Options": "nosniff",
}

log = structlog.get_logger()


async def base(call: Call) -> Response:
    """``GET /v2/`` (end-1)."""
    await call.authenticate()
    return Response.json(200, {})


def _reads(handler: Handler) -> Methods:
    return {"GET": handler, "HEAD": handler}


BASE: Methods = _reads(base)
CATALOG: Methods = _reads(lists.catalog)
TAGS: Methods = _reads(lists.tags)
REFERRERS: Methods = _reads(lists.referrers)
MANIFEST: Methods = {
    **_reads(manifests.get),
    "PUT": manifests.put,
    "DELETE": manifests.delete,
}
TAG_REFERENCE: Methods = {"DELETE": manifests.delete_tag}
BLOB: Methods = {**_reads(blobs.get), "DELETE": blobs.delete}
UPLOADS: Methods = {"POST": uploads.post}
UPLOAD: Methods = {
    **_reads(uploads.get),
    "PATCH": uploads.patch,
    "PUT": uploads.put,
    "DELETE": uploads.delete,
}


def route(path: str) -> tuple[Methods, str, str] | None:
    """Return an endpoint's methods, the repository's name, and the last argument."""
    if path in BASE_PATHS:
        return BASE, "", ""
    if path in {"/v2/_catalog", "/v2/_catalog/"}:
        return CATALOG, "", ""
    match _parts(path):
        case [*name, "tags", "list"]:
            found = TAGS, name, ""
        case [*name, "tags", "reference", tag]:
            found = TAG_REFERENCE, name, tag
        case [*name, "blobs", "uploads"] | [*name, "blobs", "uploads", ""]:
            found = UPLOADS, name, ""
        case [*name, "blobs", "uploads", upload_id]:
            found = UPLOAD, name, upload_id
        case [*name, "manifests", reference]:
            found = MANIFEST, name, reference
        case [*name, "blobs", digest]:
            found = BLOB, name, digest
        case [*name, "referrers", digest]:
            found = REFERRERS, name, digest
        case _:
            return None
    methods, names, argument = found
    return methods, "/".join(names), argument


def _parts(path: str) -> list[str]:
    parts = path.removeprefix("/v2/").split("/")
    return [unquote(part) for part in parts] if "%" in path else parts


class RegistryApp:
    """Routes, answers, and renders what went wrong."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientGoneError:
            return
        response.headers.update(API_VERSION)
        if request.path in BASE_PATHS:
            response.headers.update(REGISTRY_HEADERS)
        await send_response(request, response, scope, send)

    async def _answer(self, request: Request) -> Response:
        found = route(request.path)
        if found is None:
            return errors.render_unknown_path()
        methods, name, argument = found
        handler = methods.get(request.method)
        if handler is None:
            return errors.render_wrong_method(", ".join(methods))
        return await _guarded(handler, Call(self._context, request, name, argument))


async def _guarded(handler: Handler, call: Call) -> Response:
    try:
        return await handler(call)
    except AppendInterrupted as interruption:
        if isinstance(interruption.__cause__, RegistryError):
            return errors.render(interruption.__cause__)
        if isinstance(interruption.__cause__, ClientGoneError):
            raise interruption.__cause__ from None
        log.exception("body of an upload failed", **_facts(call))
    except UnauthenticatedError as error:
        response = errors.render(error)
        response.headers["WWW-Authenticate"] = call.challenge(error)
        return response
    except RegistryError as error:
        return errors.render(error)
    except ClientGoneError:
        raise
    except Exception:
        log.exception("request failed", **_facts(call))
    return errors.render_unexpected()


def _facts(call: Call) -> dict[str, str]:
    return {"path": call.request.path, "client": call.request.client}
