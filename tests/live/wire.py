"""Bytes on a connection, for requests that no HTTP library would send."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping


def request_head(method: str, url: str, headers: Mapping[str, str]) -> bytes:
    """Spell the head of a request, exactly with these headers and ``Host``."""
    parts = httpx.URL(url)
    lines = [
        f"{method} {parts.raw_path.decode()} HTTP/1.1",
        f"Host: {parts.netloc.decode()}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def connect(url: str) -> socket.socket:
    """Open a connection to the host of a URL."""
    parts = httpx.URL(url)
    return socket.create_connection((parts.host, parts.port or 80), timeout=20)


def send_and_hang_up(url: str, content: bytes) -> None:
    """Send bytes and break the connection off."""
    with connect(url) as connection:
        connection.sendall(content)


def exchange(url: str, content: bytes) -> tuple[int, bytes]:
    """Send bytes; return the status and everything after the status line.

    The request has to ask for ``Connection: close``; a half-closed connection would
    get no answer.
    """
    with connect(url) as connection:
        connection.sendall(content)
        answer = bytearray()
        while piece := connection.recv(65536):
            answer += piece
    status_line, _, rest = bytes(answer).partition(b"\r\n")
    return int(status_line.split()[1]), rest
