"""Requests and responses of the front ends that stand on ASGI alone."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    MutableMapping,
)
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import msgspec

from moorage.domain.errors import InvalidError, SizeInvalidError, TooLargeError
from moorage.http.forwarded import BASE_URL, PROXIED, show_address

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

BODY_IDLE_SECONDS = 60
"""A client that sends nothing for so long is gone: the server itself never says so."""

MAX_QUERY_FIELDS = 100


class ClientGoneError(Exception):
    """The client went away, or stopped sending, before its request was complete."""


class Request:
    """One HTTP request. The path is as it was sent, percent-encoding included."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self.method: str = scope["method"]
        self.path: str = raw_path(scope)
        self.headers = _joined(scope["headers"])
        self.body_read = False
        self._query: Mapping[str, list[str]] | None = None

    @property
    def client(self) -> str:
        """The address that the request comes from, with its port where it is known."""
        host, port = self._scope.get("client") or ("", 0)
        return show_address(host, port)

    @property
    def client_host(self) -> str:
        """That address alone."""
        host, _ = self._scope.get("client") or ("", 0)
        return host

    @property
    def base_url(self) -> str | None:
        """How the sender addresses the server, if a trusted proxy told that."""
        told: str | None = self._scope.get(BASE_URL)
        return told

    @property
    def is_proxied(self) -> bool:
        """Whether a trusted proxy brought it."""
        return PROXIED in self._scope

    def header(self, name: str) -> str | None:
        """Return a header, by lower-case name."""
        return self.headers.get(name)

    @property
    def query(self) -> Mapping[str, list[str]]:
        """The query's parameters; empty values are kept.

        Raises:
            InvalidError: There are absurdly many.
        """
        if self._query is None:
            self._query = _parse_query(self._scope["query_string"])
        return self._query

    def parameter(self, name: str) -> str | None:
        """Return a query parameter; an empty one counts as absent.

        Raises:
            InvalidError: It has a character that no name of anything has.
        """
        value = self.query.get(name, [""])[0]
        if "\0" in value:
            raise InvalidError("unreadable query", parameter=name)
        return value or None

    @property
    def content_length(self) -> int | None:
        """How many bytes the body has, where the client says so.

        Raises:
            InvalidError: Unreadable, or contradicted by a transfer encoding.
        """
        text = self.header("content-length")
        if text is None:
            return None
        if "transfer-encoding" in self.headers or not text.isdecimal():
            raise InvalidError("contradictory body length")
        return int(text)

    @property
    def _may_have_body(self) -> bool:
        if self.content_length is not None:
            return self.content_length > 0
        # Spec: RFC 9112, section 6.3. In HTTP/2 the end of the stream tells.
        version: str = self._scope.get("http_version", "1.1")
        return "transfer-encoding" in self.headers or not version.startswith("1")

    @property
    def body_length(self) -> int | None:
        """How many bytes the body has, where that is known beforehand."""
        return self.content_length if self._may_have_body else 0

    @property
    def has_unread_body(self) -> bool:
        """Whether bytes of the body may still be under way."""
        announced = (
            "transfer-encoding" in self.headers
            or self.headers.get("content-length", "0") != "0"
        )
        return announced and not self.body_read

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives.

        Raises:
            ClientGoneError: It ended, or stalled, before it was complete.
            SizeInvalidError: It has another length than announced.
        """
        announced, received = self.content_length, 0
        # To ask for a message costs as much as to serve a small request: it is not
        # done where it can only say that nothing follows.
        more = self._may_have_body
        while more:
            message = await self._next()
            chunk = message.get("body", b"")
            received += len(chunk)
            more = message.get("more_body", False) and received != announced
            if chunk:
                yield chunk
        self.body_read = True
        if announced is not None and received != announced:
            raise SizeInvalidError

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(BODY_IDLE_SECONDS):
                message = await self._receive()
        except TimeoutError as error:
            raise ClientGoneError from error
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        return message

    async def read_at_most(
        self, limit: int, error: type[TooLargeError] = TooLargeError
    ) -> bytes:
        """Return the whole body.

        Raises:
            TooLargeError: It is longer than ``limit`` bytes; as ``error``.
        """
        if (self.content_length or 0) > limit:
            raise error(limit=limit)
        content = bytearray()
        async for chunk in self.body():
            content += chunk
            if len(content) > limit:
                raise error(limit=limit)
        return bytes(content)


def _parse_query(raw: bytes) -> Mapping[str, list[str]]:
    if not raw:
        return {}
    try:
        return parse_qs(
            raw.decode("latin-1"),
            keep_blank_values=True,
            max_num_fields=MAX_QUERY_FIELDS,
        )
    except ValueError as error:
        raise InvalidError("unreadable query") from error


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return headers by lower-case name; repeated ones are joined by a comma."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def raw_path(scope: Scope) -> str:
    """Return the path as it was sent: ``scope["path"]`` has ``%2F`` decoded."""
    raw: bytes | None = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else scope["path"]
    return path.partition("?")[0]


@dataclass(slots=True)
class Response:
    """An answer. ``headers`` are sent as they are, with their length added."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    stream: AsyncIterator[bytes] | None = None

    @classmethod
    def json(
        cls, status: int, content: object, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Render an answer in JSON, its content type without parameters."""
        return cls(
            status,
            {"Content-Type": "application/json", **(headers or {})},
            msgspec.json.encode(content, enc_hook=str),
        )


async def begun(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Wait for the first piece: until then a failure can be answered as one."""
    return _following(await anext(stream, b""), stream)


async def _following(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def send_response(
    request: Request, response: Response, scope: Scope, send: Send
) -> None:
    """Send an answer; to a HEAD its headers only."""
    headers = response.headers
    if "Content-Length" not in headers and response.status not in {204, 304}:
        headers["Content-Length"] = str(len(response.body))
    if request.has_unread_body and scope.get("http_version", "1.1").startswith("1"):
        # The rest of the body is not read: the connection cannot go on. In HTTP/2,
        # where only the stream ends, the header is an error.
        headers["Connection"] = "close"
    start: Message = {
        "type": "http.response.start",
        "status": response.status,
        "headers": [
            (_field(name), value.encode("latin-1")) for name, value in headers.items()
        ],
    }
    if request.method == "HEAD":
        await send(start)
        await send({"type": "http.response.body", "body": b""})
    elif response.stream is not None:
        await _send_stream(start, response.stream, send)
    else:
        await send(start)
        await send({"type": "http.response.body", "body": response.body})


@cache
def _field(name: str) -> bytes:
    """Spell a header's name as ASGI wants it; there are few."""
    return name.lower().encode("latin-1")


async def _send_stream(
    start: Message, stream: AsyncIterator[bytes], send: Send
) -> None:
    await send(start)
    piece = await anext(stream, b"")
    async for following in stream:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        piece = following
    await send({"type": "http.response.body", "body": piece})
