"""A worker: claims due jobs one by one, and runs each under a lease.

A job is never lost: what a killed worker had claimed is claimed again once its lease
has run out. Nothing is done twice: a handler's transactions go through
``JobRun.write``, which refuses a worker whose job was taken away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from moorage.domain.errors import (
    ConflictError,
    RegistryError,
    UnavailableError,
)
from moorage.domain.jobs import (
    MAX_ATTEMPTS,
    Job,
    JobGivenUpError,
    JobState,
    retry_delay,
)
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.ports.signals import JobSignal
from moorage.services.jobs import LEASE, Handler, JobLostError, JobRun
from moorage.store import jobs

POLL_SECONDS = 0.5
"""How often a worker looks for jobs that nobody told it of."""

RENEW_SECONDS = LEASE.total_seconds() / 3

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """Runs the jobs of the kinds that it has handlers for.

    ``owner`` names this worker and no other, for all time.
    """

    database: Database
    clock: Clock
    handlers: Mapping[str, Handler]
    signal: JobSignal
    owner: str

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; what is running then is put back into the queue."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                if not await self._run_next(stopping):
                    await self._idle(stopping)
        finally:
            stopping.cancel()

    async def run_one(self) -> bool:
        """Run the job that is due longest, if there is one; return whether."""
        job = await self._claim()
        if job is not None:
            await self._attempt(job)
        return job is not None

    async def _run_next(self, stopping: asyncio.Task[Any]) -> bool:
        try:
            job = await self._claim()
        except UnavailableError:
            _log.warning("job queue unavailable")
            return False
        if job is None:
            return False
        attempt = asyncio.create_task(self._attempt(job))
        await asyncio.wait({attempt, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not attempt.done():
            attempt.cancel()
        # Without the database nothing can be said about the job: its lease runs out.
        with suppress(asyncio.CancelledError, UnavailableError):
            await attempt
        return True

    async def _idle(self, stopping: asyncio.Task[Any]) -> None:
        waiting = asyncio.create_task(self.signal.wait(POLL_SECONDS))
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting

    async def _claim(self) -> Job | None:
        now = self.clock.now()
        # Looking costs no lock; most looks find nothing.
        if not await self.database.quick(lambda tx: jobs.has_due(tx, now=now)):
            return None

        def body(tx: Tx) -> Job | None:
            jobs.take_back(tx, now=now)
            return jobs.claim(
                tx, self.owner, self.handlers, lease_until=now + LEASE, now=now
            )

        return await self.database.write(body)

    async def _attempt(self, job: Job) -> None:
        log = _log.bind(job=job.id, kind=job.kind, attempt=job.attempts)
        try:
            await self._succeed(job, await self._run(job))
            log.info("job done")
        except asyncio.CancelledError:
            await self._put_back(job)
            raise
        except JobLostError:
            log.info("job lost")
        except (ConflictError, UnavailableError) as error:
            await self._retry(job, str(error))
            log.warning("job postponed", error=str(error))
        except RegistryError as error:
            await self._fail(job, str(error))
            log.warning("job failed", error=str(error))
        except Exception as error:
            await self._retry(job, f"{type(error).__name__}: {error}")
            log.exception("job broke")

    async def _run(self, job: Job) -> Mapping[str, Any]:
        """Run the handler and keep the lease meanwhile."""
        if job.attempts > MAX_ATTEMPTS:
            raise JobGivenUpError
        run = JobRun(job, self.owner, self.database, self.clock)
        work = asyncio.ensure_future(self.handlers[job.kind].run(run))
        renewal = asyncio.create_task(_renew(run))
        try:
            await asyncio.wait({work, renewal}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise JobLostError(job.id)
            return await work
        finally:
            work.cancel()
            renewal.cancel()
            await asyncio.gather(work, renewal, return_exceptions=True)

    async def _succeed(self, job: Job, result: Mapping[str, Any]) -> None:
        now = self.clock.now()
        # Shielded, so that being stopped now does not make a done job undone.
        await asyncio.shield(
            self.database.write(
                lambda tx: jobs.succeed(tx, job, self.owner, result, now=now)
            )
        )

    async def _retry(self, job: Job, error: str) -> None:
        if job.attempts >= MAX_ATTEMPTS:
            await self._fail(job, error)
            return
        run_at = self.clock.now() + retry_delay(job.attempts)
        await self._requeue(job, job.attempts, run_at, error)

    async def _put_back(self, job: Job) -> None:
        """Let another worker go on at once; being stopped counts as no attempt."""
        await self._requeue(job, job.attempts - 1, self.clock.now(), None)

    async def _requeue(
        self, job: Job, attempts: int, run_at: datetime, error: str | None
    ) -> None:
        follow = self.handlers[job.kind].follow
        queued = replace(job, state=JobState.QUEUED)

        def body(tx: Tx) -> None:
            if jobs.requeue(
                tx, job, self.owner, attempts=attempts, run_at=run_at, error=error
            ):
                follow(tx, queued)

        await self.database.write(body)

    async def _fail(self, job: Job, error: str) -> None:
        follow = self.handlers[job.kind].follow
        failed = replace(job, state=JobState.FAILED)
        now = self.clock.now()

        def body(tx: Tx) -> None:
            if jobs.fail(tx, job, self.owner, error, now=now):
                follow(tx, failed)

        await self.database.write(body)


async def _renew(run: JobRun) -> None:
    """Keep a lease until it is lost."""
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        with suppress(UnavailableError):
            await run.write(lambda _tx: None)
