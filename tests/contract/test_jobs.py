from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from contract.rows import NOW
from moorage.domain.jobs import ItemOutcome, JobKind, JobState, NewJob
from moorage.store import job_items, jobs

if TYPE_CHECKING:
    from moorage.domain.jobs import Job
    from moorage.ports.database import Database, Tx

SECOND = timedelta(seconds=1)
LEASE = timedelta(minutes=1)
KINDS = list(JobKind)


def queue(tx: Tx, dedup_key: str | None = None) -> int:
    job = NewJob(
        kind=JobKind.DELETE_TAGS,
        arguments={"delete": ".*"},
        actor="me",
        repository_id=5,
        dedup_key=dedup_key,
    )
    return jobs.enqueue(tx, job, now=NOW)


def claim(tx: Tx, owner: str = "one") -> Job | None:
    return jobs.claim(tx, owner, KINDS, lease_until=NOW + LEASE, now=NOW)


async def test_a_queued_job_is_found_and_claimed_once(database: Database) -> None:
    def body(tx: Tx) -> None:
        job_id = queue(tx)
        found = jobs.find(tx, job_id)
        assert found is not None
        assert found.state is JobState.QUEUED
        assert found.arguments == {"delete": ".*"}
        claimed = claim(tx)
        assert claimed is not None
        assert (claimed.id, claimed.state, claimed.attempts) == (
            job_id,
            JobState.RUNNING,
            1,
        )
        assert claim(tx, "two") is None

    await database.write(body)


async def test_jobs_are_claimed_in_the_order_they_were_queued(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        queued = [queue(tx) for _ in range(3)]
        claimed = [claim(tx) for _ in range(3)]
        assert [job.id for job in claimed if job] == queued

    await database.write(body)


async def test_a_kind_that_a_worker_does_not_know_is_left_to_others(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        queue(tx)
        kinds = [JobKind.DELETE_REPOSITORY]
        assert jobs.claim(tx, "one", kinds, lease_until=NOW + LEASE, now=NOW) is None

    await database.write(body)


async def test_an_unfinished_job_stands_for_another_of_its_key(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        first = queue(tx, "key")
        assert queue(tx, "key") == first
        job = claim(tx)
        assert job is not None
        assert queue(tx, "key") == first
        assert jobs.succeed(tx, job, "one", {}, now=NOW)
        assert queue(tx, "key") != first

    await database.write(body)


async def test_whoever_lost_the_job_can_do_nothing_to_it(database: Database) -> None:
    def body(tx: Tx) -> None:
        queue(tx)
        job = claim(tx)
        assert job is not None
        assert jobs.take_back(tx, now=NOW + LEASE - SECOND) == 0
        assert jobs.take_back(tx, now=NOW + LEASE) == 1
        assert not jobs.hold(tx, job.id, "one", lease_until=NOW + LEASE)
        assert not jobs.succeed(tx, job, "one", {}, now=NOW)
        assert not jobs.fail(tx, job, "one", "x", now=NOW)
        assert not jobs.requeue(tx, job, "one", attempts=1, run_at=NOW, error=None)

    await database.write(body)


async def test_holding_a_job_makes_its_lease_longer(database: Database) -> None:
    def body(tx: Tx) -> None:
        queue(tx)
        job = claim(tx)
        assert job is not None
        assert jobs.hold(tx, job.id, "one", lease_until=NOW + 2 * LEASE)
        assert jobs.take_back(tx, now=NOW + LEASE) == 0

    await database.write(body)


async def test_a_job_is_due_when_its_time_or_the_end_of_its_lease_has_come(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        assert not jobs.has_due(tx, now=NOW)
        queue(tx)
        assert not jobs.has_due(tx, now=NOW - SECOND)
        assert jobs.has_due(tx, now=NOW)
        claim(tx)
        assert not jobs.has_due(tx, now=NOW)
        assert jobs.has_due(tx, now=NOW + LEASE)

    await database.write(body)


async def test_a_postponed_job_waits_for_its_time(database: Database) -> None:
    def body(tx: Tx) -> None:
        queue(tx)
        job = claim(tx)
        assert job is not None
        run_at = NOW + SECOND
        assert jobs.requeue(tx, job, "one", attempts=1, run_at=run_at, error="busy")
        assert claim(tx) is None
        again = jobs.claim(tx, "one", KINDS, lease_until=run_at + LEASE, now=run_at)
        assert again is not None
        assert (again.attempts, again.error) == (2, "busy")

    await database.write(body)


async def test_a_cancelled_job_is_lost_to_its_worker(database: Database) -> None:
    def body(tx: Tx) -> None:
        queue(tx)
        job = claim(tx)
        assert job is not None
        assert jobs.cancel(tx, job.id, now=NOW)
        assert not jobs.cancel(tx, job.id, now=NOW)
        assert not jobs.hold(tx, job.id, "one", lease_until=NOW + LEASE)
        found = jobs.find(tx, job.id)
        assert found is not None
        assert (found.state, found.finished_at) == (JobState.CANCELLED, NOW)

    await database.write(body)


async def test_what_became_of_items_is_told_by_progress(database: Database) -> None:
    def body(tx: Tx) -> None:
        job_id = queue(tx)
        digest = f"sha256:{1:064}"
        packed = job_items.pack([(name, digest, "old") for name in "abcd"])
        job_items.add(tx, job_id, packed, ItemOutcome.DELETED)
        assert (packed.total, job_items.count(tx, job_id)) == (4, 4)
        page = job_items.list_page(tx, job_id, after=1, limit=2)
        assert [item.name for item in page] == ["b", "c"]
        jobs.set_progress(tx, job_id, 3, 4)
        job_items.skip(tx, job_id, [2], reason="moved")
        outcomes = [
            (item.name, item.outcome, item.reason)
            for item in job_items.list_page(tx, job_id, after=0, limit=9)
        ]
        assert outcomes == [
            ("a", ItemOutcome.DELETED, "old"),
            ("b", ItemOutcome.SKIPPED, "moved"),
            ("c", ItemOutcome.DELETED, "old"),
            ("d", ItemOutcome.PLANNED, "old"),
        ]
        assert job_items.count_skipped(tx, job_id) == 1

    await database.write(body)


@pytest.mark.parametrize("after", [0, 1, 2, 3, 6])
async def test_a_page_of_items_crosses_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr(job_items, "TOGETHER", 3)

    def body(tx: Tx) -> None:
        job_id = queue(tx)
        packed = job_items.pack([(name, "", "old") for name in "abcdefg"])
        job_items.add(tx, job_id, packed, ItemOutcome.RESTORED)
        page = job_items.list_page(tx, job_id, after=after, limit=4)
        assert "".join(item.name for item in page) == "abcdefg"[after : after + 4]

    await database.write(body)


async def test_progress_and_result_are_kept(database: Database) -> None:
    def body(tx: Tx) -> None:
        queue(tx)
        job = claim(tx)
        assert job is not None
        jobs.set_progress(tx, job.id, 3, 4)
        jobs.succeed(tx, job, "one", {"deleted": 4}, now=NOW + SECOND)
        found = jobs.find(tx, job.id)
        assert found is not None
        assert (found.done, found.total) == (3, 4)
        assert found.result == {"deleted": 4}
        assert found.finished_at == NOW + SECOND

    await database.write(body)
