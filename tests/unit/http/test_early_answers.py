from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moorage.http import early_answers
from moorage.http.early_answers import serve_to_the_end

if TYPE_CHECKING:
    from moorage.http.messages import Message, Receive, Scope, Send


class Exchange:
    """A client that sends pieces, and an application that reads some of them."""

    def __init__(self, pieces: int, reads: int, *, gone: bool = False) -> None:
        self.left = pieces
        self.reads = reads
        self.gone = gone
        self.received = 0

    async def app(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        for _ in range(self.reads):
            await receive()

    async def receive(self) -> Message:
        self.received += 1
        if self.gone:
            return {"type": "http.disconnect"}
        self.left -= 1
        return {"type": "http.request", "body": b"1234", "more_body": self.left > 0}

    async def send(self, _message: Message) -> None:
        """Take it."""

    async def serve(self, version: str = "2", method: str = "POST") -> int:
        scope = {"type": "http", "http_version": version, "method": method}
        await serve_to_the_end(self.app, scope, self.receive, self.send)
        return self.received


@pytest.mark.parametrize("reads", [0, 1, 3])
async def test_in_http_2_a_body_is_read_to_its_end(reads: int) -> None:
    assert await Exchange(3, reads).serve() == 3


async def test_in_http_1_and_of_a_get_nothing_more_is_read() -> None:
    assert await Exchange(3, 1).serve("1.1") == 1
    assert await Exchange(3, 1).serve(method="GET") == 1


async def test_a_client_that_went_away_is_not_waited_for() -> None:
    assert await Exchange(3, 0, gone=True).serve() == 1


async def test_a_body_without_an_end_is_not_read_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(early_answers, "MAX_BYTES", 40)
    assert await Exchange(1000, 0).serve() == 10
