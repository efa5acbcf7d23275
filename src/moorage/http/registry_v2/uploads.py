"""Blob uploads: ``/v2/<name>/blobs/uploads/`` and the sessions below it."""

from __future__ import annotations

from moorage.domain.access import Principal
from moorage.domain.digest import CANONICAL_ALGORITHM, Digest, check_algorithm
from moorage.domain.errors import (
    DigestInvalidError,
    NameInvalidError,
    UploadUnknownError,
)
from moorage.domain.names import RepositoryName
from moorage.domain.scopes import PULL, PUSH
from moorage.domain.uploads import Chunk, UploadSession
from moorage.http.messages import Response
from moorage.http.registry_v2.call import Call
from moorage.http.registry_v2.errors import upload_range


async def post(call: Call) -> Response:
    """``POST`` (end-4a, end-4b, end-4c, end-11)."""
    principal = await call.authorise(PULL, PUSH)
    mount, raw_digest = (call.request.parameter(key) for key in ("mount", "digest"))
    digest = None if raw_digest is None else Digest.parse(raw_digest)
    algorithm = call.request.parameter("digest-algorithm") or CANONICAL_ALGORITHM
    check_algorithm(algorithm)  # before anything is made for a push that cannot be
    repository = await call.context.placement.find_or_create(call.name, principal)
    if mount is not None and await _mount(call, mount, repository.id, principal):
        return _created(call, Digest.parse(mount))
    session = await call.context.uploads.start(
        repository.id, digest.algorithm if digest else algorithm
    )
    if digest is None:
        return _progress(call, session, 202)
    return await _finish(call, session.id, digest, principal)


async def _mount(
    call: Call, raw_digest: str, target_id: int, principal: Principal
) -> bool:
    """Try to mount; whatever stands against it leads to an ordinary upload."""
    context = call.context
    raw_source = call.request.query.get("from", [None])[0]
    try:
        digest = Digest.parse(raw_digest)
        source = None if raw_source is None else RepositoryName.parse(raw_source)
    except (DigestInvalidError, NameInvalidError):
        return False
    if await context.uploads.mount(call.name, target_id, digest):
        return True
    if source is None:
        source = await context.authorization.find_readable(principal, digest)
    elif not await context.authorization.may_pull(principal, source):
        return False
    return source is not None and await context.uploads.mount(
        source, target_id, digest, call.occasion(principal)
    )


async def get(call: Call) -> Response:
    """``GET`` (end-13)."""
    await call.authorise(PULL)
    session = await call.context.uploads.get(call.name, call.argument)
    return _progress(call, session, 204)


async def patch(call: Call) -> Response:
    """``PATCH`` (end-5)."""
    await call.authorise(PULL, PUSH)
    session = await call.context.uploads.append(
        call.name, call.argument, _chunk(call), call.request.body()
    )
    return _progress(call, session, 202)


async def put(call: Call) -> Response:
    """``PUT`` (end-6)."""
    principal = await call.authorise(PULL, PUSH)
    raw_digest = call.request.parameter("digest")
    if raw_digest is None:
        raise DigestInvalidError("digest missing")
    digest = Digest.parse(raw_digest)
    try:
        return await _finish(call, call.argument, digest, principal)
    except UploadUnknownError:
        # Where the answer was lost on its way, a proxy or the client sends the request
        # again: what it asks for is so.
        if not await call.context.uploads.has_finished(
            call.name, call.argument, digest
        ):
            raise
        return _created(call, digest)


async def delete(call: Call) -> Response:
    """``DELETE`` (end-14)."""
    await call.authorise(PULL, PUSH)
    await call.context.uploads.cancel(call.name, call.argument)
    return Response(204)


async def _finish(
    call: Call, upload_id: str, digest: Digest, principal: Principal
) -> Response:
    await call.context.uploads.finish(
        call.name,
        upload_id,
        digest,
        _chunk(call),
        call.request.body(),
        call.occasion(principal),
    )
    return _created(call, digest)


def _chunk(call: Call) -> Chunk:
    request = call.request
    return Chunk.parse(request.header("content-range"), request.body_length)


def _created(call: Call, digest: Digest) -> Response:
    headers = {
        "Location": f"/v2/{call.name}/blobs/{digest}",
        "Docker-Content-Digest": str(digest),
    }
    return Response(201, headers)


def _progress(call: Call, session: UploadSession, status: int) -> Response:
    headers = {
        "Location": f"/v2/{call.name}/blobs/uploads/{session.id}",
        "Range": upload_range(session.offset),
        "Docker-Upload-UUID": session.id,
    }
    return Response(status, headers)
