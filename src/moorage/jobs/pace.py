"""How fast that goes which nobody waits for: it gives way to those who write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from moorage.ports.database import Database, Result, Tx

COURTESY = 2.0
"""How many times as long as it had to wait for others to write it rests."""

BREATH = 1.5
"""The least that it rests, as a share of the time that it worked."""


class QueuedDatabase:
    """A database that adds up how long its writes waited for their turn."""

    def __init__(
        self, database: Database, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self.seconds = seconds
        self.read, self.quick = database.read, database.quick
        self.write_now, self.close = database.write_now, database.close
        self.waited_seconds = 0.0

    async def write(
        self, body: Callable[[Tx], Result], *, durable: bool = True
    ) -> Result:
        """Run a body and commit, and look at the clock when its turn comes."""
        asked = self.seconds()

        def timed(tx: Tx) -> Result:
            self.waited_seconds += self.seconds() - asked
            return body(tx)

        return await self._database.write(timed, durable=durable)


@dataclass(slots=True)
class Pace:
    """Rests the longer, the more others write: a share of what it makes them wait."""

    database: QueuedDatabase
    stop: asyncio.Event
    began: float = 0.0
    waited_before: float = 0.0

    def begin(self) -> None:
        """Look at the clocks."""
        self.began = self.database.seconds()
        self.waited_before = self.database.waited_seconds

    async def rest(self) -> None:
        """Rest for what was done and waited for since the last time."""
        await self.sleep(self.owed_seconds())
        self.begin()

    def owed_seconds(self) -> float:
        """Say how long to rest by now."""
        worked = self.database.seconds() - self.began
        waited = self.database.waited_seconds - self.waited_before
        return max(worked * BREATH, waited * COURTESY)

    async def sleep(self, seconds: float) -> None:
        """Sleep, unless it is time to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)
