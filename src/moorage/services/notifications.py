"""Events of pulls, which are told without a pull having to wait.

What changes something records its events in its own transaction. A pull changes
nothing: its event is written behind its answer, many at once, and may be lost if the
process dies in between. While nobody wants to know, a pull costs a look at a clock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta

import structlog

from moorage.domain.errors import UnavailableError
from moorage.domain.events import Change, Occasion
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import events

MAX_WAITING = 10_000
"""Pulls whose events wait to be written; when it is more the oldest are dropped."""

BATCH = 500

BELIEVED_FOR = timedelta(seconds=5)
"""How long it is believed that nobody listens."""

_log = structlog.get_logger(__name__)

_Pulled = tuple[int, Change, Occasion, datetime]


class PullNotices:
    """Tells of pulls, behind their answers."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: deque[_Pulled] = deque(maxlen=MAX_WAITING)
        self._nobody_until: datetime | None = None
        self._writing: asyncio.Task[None] | None = None

    @property
    def wanted(self) -> bool:
        """Whether anybody may listen."""
        until = self._nobody_until
        return until is None or self._clock.now() >= until

    def tell(self, repository_id: int, change: Change, occasion: Occasion) -> None:
        """Have an event written, if anybody listens; returns at once."""
        if not self.wanted:
            return
        self._waiting.append((repository_id, change, occasion, self._clock.now()))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def drain(self) -> None:
        """Wait until everything told so far is written."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        try:
            if not await self._database.quick(events.has_listeners):
                self._waiting.clear()
                self._nobody_until = self._clock.now() + BELIEVED_FOR
                return
            self._nobody_until = None
            while self._waiting:
                await self._write_some()
        except UnavailableError as error:
            dropped = len(self._waiting)
            self._waiting.clear()
            _log.warning("events of pulls lost", error=str(error), events=dropped)

    async def _write_some(self) -> None:
        count = min(BATCH, len(self._waiting))
        batch = [self._waiting.popleft() for _ in range(count)]
        heard = await self._database.read(lambda tx: _heard(tx, batch))
        batch = [pulled for pulled in batch if pulled[0] in heard]
        if batch:
            await self._database.write(lambda tx: _record(tx, batch))


def _heard(tx: Tx, batch: list[_Pulled]) -> set[int]:
    repositories = {pulled[0] for pulled in batch}
    return {each for each in repositories if events.is_heard(tx, each)}


def _record(tx: Tx, batch: list[_Pulled]) -> None:
    for repository_id, change, occasion, at in batch:
        events.record(tx, repository_id, [change], occasion, at=at)
