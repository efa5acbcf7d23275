from collections.abc import Sequence

import pytest

from moorage.domain.errors import SizeInvalidError
from moorage.http.messages import Message, Request


class Sender:
    """Gives a body piece by piece, and counts how often it was asked."""

    def __init__(self, *pieces: bytes) -> None:
        self._left = list(pieces)
        self.asked = 0

    async def receive(self) -> Message:
        self.asked += 1
        body = self._left.pop(0) if self._left else b""
        return {"type": "http.request", "body": body, "more_body": bool(self._left)}


async def body_of(
    sender: Sender, headers: Sequence[tuple[bytes, bytes]] = (), version: str = "1.1"
) -> bytes:
    scope = {"method": "PUT", "path": "/", "headers": headers, "http_version": version}
    request = Request(scope, sender.receive)
    content = b"".join([piece async for piece in request.body()])
    assert not request.has_unread_body
    return content


def length(text: str) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", text.encode())]


@pytest.mark.parametrize("headers", [[], length("0")])
async def test_a_body_that_cannot_be_is_not_waited_for(
    headers: list[tuple[bytes, bytes]],
) -> None:
    sender = Sender()
    assert await body_of(sender, headers) == b""
    assert sender.asked == 0


async def test_nothing_is_asked_for_after_the_last_byte() -> None:
    sender = Sender(b"ab", b"cd", b"")
    assert await body_of(sender, length("4")) == b"abcd"
    assert sender.asked == 2


async def test_a_body_without_a_length_is_read_to_its_end() -> None:
    sender = Sender(b"ab", b"cd", b"")
    chunked = [(b"transfer-encoding", b"chunked")]
    assert await body_of(sender, chunked) == b"abcd"
    assert await body_of(Sender(b"ab", b""), version="2") == b"ab"


@pytest.mark.parametrize("announced", ["3", "5"])
async def test_a_body_of_another_length_is_refused(announced: str) -> None:
    with pytest.raises(SizeInvalidError):
        await body_of(Sender(b"ab", b"cd", b""), length(announced))
