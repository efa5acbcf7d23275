"""A server that takes pushes and forgets them: what receiving costs at least.

It is what Moorage is served by, with an application that reads each body and says what
a pushing client wants to hear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_UPLOAD = b"/v2/forgotten/blobs/uploads/1"
_STATUS = {"GET": 200, "HEAD": 404, "POST": 202, "PATCH": 202, "PUT": 201}


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer any request of a push as a registry would that has nothing yet."""
    if scope["type"] != "http":
        return
    method = scope["method"]
    if method in {"PATCH", "PUT"} and not _is_empty(scope["headers"]):
        while (await receive()).get("more_body"):
            pass
    headers = [(b"location", _UPLOAD), (b"content-length", b"0")]
    status = _STATUS[method]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _is_empty(headers: list[tuple[bytes, bytes]]) -> bool:
    return (b"content-length", b"0") in headers
