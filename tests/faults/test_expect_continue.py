"""A client that waits for the server's word before it sends a body."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from live.wire import connect, request_head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live.estate import Estate
    from live.registry import RegistryClient

pytestmark = pytest.mark.clients

CONTENT = b"x" * 100_000
EXPECTING = {"Expect": "100-continue", "Content-Length": str(len(CONTENT))}


@pytest.fixture
def repository(estate: Estate) -> str:
    return f"{estate.project().path_with_namespace}/expect"


@pytest.fixture
def registry(estate: Estate) -> Iterator[RegistryClient]:
    with estate.registry(estate.admin) as client:
        yield client


def read_head(connection: socket.socket) -> str:
    """Read up to the empty line."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        assert piece, head
        head += piece
    return head.decode()


def test_the_body_is_asked_for_and_taken(
    registry: RegistryClient, repository: str
) -> None:
    location = registry.start_upload(repository)
    authorization = registry.authorization(repository, "pull", "push")
    with connect(location) as connection:
        headers = {**authorization, **EXPECTING}
        connection.sendall(request_head("PATCH", location, headers))
        assert read_head(connection).startswith("HTTP/1.1 100 ")
        connection.sendall(CONTENT)
        answer = read_head(connection).lower()
    assert answer.startswith("http/1.1 202 ")
    assert f"range: 0-{len(CONTENT) - 1}\r\n" in answer


def test_who_may_not_push_is_told_before_the_body(
    registry: RegistryClient, repository: str
) -> None:
    location = registry.start_upload(repository)
    with connect(location) as connection:
        connection.sendall(request_head("PATCH", location, EXPECTING))
        answer = read_head(connection).lower()
    assert answer.startswith("http/1.1 401 ")
    assert "www-authenticate: bearer " in answer
