"""The queue of collection, for those who administer the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from moorage.domain.access import Principal
from moorage.domain.errors import ConflictError
from moorage.domain.jobs import Job, JobKind, NewJob
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.ports.signals import JobSignal
from moorage.services.garbage import Collected, Garbage
from moorage.services.jobs import JobRun
from moorage.store import garbage, garbage_queue, jobs
from moorage.store.garbage import Pause
from moorage.store.garbage_queue import Counts, Forecast, Hour

SHOWN = timedelta(hours=24)
"""How far back the report goes."""

FORECAST_LIMIT = 50_000
"""Candidates that the forecast looks at, so that asking costs a second at most."""


class CollectionPausedError(ConflictError):
    """Collection was asked for while an administrator keeps it stopped."""

    message = "collection is paused"


@dataclass(frozen=True, slots=True)
class Report:
    """What waits, what it will free and when, and what was done."""

    pause: Pause | None
    counts: Counts
    oldest: datetime | None
    forecast: Forecast
    hours: list[Hour]
    now: datetime


class GarbageQueue:
    """Shows what collection has to do, stops it, lets it go on, has it done now."""

    def __init__(
        self, database: Database, clock: Clock, signal: JobSignal, collector: Garbage
    ) -> None:
        self._database = database
        self._clock = clock
        self._signal = signal
        self._collector = collector

    async def report(self) -> Report:
        """Look at the queue."""
        now = self._clock.now()

        def body(tx: Tx) -> Report:
            return Report(
                pause=garbage.find_pause(tx),
                counts=garbage_queue.count(tx, now=now),
                oldest=garbage_queue.oldest(tx, now=now),
                forecast=garbage_queue.forecast(tx, FORECAST_LIMIT, now=now),
                hours=garbage_queue.list_hours(tx, since=now - SHOWN),
                now=now,
            )

        return await self._database.read(body)

    async def count_due(self) -> int:
        """Count what is to be looked at by now."""
        now = self._clock.now()
        counts = await self._database.read(lambda tx: garbage_queue.count(tx, now=now))
        return counts.due.total

    async def pause(self, principal: Principal) -> None:
        """Stop collection in every process; the first to do so is remembered."""
        await self._collector.pause(principal.actor)

    async def resume(self) -> None:
        """Let collection go on."""
        await self._collector.resume()

    async def schedule(self, principal: Principal) -> Job:
        """Have everything collected that is due; return the job.

        Raises:
            CollectionPausedError: Nothing would be done.
        """
        now, kind = self._clock.now(), JobKind.COLLECT_GARBAGE
        new = NewJob(kind, {}, principal.actor, dedup_key=kind)

        def body(tx: Tx) -> Job | None:
            if garbage.find_pause(tx) is not None:
                raise CollectionPausedError
            return jobs.find(tx, jobs.enqueue(tx, new, now=now))

        job = await self._database.write(body)
        if job is None:
            raise AssertionError
        self._signal.notify()
        return job

    async def collect(self, run: JobRun) -> Mapping[str, Any]:
        """Collect until nothing is due, or it is paused.

        The handler of ``JobKind.COLLECT_GARBAGE``. Its progress counts what was looked
        at; what that wakes adds to the total. That is counted again whenever a tenth of
        it is done: counting takes the longer, the more is due.
        """
        count_at = total = 0

        async def show(collected: Collected) -> None:
            nonlocal count_at, total
            done = collected.looked_at
            if done >= count_at:
                due = await self.count_due()
                count_at, total = done + due // 10, done + due
            await self._show(run, done, max(done, total))

        collected = await self._collector.collect(show)
        done = collected.looked_at
        await self._show(run, done, done + await self.count_due())
        return asdict(collected)

    async def _show(self, run: JobRun, done: int, total: int) -> None:
        await run.write(lambda tx: jobs.set_progress(tx, run.job.id, done, total))
