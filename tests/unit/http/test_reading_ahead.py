from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from moorage.http.reading_ahead import AHEAD_MESSAGES, ONE_BY_ONE, ReadingAhead

if TYPE_CHECKING:
    from moorage.http.messages import Message

GONE: Message = {"type": "http.disconnect"}


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Server:
    """Answers by futures, in the order in which it was asked."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[Message]] = []
        self.answered = 0

    def receive(self) -> asyncio.Future[Message]:
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.asked.append(future)
        return future

    def answer(self, *messages: Message) -> None:
        for message in messages:
            self.asked[self.answered].set_result(message)
            self.answered += 1

    @property
    def waiting(self) -> int:
        return sum(not future.done() for future in self.asked)

    async def take(self, reader: ReadingAhead, *messages: Message) -> Message:
        """Answer while the reader waits, and return what it makes of that."""
        taking = asyncio.ensure_future(reader())
        await asyncio.sleep(0)
        self.answer(*messages)
        return await taking


async def begun() -> tuple[Server, ReadingAhead]:
    """Make a reader that has taken enough to ask for more than one."""
    server = Server()
    reader = ReadingAhead(server.receive)
    for _ in range(ONE_BY_ONE):
        await server.take(reader, piece(b"1234"))
    return server, reader


async def test_what_has_come_is_one_message_in_its_order() -> None:
    server, reader = await begun()
    assert server.waiting == AHEAD_MESSAGES
    server.answer(piece(b"a"), piece(b"b"), piece(b"c"))
    assert await reader() == piece(b"abc")
    assert await server.take(reader, piece(b"d")) == piece(b"d")
    assert server.waiting == AHEAD_MESSAGES


async def test_a_short_body_is_taken_one_by_one() -> None:
    server = Server()
    reader = ReadingAhead(server.receive)
    assert await server.take(reader, piece(b"a")) == piece(b"a")
    assert await server.take(reader, piece(b"b", more=False)) == piece(b"b", more=False)
    assert len(server.asked) == 2


async def test_long_messages_are_taken_one_by_one() -> None:
    server = Server()
    reader = ReadingAhead(server.receive)
    for _ in range(2 * ONE_BY_ONE):
        await server.take(reader, piece(bytes(1 << 20)))
    assert server.waiting == 0


async def test_behind_the_end_nothing_is_expected() -> None:
    server, reader = await begun()
    server.answer(piece(b"a"), piece(b"b", more=False), piece(b"", more=False))
    assert await reader() == piece(b"ab", more=False)
    assert server.waiting == 0


async def test_what_came_before_the_client_went_counts() -> None:
    server, reader = await begun()
    server.answer(piece(b"a"), GONE)
    assert await reader() == piece(b"a")
    assert await reader() == GONE


async def test_a_server_that_answers_by_coroutines_is_asked_one_at_a_time() -> None:
    bodies = [b"%d" % number for number in range(2 * ONE_BY_ONE)]
    left = list(bodies)
    running = 0

    async def receive() -> Message:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0)
        running -= 1
        body = left.pop(0)
        return piece(body, more=bool(left))

    reader = ReadingAhead(receive)
    taken = [(await reader())["body"] for _ in bodies]
    assert taken == bodies
