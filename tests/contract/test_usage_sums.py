"""Sums that the writes keep are what a recount finds, whatever was written."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from datetime import timedelta
from functools import partial, reduce
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract import graph, rows
from contract.rows import NOW
from moorage.adapters.memory import MemoryBlobStore
from moorage.adapters.sqlite import SqliteDatabase, _SqliteTx
from moorage.domain.history import Cause
from moorage.domain.jobs import JobKind, NewJob
from moorage.domain.projects import Scope
from moorage.domain.usage import Sums
from moorage.jobs.worker import Worker
from moorage.ports.query import Query
from moorage.ports.signals import LocalSignal
from moorage.services import moving
from moorage.services.garbage import Garbage
from moorage.services.jobs import Handler
from moorage.services.usage_sums import UsageSums
from moorage.store import (
    blobs,
    jobs,
    projects,
    quotas,
    repositories,
    repository_keys,
    tags,
    usage_sums,
    uses,
)
from moorage.store.migrate import migrate
from moorage.store.uses import TagUse
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from pathlib import Path

    from moorage.domain.projects import Namespace
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

HOUR = timedelta(hours=1)
ME = Cause("me", NOW, NOW)
NAMES = ["a", "b", "c"]

_numbers = itertools.count(1)
_SPOIL_QUOTA = Query("test.spoil_quota", "UPDATE quota SET unique_bytes = 1")
_SPOIL = Query(
    "test.spoil",
    "UPDATE usage_sum SET listed_bytes = 1, unique_bytes = unique_bytes + 5",
)


class Estate:
    """Two repositories with some images and blobs; steps are told by two numbers.

    Their project is in a group and may move to another; all of them may have quotas.
    """

    def __init__(self, tx: Tx) -> None:
        above = rows.a_group(tx, f"g{next(_numbers)}")
        self.groups = [above, *(rows.a_group(tx, name, above) for name in "ab")]
        self.groups.append(rows.a_group(tx, f"g{next(_numbers)}"))
        project = rows.a_project(tx, self.groups[1])
        self.project_id = project.id
        self.scopes = [Scope(namespace_id=each.id) for each in self.groups]
        self.scopes.append(Scope(project_id=project.id))
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
            pushed_at = NOW + other * HOUR
            images.append(
                rows.an_image(
                    tx, repository, total_bytes=7 + 10 * one, pushed_at=pushed_at
                )
            )
            rows.put_tag(tx, repository, name, images[-1])
        elif what == "pull":
            uses.add(tx, [], [TagUse(repository.id, name, 1, NOW + one * HOUR)])
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
        elif what == "quota":
            limit = 1000 if other % 3 else None
            quotas.put(tx, self.scopes[one % len(self.scopes)], limit)
        elif what == "move":
            self.move(tx, self.groups[one % len(self.groups)])
        else:
            usage_sums.fold(tx, 1 + other % 3, now=NOW)

    def move(self, tx: Tx, group: Namespace) -> None:
        project = projects.find(tx, self.project_id)
        assert project is not None
        if project.namespace_id != group.id:
            moving.move_project(tx, project, group, project.path)


STEPS = [
    *("push", "pull", "delete", "delete many", "restore"),
    *("link", "unlink", "fold"),
]
QUOTA_STEPS = ["quota", "move"]


def both(tx: Tx, repositories: list[Repository]) -> list[dict[int, Sums]]:
    """Return what is kept and what is there; lists of repositories go by that, too."""
    ids = [each.id for each in repositories]
    assert repository_keys.list_stale(tx, ids) == []
    return [usage_sums.of_each(tx, ids), usage_sums.recount(tx, ids)]


def under_quotas(tx: Tx, estate: Estate) -> tuple[list[Sums], list[Sums]]:
    """Return what is known to be under quotas, and what a recount finds there."""
    ids = [each.id for each in estate.repositories]
    everything = reduce(Sums.plus, usage_sums.recount(tx, ids).values(), Sums())
    over = {
        quota.scope
        for scope in estate.scopes
        if quotas.find(tx, scope) is not None
        for quota in quotas.list_over_project(tx, estate.project_id)
    }
    limited = [scope for scope in estate.scopes if quotas.find(tx, scope) is not None]
    known = [quotas.find_sums(tx, scope) for scope in limited]
    return known, [everything if scope in over else Sums() for scope in limited]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*STEPS, *QUOTA_STEPS, "collect"]),
            st.integers(0, 11),
            st.integers(0, 5),
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
        known, found = await database.read(lambda tx: under_quotas(tx, estate))
        assert known == found


async def test_nobody_adds_twice_or_gets_lost_when_many_write(
    database: Database,
) -> None:
    estate = await database.write(Estate)
    sums = UsageSums(database, FrozenClock(NOW))
    steps = [*STEPS, *QUOTA_STEPS]

    async def write(seed: int) -> None:
        for turn in range(10):
            what = steps[(seed + turn) % len(steps)]
            await database.write(partial(estate.step, what=what, one=seed, other=turn))

    async def fold() -> None:
        for _ in range(10):
            await sums.fold()

    await asyncio.gather(*(write(seed) for seed in range(6)), fold(), fold())
    await sums.fold()
    assert not await database.read(usage_sums.has_changes)
    kept, counted = await database.read(lambda tx: both(tx, estate.repositories))
    assert kept == counted
    known, found = await database.read(lambda tx: under_quotas(tx, estate))
    assert known == found


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
        quotas.put(tx, estate.scopes[0], 1000)
        usage_sums.fold(tx, 9, now=NOW)
        estate.step(tx, "push", 2, 2)
        for spoil in (_SPOIL, _SPOIL_QUOTA):
            tx.run(spoil)
        if folded:
            usage_sums.fold(tx, 9, now=NOW)
        new = NewJob(JobKind.VERIFY_USAGE, {}, "schedule")
        for _ in range(2):
            jobs.enqueue(tx, new, now=NOW)
        return estate

    estate = await database.write(body)
    clock = FrozenClock(NOW)
    verify: dict[str, Handler] = {
        JobKind.VERIFY_USAGE: Handler(UsageSums(database, clock).verify)
    }
    worker = Worker(database, clock, verify, LocalSignal(), owner="me")
    while await worker.run_one():
        pass
    kept, counted = await database.read(lambda tx: both(tx, estate.repositories))
    assert kept == counted
    known, found = await database.read(lambda tx: under_quotas(tx, estate))
    assert known == found
    results = [
        job.result
        for job in await database.read(lambda tx: [jobs.find(tx, at) for at in (1, 2)])
        if job is not None
    ]
    assert results == [{"checked": 2, "repaired": 1}, {"checked": 2, "repaired": 0}]


@pytest.mark.parametrize("counted", [False, True])
def test_what_is_under_a_quota_costs_the_same_however_much_it_is(
    tmp_path: Path, *, counted: bool
) -> None:
    """In instructions of SQLite's machine, once it was added up."""
    steps = [
        _steps(tmp_path / str(count), count, counted=counted) for count in (1, 1000)
    ]
    assert (steps[0] == steps[1]) is counted


def _steps(folder: Path, count: int, *, counted: bool) -> list[int]:
    """Return the steps of asking for what is under a group's and a project's quota."""
    folder.mkdir()
    database = SqliteDatabase(folder / "db")
    migrate(database, NOW)

    def fill(tx: Tx) -> list[Scope]:
        project = rows.a_project(tx, rows.a_group(tx))
        scopes = [
            Scope(namespace_id=project.namespace_id),
            Scope(project_id=project.id),
        ]
        for scope in scopes:
            quotas.put(tx, scope, 1000)
        made = [rows.a_repository(tx, project, f"r{number}") for number in range(count)]
        for each in made:
            usage_sums.note(tx, each.id, Sums(1, 1))
        usage_sums.fold(tx, count, now=NOW)
        usage_sums.note(tx, made[-1].id, Sums(1, 1))
        if not counted:
            quotas.forget_all_sums(tx)
        return scopes

    return [_count_steps(database, scope) for scope in database.write_now(fill)]


def _count_steps(database: SqliteDatabase, scope: Scope) -> int:
    """Count them on a connection of SQLite's own kind."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    connection = sqlite3.connect(database.path)
    connection.row_factory = sqlite3.Row
    connection.set_progress_handler(step, 1)
    quotas.find_sums(_SqliteTx(connection), scope)
    connection.close()
    return steps
