"""Blobs: ``/v2/<name>/blobs/<digest>``."""

from __future__ import annotations

from moorage.domain.digest import Digest
from moorage.domain.repositories import StoredBlob
from moorage.domain.scopes import DELETE, PULL
from moorage.http.messages import Response, begun
from moorage.http.ranges import parse_range
from moorage.http.registry_v2.call import Call
from moorage.http.registry_v2.etags import etag, is_fresh

_CONDITIONS = frozenset({"if-match", "if-unmodified-since"})


async def get(call: Call) -> Response:
    """``GET`` and ``HEAD`` (end-2)."""
    await call.authorise(PULL)
    digest = Digest.parse(call.argument)
    pull = call.context.pull
    look = pull.check_blob if call.request.method == "HEAD" else pull.blob
    blob = await look(call.name, digest)
    headers = {
        "Content-Type": "application/octet-stream",
        "Docker-Content-Digest": str(digest),
        "ETag": etag(digest),
        "Cache-Control": "max-age=31536000",
        "Accept-Ranges": "bytes",
    }
    if is_fresh(call.request, digest):
        return Response(304, headers)
    client = call.request.client_host
    if call.request.method == "GET" and (url := await pull.address(blob, client)):
        # The address expires, and with it this answer. A range goes along by itself.
        return Response(307, {"Location": url, "Docker-Content-Digest": str(digest)})
    if uri := _internal_uri(call, blob):
        # nginx sends the file or the part that is asked for, and says that it can. What
        # it answers where it cannot is not to be kept.
        del headers["Accept-Ranges"], headers["Cache-Control"]
        return Response(200, {**headers, "X-Accel-Redirect": uri})
    asked = parse_range(_range(call, digest), blob.size_bytes)
    if asked is None:
        return await _content(call, blob, headers, 200, (0, blob.size_bytes))
    start, length = asked
    last, size = start + length - 1, blob.size_bytes
    headers["Content-Range"] = f"bytes {start}-{last}/{size}"
    return await _content(call, blob, headers, 206, asked)


def _internal_uri(call: Call, blob: StoredBlob) -> str | None:
    """Return where the nginx that brought a request has the blob's file, if it has.

    It has no tag of a file to compare, and only the file's own date: it would refuse
    what has conditions about them.
    """
    location, request = call.context.accel_redirect, call.request
    if location is None or not request.is_proxied or request.method != "GET":
        return None
    path = call.context.pull.local_path(blob)
    if path is None or not _CONDITIONS.isdisjoint(request.headers):
        return None
    return f"{location}/{path.relative_to(call.context.blob_folder)}"


def _range(call: Call, digest: Digest) -> str | None:
    """Return the part that is asked for; a HEAD is always about the whole.

    Spec: RFC 9110, section 14.2.
    """
    if call.request.method == "HEAD":
        return None
    condition = call.request.header("if-range")
    if condition is not None and condition.strip('"') != str(digest):
        return None
    return call.request.header("range")


async def _content(
    call: Call,
    blob: StoredBlob,
    headers: dict[str, str],
    status: int,
    part: tuple[int, int],
) -> Response:
    start, length = part
    headers["Content-Length"] = str(length)
    if call.request.method == "HEAD":
        return Response(status, headers)
    stream = await begun(call.context.pull.read(blob, start, length))
    return Response(status, headers, stream=stream)


async def delete(call: Call) -> Response:
    """``DELETE`` (end-10)."""
    principal = await call.authorise(DELETE)
    await call.context.deletion.delete_blob(
        call.name, Digest.parse(call.argument), call.occasion(principal)
    )
    return Response(202)
