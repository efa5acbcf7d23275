from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from moorage.domain.errors import ForbiddenError, UnavailableError
from moorage.domain.jobs import MAX_ATTEMPTS, Job, JobKind, JobState, NewJob
from moorage.jobs.worker import Worker
from moorage.ports.signals import LocalSignal
from moorage.services.jobs import LEASE, Handler, JobRun
from moorage.store import jobs
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from moorage.ports.database import Database, Tx

KIND = JobKind.DELETE_TAGS
A_MOMENT = timedelta(microseconds=1)


class Stage:
    """A queue, a clock, and a record of what ran."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FrozenClock()
        self.signal = LocalSignal()
        self.ran: list[int] = []
        self.followed: list[JobState] = []

    async def queue(self) -> int:
        new = NewJob(kind=KIND, arguments={}, actor="me")
        now = self.clock.now()
        return await self.database.write(lambda tx: jobs.enqueue(tx, new, now=now))

    async def find(self, job_id: int) -> Job:
        found = await self.database.quick(lambda tx: jobs.find(tx, job_id))
        assert found is not None
        return found

    def worker(self, owner: str = "worker", run: Any = None) -> Worker:
        handler = Handler(run or self.record, self.follow)
        return Worker(
            self.database, self.clock, {KIND: handler}, self.signal, owner=owner
        )

    async def record(self, run: JobRun) -> Mapping[str, Any]:
        await run.write(lambda _tx: None)
        self.ran.append(run.job.id)
        return {"ran": True}

    def follow(self, _tx: Tx, job: Job) -> None:
        self.followed.append(job.state)


async def test_a_job_runs_and_keeps_its_result(database: Database) -> None:
    stage = Stage(database)
    job_id = await stage.queue()
    assert await stage.worker().run_one()
    assert not await stage.worker().run_one()
    job = await stage.find(job_id)
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"ran": True})
    assert stage.followed == []


async def test_what_a_dead_worker_had_claimed_is_run_again(database: Database) -> None:
    stage = Stage(database)
    job_id = await stage.queue()
    now = stage.clock.now()
    await database.write(
        lambda tx: jobs.claim(tx, "dead", [KIND], lease_until=now + LEASE, now=now)
    )
    stage.clock.advance(LEASE - A_MOMENT)
    assert not await stage.worker().run_one()
    stage.clock.advance(A_MOMENT)
    assert await stage.worker().run_one()
    assert stage.ran == [job_id]
    assert (await stage.find(job_id)).attempts == 2


async def test_a_worker_that_wakes_up_late_does_nothing(database: Database) -> None:
    stage = Stage(database)
    job_id = await stage.queue()
    written = []

    async def sleep_through_the_lease(run: JobRun) -> Mapping[str, Any]:
        stage.clock.advance(LEASE)
        assert await stage.worker("other").run_one()
        await run.write(lambda _tx: written.append("late"))
        return {}

    await stage.worker("late", sleep_through_the_lease).run_one()
    assert stage.ran == [job_id]
    assert written == []
    assert (await stage.find(job_id)).result == {"ran": True}


async def test_three_workers_run_nothing_twice(database: Database) -> None:
    stage = Stage(database)
    queued = [await stage.queue() for _ in range(30)]
    stop, finished = asyncio.Event(), asyncio.Event()

    async def count(run: JobRun) -> Mapping[str, Any]:
        result = await stage.record(run)
        if len(stage.ran) == len(queued):
            finished.set()
        return result

    workers = [
        asyncio.create_task(stage.worker(owner, count).run(stop)) for owner in "abc"
    ]
    await asyncio.wait_for(finished.wait(), 30)
    stop.set()
    await asyncio.gather(*workers)
    assert sorted(stage.ran) == queued


async def test_a_waiting_worker_is_woken(database: Database) -> None:
    stage = Stage(database)
    stop, ran = asyncio.Event(), asyncio.Event()

    async def tell(run: JobRun) -> Mapping[str, Any]:
        ran.set()
        return await stage.record(run)

    working = asyncio.create_task(stage.worker(run=tell).run(stop))
    await stage.queue()
    stage.signal.notify()
    await asyncio.wait_for(ran.wait(), 10)
    stop.set()
    await asyncio.wait_for(working, 10)


async def test_a_stopped_worker_puts_its_job_back(database: Database) -> None:
    stage = Stage(database)
    job_id = await stage.queue()
    stop, begun = asyncio.Event(), asyncio.Event()

    async def never_end(_run: JobRun) -> Mapping[str, Any]:
        begun.set()
        await asyncio.Event().wait()
        return {}

    working = asyncio.create_task(stage.worker(run=never_end).run(stop))
    await asyncio.wait_for(begun.wait(), 10)
    stop.set()
    await asyncio.wait_for(working, 10)
    assert (await stage.find(job_id)).attempts == 0
    assert stage.followed == [JobState.QUEUED]
    assert await stage.worker().run_one()
    assert stage.ran == [job_id]


async def test_a_failure_is_tried_again_later_and_later(database: Database) -> None:
    stage = Stage(database)
    job_id = await stage.queue()

    async def break_down(_run: JobRun) -> Mapping[str, Any]:
        raise UnavailableError

    worker = stage.worker(run=break_down)
    assert await worker.run_one()
    assert not await worker.run_one()
    waits = 0
    while (await stage.find(job_id)).state is JobState.QUEUED:
        stage.clock.advance(timedelta(seconds=1))
        waits += 1
        await worker.run_one()
    job = await stage.find(job_id)
    assert (job.state, job.attempts) == (JobState.FAILED, MAX_ATTEMPTS)
    assert job.error == "service temporarily unavailable"
    assert waits == sum(2**attempt for attempt in range(MAX_ATTEMPTS - 1))
    retries = [JobState.QUEUED] * (MAX_ATTEMPTS - 1)
    assert stage.followed == [*retries, JobState.FAILED]


async def test_a_job_that_kills_its_workers_is_given_up(database: Database) -> None:
    stage = Stage(database)
    job_id = await stage.queue()

    def claim_and_die(tx: Tx) -> None:
        now = stage.clock.now()
        jobs.take_back(tx, now=now)
        jobs.claim(tx, "dying", [KIND], lease_until=now + LEASE, now=now)

    for _ in range(MAX_ATTEMPTS):
        await database.write(claim_and_die)
        stage.clock.advance(LEASE)
    await stage.worker().run_one()
    stage.clock.advance(timedelta(days=1))
    await stage.worker().run_one()
    assert (await stage.find(job_id)).state is JobState.FAILED
    assert stage.ran == []


async def test_what_is_forbidden_is_not_tried_again(database: Database) -> None:
    stage = Stage(database)
    job_id = await stage.queue()

    async def refuse(_run: JobRun) -> Mapping[str, Any]:
        raise ForbiddenError

    await stage.worker(run=refuse).run_one()
    assert (await stage.find(job_id)).state is JobState.FAILED
    assert stage.followed == [JobState.FAILED]


async def test_a_cancelled_job_does_nothing_more(database: Database) -> None:
    stage = Stage(database)
    job_id = await stage.queue()
    written = []

    async def be_cancelled(run: JobRun) -> Mapping[str, Any]:
        now = stage.clock.now()
        await run.write(lambda _tx: written.append("before"))
        await database.write(lambda tx: jobs.cancel(tx, job_id, now=now))
        await run.write(lambda _tx: written.append("after"))
        return {}

    await stage.worker(run=be_cancelled).run_one()
    assert written == ["before"]
    assert (await stage.find(job_id)).state is JobState.CANCELLED
