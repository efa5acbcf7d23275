"""A proxy before an object store, which lets requests fail the first time."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Literal, Self, TypeAlias

import aiohttp
from aiohttp import web
from yarl import URL

Fault: TypeAlias = Literal[
    "slow down",
    "internal error",
    "reset",
    "reset after success",
    "short",
    "truncated",
    "stall",
]
"""``truncated`` is an object's bytes with a length that fits what is left of them."""

Denial: TypeAlias = Literal["denied"]
"""What no client of an object store tries again."""

_ERRORS = {
    "slow down": (503, "SlowDown"),
    "internal error": (500, "InternalError"),
    "denied": (403, "AccessDenied"),
}
_STALL_SECONDS = 60


def is_removal(request: web.BaseRequest) -> bool:
    """Tell requests that remove objects or give up what was begun."""
    return request.method == "DELETE" or "delete" in request.query


class FaultyProxy:
    """Fails every request once, or for as long as ``down`` says; without fault none.

    Only those requests that ``concerns`` tells of, where it is given.
    """

    def __init__(
        self,
        target: str,
        fault: Fault | Denial | None,
        concerns: Callable[[web.BaseRequest], bool] = lambda _: True,
    ) -> None:
        self._target = target
        self._concerns = concerns
        self.fault = fault
        self._seen: set[tuple[str, str, str]] = set()
        self.endpoint = ""
        self.down = False
        self.failures = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        server = web.Server(self._answer)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0]
        self.endpoint = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if "Expect" in request.headers and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await request.content.read()
        part = request.headers.get("Range", "")
        key = (request.method, request.raw_path, part)
        spared = self.fault is None or not self._concerns(request)
        if spared or (key in self._seen and not self.down):
            return await self._forward(request, body)
        self._seen.add(key)
        self.failures += 1
        return await self._fail(request, body)

    async def _fail(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        if self.fault is not None and self.fault in _ERRORS:
            status, code = _ERRORS[self.fault]
            text = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
            return web.Response(status=status, text=text, content_type="text/xml")
        if self.fault == "stall":
            await asyncio.sleep(_STALL_SECONDS)
        if self.fault in {"reset after success", "short", "truncated"}:
            response = await self._forward(request, body)
            if self.fault == "truncated":
                return _truncated(response)
            if self.fault == "short" and isinstance(response.body, bytes):
                await self._send_most(request, response, response.body)
        _reset(request)
        return web.Response()

    async def _send_most(
        self, request: web.BaseRequest, response: web.Response, content: bytes
    ) -> None:
        most = web.StreamResponse(status=response.status, headers=response.headers)
        most.content_length = len(content)
        await most.prepare(request)
        await most.write(_most(content))

    async def _forward(self, request: web.BaseRequest, body: bytes) -> web.Response:
        url = URL(self._target + request.raw_path, encoded=True)
        sent = request.headers.copy()
        sent.popall("Expect", None)
        async with self._session.request(
            request.method, url, headers=sent, data=io.BytesIO(body)
        ) as answer:
            content = await answer.read()
            headers = {
                name: value
                for name, value in answer.headers.items()
                if name not in {"Content-Length", "Transfer-Encoding", "Connection"}
            }
            response = web.Response(status=answer.status, headers=headers, body=content)
            if request.method == "HEAD":
                response.content_length = int(answer.headers["Content-Length"])
            return response


@contextmanager
def running_proxy(target: str) -> Iterator[FaultyProxy]:
    """Run a proxy in a thread of its own, for clients that are not in this process."""
    loop, proxy = asyncio.new_event_loop(), FaultyProxy(target, None)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(proxy.__aenter__(), loop).result()
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(proxy.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _most(content: bytes) -> bytes:
    return content[: -1 - len(content) // 64]


def _truncated(response: web.Response) -> web.Response:
    content = response.body
    if response.status == HTTPStatus.PARTIAL_CONTENT and isinstance(content, bytes):
        response.body = _most(content)
    return response


def _reset(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()
