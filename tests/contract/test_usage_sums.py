"""Sums that the writes keep are what a recount finds, whatever was written."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract import graph, rows
from contract.rows import NOW
from moorage.adapters.memory import MemoryBlobStore
from moorage.domain.history import Cause
from moorage.domain.jobs import JobKind, NewJob
from moorage.jobs.worker import Worker
from moorage.ports.query import Query
from moorage.ports.signals import LocalSignal
from moorage.services.garbage import Garbage
from moorage.services.jobs import Handler
from moorage.services.usage_sums import UsageSums
from moorage.store import blobs, jobs, repositories, tags, usage_sums
from moorage.store.usage_sums import Sums
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

HOUR = timedelta(hours=1)
ME = Cause("me", NOW, NOW)
NAMES = ["a", "b", "c"]

_numbers = itertools.count(1)
_SPOIL = Query(
    "test.spoil",
    "UPDATE usage_sum SET listed_bytes = 1, unique_bytes = unique_bytes + 5",
)


class Estate:
    """Two repositories with some images and blobs; steps are told by two numbers."""

    def __init__(self, tx: Tx) -> None:
        project = rows.a_project(tx, rows.a_group(tx, f"g{next(_numbers)}"))
        self.repositories = [rows.a_repository(tx, project, name) for name in "xy"]
        self.pushed = [[rows.an_image(tx, each)] for each in self.repositories]
        self.blobs = [graph.a_blob(tx, 10**at, NOW + HOUR) for at in range(4)]

    def step(self, tx: Tx, what: str, one: int, other: int) -> None:
        at = one % 2
        repository, name = self.repositories[at], NAMES[other % 3]
        images = self.pushed[at]
        image = images[one % len(images)]
        if what == "push":
            # Collection may have removed the others.
            images.append(rows.an_image(tx, repository, total_bytes=7 + 10 * one))
            rows.put_tag(tx, repository, name, images[-1])
        elif what == "delete":
            tags.delete(tx, repository.id, name, cause=ME)
        elif what == "delete many":
            seen = dict.fromkeys(NAMES, image.digest)
            tags.delete_many(tx, repository.id, seen, cause=ME)
        elif what == "restore":
            wanted = dict.fromkeys(NAMES, image.digest)
            tags.restore_many(tx, repository.id, wanted, cause=ME)
        elif what == "link":
            # Collection finds some of them due at once.
            lease = NOW + (other % 2) * HOUR
            blob = self.blobs[one % 4]
            blobs.link(tx, repository.id, blob.id, lease_until=lease, now=NOW)
        elif what == "unlink":
            blobs.unlink(tx, repository.id, self.blobs[one % 4].id, now=NOW)
        else:
            usage_sums.fold(tx, 1 + other % 3)


STEPS = ["push", "delete", "delete many", "restore", "link", "unlink", "fold"]


def both(tx: Tx, repositories: list[Repository]) -> list[dict[int, Sums]]:
    ids = [each.id for each in repositories]
    return [usage_sums.of_each(tx, ids), usage_sums.recount(tx, ids)]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*STEPS, "collect"]), st.integers(0, 11), st.integers(0, 5)
        ),
        max_size=20,
    )
)
async def test_they_are_what_a_recount_finds(
    database: Database, steps: list[tuple[str, int, int]]
) -> None:
    estate = await database.write(Estate)
    garbage = Garbage(database, MemoryBlobStore(), FrozenClock(NOW))
    for step in steps:
        if step[0] == "collect":
            await garbage.collect()
        else:
            what, one, other = step
            await database.write(partial(estate.step, what=what, one=one, other=other))
        kept, counted = await database.read(lambda tx: both(tx, estate.repositories))
        assert kept == counted


async def test_nobody_adds_twice_or_gets_lost_when_many_write(
    database: Database,
) -> None:
    estate = await database.write(Estate)
    sums = UsageSums(database)

    async def write(seed: int) -> None:
        for turn in range(10):
            what = STEPS[(seed + turn) % len(STEPS)]
            await database.write(partial(estate.step, what=what, one=seed, other=turn))

    async def fold() -> None:
        for _ in range(10):
            await sums.fold()

    await asyncio.gather(*(write(seed) for seed in range(6)), fold(), fold())
    await sums.fold()
    assert not await database.read(usage_sums.has_changes)
    kept, counted = await database.read(lambda tx: both(tx, estate.repositories))
    assert kept == counted


async def test_what_a_repository_is_made_with_counts(database: Database) -> None:
    def body(tx: Tx) -> dict[int, Sums]:
        project = rows.a_project(tx, rows.a_group(tx))
        former = rows.a_repository(tx, project, "again")
        blob = graph.a_blob(tx, 30)
        blobs.link(tx, former.id, blob.id, lease_until=NOW + HOUR, now=NOW)
        repositories.mark_deleted(tx, former.id, now=NOW)
        made = rows.a_repository(tx, project, "again")
        return usage_sums.of_each(tx, [made.id])

    (found,) = (await database.write(body)).values()
    assert found == Sums(0, 30)


@pytest.mark.parametrize("folded", [False, True])
async def test_a_job_repairs_what_is_wrong_and_says_so(
    database: Database, *, folded: bool
) -> None:
    def body(tx: Tx) -> Estate:
        estate = Estate(tx)
        for what in ("push", "link"):
            estate.step(tx, what, 0, 1)
        usage_sums.fold(tx, 9)
        estate.step(tx, "push", 2, 2)
        tx.run(_SPOIL)
        if folded:
            usage_sums.fold(tx, 9)
        new = NewJob(JobKind.VERIFY_USAGE, {}, "schedule")
        for _ in range(2):
            jobs.enqueue(tx, new, now=NOW)
        return estate

    estate = await database.write(body)
    verify: dict[str, Handler] = {
        JobKind.VERIFY_USAGE: Handler(UsageSums(database).verify)
    }
    worker = Worker(database, FrozenClock(NOW), verify, LocalSignal(), owner="me")
    while await worker.run_one():
        pass
    kept, counted = await database.read(lambda tx: both(tx, estate.repositories))
    assert kept == counted
    results = [
        job.result
        for job in await database.read(lambda tx: [jobs.find(tx, at) for at in (1, 2)])
        if job is not None
    ]
    assert results == [{"checked": 2, "repaired": 1}, {"checked": 2, "repaired": 0}]


async def test_they_bound_what_a_project_takes_up(database: Database) -> None:
    def body(tx: Tx) -> int:
        estate = Estate(tx)
        for at in range(2):
            estate.step(tx, "link", 2 + at * 4 + at, 1)
        ids = [each.id for each in estate.repositories]
        return usage_sums.of_all(tx, ids).unique_bytes

    assert await database.write(body) == 100 + 1000
