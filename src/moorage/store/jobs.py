"""Jobs: durable rows, claimed with a lease.

A worker that runs a job owns it until its lease has run out. Every transaction that
does a job's work begins with ``hold``, which fails once the job was cancelled or taken
back: two workers never do the same work, however late one of them wakes up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from moorage.domain.jobs import Job, JobState, NewJob
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.times import from_us, from_us_or_none, to_us

_SQL = load("jobs")


def enqueue(tx: Tx, job: NewJob, *, now: datetime) -> int:
    """Queue a job in the transaction that makes it necessary; return its id.

    That of an unfinished job with the same ``dedup_key``, if there is one.
    """
    while True:
        queued = tx.one(
            _SQL.enqueue,
            kind=job.kind,
            arguments=json.dumps(job.arguments),
            dedup_key=job.dedup_key,
            repository_id=job.repository_id,
            actor=job.actor,
            now_us=to_us(now),
        )
        if queued is not None:
            tx.one(_SQL.wake_workers)
        # It may finish between the two statements; then the key is free again.
        row = queued or tx.one(_SQL.find_unfinished, dedup_key=job.dedup_key)
        if row is not None:
            job_id: int = row["id"]
            return job_id


def is_unfinished(tx: Tx, dedup_key: str) -> bool:
    """Whether a job by this key is queued or running."""
    return tx.one(_SQL.find_unfinished, dedup_key=dedup_key) is not None


def find(tx: Tx, job_id: int) -> Job | None:
    """Look up a job, finished or not."""
    row = tx.one(_SQL.find, id=job_id)
    return None if row is None else _job(row)


def has_due(tx: Tx, *, now: datetime) -> bool:
    """Say whether ``take_back`` or ``claim`` may find something."""
    row = tx.one(_SQL.due)
    times = () if row is None else (row["run_at_us"], row["lease_until_us"])
    return any(time is not None and time <= to_us(now) for time in times)


def take_back(tx: Tx, *, now: datetime) -> int:
    """Queue again what runs under a lease that is over; return how many."""
    return tx.run(_SQL.take_back, now_us=to_us(now))


def claim(
    tx: Tx, owner: str, kinds: Iterable[str], *, lease_until: datetime, now: datetime
) -> Job | None:
    """Start the job that is due longest, if one of these kinds is."""
    row = tx.one(
        _SQL.claim,
        owner=owner,
        kinds=list(kinds),
        lease_until_us=to_us(lease_until),
        now_us=to_us(now),
    )
    return None if row is None else _job(row)


def hold(tx: Tx, job_id: int, owner: str, *, lease_until: datetime) -> bool:
    """Renew a lease; return ``False`` if the job is no longer this owner's to run."""
    held = tx.run(_SQL.hold, id=job_id, owner=owner, lease_until_us=to_us(lease_until))
    return held == 1


def set_progress(tx: Tx, job_id: int, done: int, total: int) -> None:
    """Record how far a job is."""
    tx.run(_SQL.progress, id=job_id, done=done, total=total)


def set_result(tx: Tx, job_id: int, result: Mapping[str, Any]) -> None:
    """Record what came of a job, for an attempt that follows if this is cut off."""
    tx.run(_SQL.result, id=job_id, result=json.dumps(result))


def release_key(tx: Tx, job_id: int) -> None:
    """Have a job stand for no other one any more that is queued from now on."""
    tx.run(_SQL.release_key, id=job_id)


def requeue(
    tx: Tx, job: Job, owner: str, *, attempts: int, run_at: datetime, error: str | None
) -> bool:
    """Let go of a job that is to be run again; return whether it was held."""
    requeued = tx.run(
        _SQL.requeue,
        id=job.id,
        owner=owner,
        attempts=attempts,
        run_at_us=to_us(run_at),
        error=error,
    )
    return requeued == 1


def succeed(
    tx: Tx, job: Job, owner: str, result: Mapping[str, Any], *, now: datetime
) -> bool:
    """Finish a job; return whether it was held."""
    finished = tx.run(
        _SQL.finish,
        id=job.id,
        owner=owner,
        state=JobState.SUCCEEDED,
        result=json.dumps(result),
        error=None,
        now_us=to_us(now),
    )
    return finished == 1


def fail(tx: Tx, job: Job, owner: str, error: str, *, now: datetime) -> bool:
    """Give a job up; return whether it was held."""
    finished = tx.run(
        _SQL.finish,
        id=job.id,
        owner=owner,
        state=JobState.FAILED,
        result=None,
        error=error,
        now_us=to_us(now),
    )
    return finished == 1


def cancel(tx: Tx, job_id: int, *, now: datetime) -> bool:
    """End a job that is not finished; return whether there was one.

    Once this is committed the job does nothing more.
    """
    return tx.run(_SQL.cancel, id=job_id, now_us=to_us(now)) == 1


def delete_finished(tx: Tx, *, before: datetime, limit: int) -> int:
    """Forget jobs that ended before a time, with their items; return how many."""
    rows = tx.all(_SQL.list_finished, before_us=to_us(before), limit=limit)
    ids = [row["id"] for row in rows]
    for statement in (_SQL.delete_skips, _SQL.delete_batches, _SQL.delete):
        tx.run(statement, ids=ids)
    return len(ids)


def _job(row: Row) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        arguments=json.loads(row["arguments"]),
        repository_id=row["repository_id"],
        actor=row["actor"],
        state=JobState(row["state"]),
        attempts=row["attempts"],
        done=row["done"],
        total=row["total"],
        result=None if row["result"] is None else json.loads(row["result"]),
        error=row["error"],
        created_at=from_us(row["created_at_us"]),
        started_at=from_us_or_none(row["started_at_us"]),
        finished_at=from_us_or_none(row["finished_at_us"]),
    )
