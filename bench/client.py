"""A small HTTP/1.1 client that costs little: prepared bytes out, counted bytes in."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from bench.errors import BenchmarkError

if TYPE_CHECKING:
    from types import TracebackType

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_BUFFER_BYTES = 1 << 20
_MOST_HEAD_BYTES = 1 << 16
_TIMEOUT_SECONDS = 120.0
_DOCKER_CHUNK_BYTES = 32 << 10


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens."""

    host: str
    port: int
    is_tls: bool = False

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """Read ``http://host:port`` or ``https://host``."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or parts.hostname is None:
            raise BenchmarkError(f"not an http or https address: {url}")
        is_tls = parts.scheme == "https"
        return cls(parts.hostname, parts.port or (443 if is_tls else 80), is_tls)

    @property
    def authority(self) -> str:
        """The value of the ``Host`` header."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"{'https' if self.is_tls else 'http'}://{self.authority}"

    def connect(self) -> socket.socket:
        """Open a connection without delays for small writes."""
        plain = socket.create_connection((self.host, self.port), _TIMEOUT_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.is_tls:
            return plain
        return ssl.create_default_context().wrap_socket(
            plain, server_hostname=self.host
        )


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; ``body`` is empty when its bytes were only counted."""

    status: int
    head: bytes
    body: bytes
    size_bytes: int

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        pattern = rb"\r\n" + re.escape(name.encode()) + rb": *([^\r]*)"
        match = re.search(pattern, self.head, re.IGNORECASE)
        return match[1].decode().strip() if match else None


class Connection:
    """One kept-alive connection with one reused buffer."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._socket: socket.socket | None = None
        self._view = memoryview(bytearray(_BUFFER_BYTES))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next exchange opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def exchange(
        self,
        request: bytes,
        body: memoryview | None = None,
        *,
        times: int = 1,
        keep: bool = True,
    ) -> Response:
        """Send a prepared request and read the whole answer.

        Args:
            request: Request line and headers, with a small body or without.
            body: Bytes to send after them.
            times: How often to send these, as one body.
            keep: Whether the answer's body is wanted, or just its size.

        Raises:
            BenchmarkError: The server broke off or answered what HTTP forbids.
        """
        line = self._open()
        try:
            line.sendall(request)
            if body is not None:
                for _ in range(times):
                    line.sendall(body)
            return self._read(line, is_head=request.startswith(b"HEAD "), keep=keep)
        except OSError as error:
            self.close()
            raise BenchmarkError(f"{_first_line(request)}: {error!r}") from error
        except BenchmarkError as error:
            self.close()
            raise BenchmarkError(f"{_first_line(request)}: {error}") from error

    def exchange_chunked(self, request: bytes, body: memoryview) -> Response:
        """Send a body in chunks of 32 KiB, as Docker does, and read the answer."""
        line = self._open()
        try:
            line.sendall(request)
            for start in range(0, len(body), _DOCKER_CHUNK_BYTES):
                piece = body[start : start + _DOCKER_CHUNK_BYTES]
                framed = b"%x\r\n%b\r\n" % (len(piece), bytes(piece))
                line.sendall(framed)
            line.sendall(b"0\r\n\r\n")
            return self._read(line, is_head=False, keep=True)
        except OSError as error:
            self.close()
            raise BenchmarkError(f"{_first_line(request)}: {error!r}") from error

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = self._endpoint.connect()
        return self._socket

    def _read(self, line: socket.socket, *, is_head: bool, keep: bool) -> Response:
        filled, end = 0, -1
        while end < 0:
            count = line.recv_into(self._view[filled:_MOST_HEAD_BYTES])
            if count == 0:
                raise BenchmarkError("connection closed before the answer was whole")
            filled += count
            end = bytes(self._view[:filled]).find(b"\r\n\r\n")
        head = bytes(self._view[: end + 2])
        start = bytes(self._view[end + 4 : filled])
        status = int(head[9:12])
        if is_head or status in {204, 304}:
            answer = Response(status, head, b"", 0)
        elif _CHUNKED.search(head):
            body = self._read_chunked(line, start)
            answer = Response(status, head, body, len(body))
        else:
            match = _LENGTH.search(head)
            if match is None:
                raise BenchmarkError("answer without a length")
            body = self._read_counted(line, start, int(match[1]), keep=keep)
            answer = Response(status, head, body, int(match[1]))
        if _CLOSE.search(head):
            self.close()
        return answer

    def _read_counted(
        self, line: socket.socket, start: bytes, length: int, *, keep: bool
    ) -> bytes:
        kept, missing = [start], length - len(start)
        while missing > 0:
            count = line.recv_into(self._view, min(missing, _BUFFER_BYTES))
            if count == 0:
                raise BenchmarkError(f"body short by {missing} of {length} bytes")
            if keep:
                kept.append(bytes(self._view[:count]))
            missing -= count
        if missing < 0:
            raise BenchmarkError("body longer than announced")
        return b"".join(kept) if keep else b""

    def _read_chunked(self, line: socket.socket, start: bytes) -> bytes:
        raw, body, position = bytearray(start), bytearray(), 0

        def receive() -> None:
            count = line.recv_into(self._view)
            if count == 0:
                raise BenchmarkError("chunked body broken off")
            raw.extend(self._view[:count])

        while True:
            while (eol := raw.find(b"\r\n", position)) < 0:
                receive()
            size = int(bytes(raw[position:eol]).split(b";")[0], 16)
            position = eol + 2
            while len(raw) < position + size + 2:
                receive()
            if size == 0:
                return bytes(body)
            body += raw[position : position + size]
            position += size + 2


def _first_line(request: bytes) -> str:
    return request.split(b"\r\n", 1)[0].decode(errors="replace")
