from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from contract.rows import NOW, a_lone_repository
from moorage.domain.jobs import ItemOutcome, JobKind, JobState, NewJob
from moorage.domain.plans import LIFETIME, Plan, PlanItem, PlanSummary, Verdict
from moorage.jobs.worker import Worker
from moorage.ports.query import Query
from moorage.ports.signals import LocalSignal
from moorage.services.jobs import Handler
from moorage.services.retention import BATCH, KEEP_JOBS, Retention
from moorage.store import job_items, jobs, plans
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from moorage.domain.jobs import Job
    from moorage.ports.database import Database, Tx

MINUTE = timedelta(minutes=1)
_REST = Query(
    "retention.rest",
    """
    SELECT (SELECT COUNT(*) FROM job_batch) AS batches,
           (SELECT COUNT(*) FROM job_skip) AS skips,
           (SELECT COUNT(*) FROM plan_item) AS plan_items
    """,
)


def finish(tx: Tx, at: datetime) -> int:
    """Queue a job of two tags, one of which is passed over, and end it."""
    job_id = jobs.enqueue(tx, NewJob(JobKind.DELETE_TAGS, {}, "me"), now=at)
    planned = [(name, "sha256:0", "matches") for name in ("a", "b")]
    job_items.add(tx, job_id, job_items.pack(planned), ItemOutcome.DELETED)
    job_items.skip(tx, job_id, [2], reason="held")
    assert jobs.cancel(tx, job_id, now=at)
    return job_id


def store_plan(tx: Tx, repository_id: int, expires_at: datetime) -> int:
    summary = PlanSummary(1, 0, 1, 0)
    plan = Plan(None, repository_id, {}, [], summary, NOW, expires_at)
    plan_id = plans.create(tx, plan, actor="me", expires_at=expires_at)
    item = PlanItem("a", "sha256:0", Verdict.DELETE, "", "", NOW, NOW, None, 0, 0)
    plans.add_items(tx, plan_id, 0, [item])
    plans.complete(tx, plan_id, summary)
    return plan_id


async def run_forget(database: Database, undo_window: timedelta = timedelta(0)) -> Job:
    """Run the job as a worker does; return it."""

    def body(tx: Tx) -> int:
        return jobs.enqueue(tx, NewJob(JobKind.FORGET_JOBS, {}, "schedule"), now=NOW)

    job_id = await database.write(body)
    clock = FrozenClock(NOW)
    forget = Retention(clock, undo_window).forget
    kinds: dict[str, Handler] = {JobKind.FORGET_JOBS: Handler(forget)}
    assert await Worker(database, clock, kinds, LocalSignal(), owner="me").run_one()
    job = await database.read(lambda tx: jobs.find(tx, job_id))
    assert job is not None
    assert job.state is JobState.SUCCEEDED
    return job


async def test_jobs_are_forgotten_with_their_items_long_after_their_end(
    database: Database,
) -> None:
    def body(tx: Tx) -> tuple[list[int], int, int]:
        old = [finish(tx, NOW - KEEP_JOBS - MINUTE) for _ in range(BATCH + 1)]
        young = finish(tx, NOW - KEEP_JOBS + MINUTE)
        waiting = jobs.enqueue(
            tx, NewJob(JobKind.PURGE, {}, "me"), now=NOW - 2 * KEEP_JOBS
        )
        return old, young, waiting

    old, young, waiting = await database.write(body)
    assert (await run_forget(database)).result == {"plans": 0, "jobs": len(old)}

    def look(tx: Tx) -> None:
        assert [each for each in old if jobs.find(tx, each)] == []
        assert jobs.find(tx, young) is not None
        assert jobs.find(tx, waiting) is not None
        items = job_items.list_page(tx, young, after=0, limit=9)
        assert [item.outcome for item in items] == [
            ItemOutcome.PLANNED,
            ItemOutcome.SKIPPED,
        ]
        rest = tx.one(_REST)
        assert rest is not None
        assert (rest["batches"], rest["skips"]) == (1, 1)

    await database.read(look)


async def test_a_job_is_kept_for_as_long_as_it_can_be_undone(
    database: Database,
) -> None:
    job_id = await database.write(lambda tx: finish(tx, NOW - 2 * KEEP_JOBS))
    assert (await run_forget(database, 2 * KEEP_JOBS)).result == {"plans": 0, "jobs": 0}
    assert await database.read(lambda tx: jobs.find(tx, job_id)) is not None


async def test_a_plan_is_forgotten_a_day_after_it_expired(database: Database) -> None:
    def body(tx: Tx) -> tuple[int, int, int]:
        repository_id = a_lone_repository(tx).id
        gone = store_plan(tx, repository_id, NOW - LIFETIME - MINUTE)
        kept = store_plan(tx, repository_id, NOW - LIFETIME + MINUTE)
        return repository_id, gone, kept

    repository_id, gone, kept = await database.write(body)
    assert (await run_forget(database)).result == {"plans": 1, "jobs": 0}

    def look(tx: Tx) -> None:
        assert plans.find(tx, repository_id, gone) is None
        assert plans.find(tx, repository_id, kept) is not None
        rest = tx.one(_REST)
        assert rest is not None
        assert rest["plan_items"] == 1

    await database.read(look)
