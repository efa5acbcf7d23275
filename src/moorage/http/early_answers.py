"""Answers that are given before the request has arrived as a whole.

In HTTP/1.1 such an answer closes the connection, and clients read it all the same. In
HTTP/2 the server resets the stream as soon as the application ends, and clients report
that instead of the answer. So the rest is read, and thrown away, until the client
stops sending; not for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

from moorage.http.messages import Message, Receive, Scope, Send

AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BYTES = 64 << 20
MAX_SECONDS = 5

_BODILESS = frozenset({"GET", "HEAD"})


async def serve_to_the_end(
    app: AsgiApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """Serve a request, and leave nothing of it unread where that would hurt."""
    if scope.get("http_version", "1.1").startswith("1") or scope["method"] in _BODILESS:
        await app(scope, receive, send)
        return
    body = _Body(receive)
    await app(scope, body, send)
    with suppress(TimeoutError):
        async with asyncio.timeout(MAX_SECONDS):
            await body.discard_rest()


class _Body:
    """A request's body, and whether it has been read to its end."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._ended = message["type"] != "http.request" or not message.get("more_body")
        return message

    async def discard_rest(self) -> None:
        left = MAX_BYTES
        while not self._ended and left > 0:
            left -= len((await self()).get("body", b""))
