"""Takes several messages of a body at once from a server that hands them over slowly.

Granian changes threads three times for a message, however short it is, and clients send
layers in chunks of 32 KiB. Several that it is asked for at once come right behind one
another, and what has come is taken as one. That keeps their order where a single thread
of the server reads all of a body, in the order asked: ``moorage serve`` runs it so.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from typing import cast

from moorage.http.messages import Message, Receive

ONE_BY_ONE = 4
"""Messages before it is worth while: most bodies have ended by then."""

AHEAD_BYTES = 1 << 20
AHEAD_MESSAGES = 32
"""What is asked for at once, at most."""

SHORT_BYTES = 128 << 10
"""A message that is longer is worth three changes of threads."""


class ReadingAhead:
    """Receives a body in fewer, larger messages.

    Whatever answers by coroutines, as most servers do, is asked for one at a time.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._taken = 0
        self._asked: deque[Future[Message]] = deque()

    async def __call__(self) -> Message:
        """Return what has come; wait if nothing has."""
        asked = self._asked.popleft() if self._asked else self._receive()
        is_future = hasattr(asked, "done")
        message = await asked
        if message["type"] != "http.request":
            return message
        parts = [message.get("body", b"")]
        while message.get("more_body") and self._has_come():
            message = self._asked.popleft().result()
            parts.append(message["body"])
        if not message.get("more_body"):
            self._forget()
        elif is_future:
            self._ask(len(parts[-1]))
        return {**message, "body": b"".join(parts)}

    def _has_come(self) -> bool:
        """Say whether more of the body is there."""
        if not self._asked:
            return False
        following = self._asked[0]
        # Of a client that is gone a server tells by something that is no future.
        is_done = hasattr(following, "done") and following.done()
        return is_done and following.result()["type"] == "http.request"

    def _ask(self, length: int) -> None:
        """Ask for what is likely to come soon, each as long as the last one."""
        self._taken += 1
        if self._taken < ONE_BY_ONE or length > SHORT_BYTES:
            return
        wanted = min(AHEAD_MESSAGES, AHEAD_BYTES // max(1, length))
        while len(self._asked) < wanted:
            self._asked.append(cast("Future[Message]", self._receive()))

    def _forget(self) -> None:
        """Expect nothing more: what was asked for waits for the answer to be sent."""
        for each in self._asked:
            each.cancel()
        self._asked.clear()
