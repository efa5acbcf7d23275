"""Restoring, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from contract import graph, rows
from contract.rows import NOW
from moorage.domain.access import Principal, Role
from moorage.domain.history import Cause, ImageGoneError
from moorage.domain.jobs import JobKind
from moorage.domain.media_types import OCI_MANIFEST
from moorage.jobs.worker import Worker
from moorage.ports.query import Query, load
from moorage.ports.signals import LocalSignal
from moorage.services.jobs import LEASE, Handler, JobRun
from moorage.services.undo import Undo
from moorage.store import (
    garbage,
    history,
    jobs,
    manifests,
    projects,
    repositories,
    tags,
    usage,
)
from moorage.store.times import to_us
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from typing import Any

    from moorage.domain.jobs import Job
    from moorage.domain.projects import Project
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

WINDOW = timedelta(days=7)
LATER = NOW + timedelta(hours=1)
BACK = Cause("me", LATER, LATER + WINDOW, restores=True)
GONE = Cause("me", NOW, NOW + WINDOW)

_LEASE = Query("test.lease", "SELECT lease_until_us FROM manifest WHERE id = :id")


def removed(tx: Tx, *names: str) -> tuple[Repository, rows.Image]:
    """Make tags of one image, and remove them."""
    repository = rows.a_lone_repository(tx)
    image = rows.an_image(tx, repository)
    for name in names:
        rows.put_tag(tx, repository, name, image)
    seen = dict.fromkeys(names, image.digest)
    assert tags.delete_many(tx, repository.id, seen, cause=GONE) == sorted(names)
    return repository, image


async def test_what_is_there_again_or_gone_is_told_apart(database: Database) -> None:
    def body(tx: Tx) -> None:
        repository, image = removed(tx, "a", "b")
        other = rows.an_image(tx, repository)
        rows.put_tag(tx, repository, "b", other)
        nowhere = graph.a_manifest(tx, rows.a_repository(tx, _project(tx), "other"))
        wanted = {"a": image.digest, "b": image.digest, "c": nowhere.digest}
        done = tags.restore_many(tx, repository.id, wanted, cause=BACK)
        assert (done.names, done.gone) == (["a"], ["c"])
        found = tags.find_detail(tx, repository.id, "b")
        assert found is not None
        assert found.digest == other.digest
        counted = repositories.find(tx, repository.id)
        assert counted is not None
        assert counted.tag_count == 2
        assert rows.tag_events(tx)[-1]["action"] == "restore"

    await database.write(body)


def _project(tx: Tx) -> Project:
    return rows.a_project(tx, rows.a_group(tx, "elsewhere"))


async def test_a_restore_and_a_collection_exclude_one_another(
    database: Database,
) -> None:
    repository, image = await database.write(lambda tx: removed(tx, "v1"))
    clock = FrozenClock(NOW + WINDOW)
    undo = Undo(database, clock, LocalSignal(), undo_window=WINDOW)
    me = Principal(None, "me")

    async def collect() -> None:
        now = clock.now()
        await database.write(lambda tx: garbage.sweep_manifests(tx, 10, now=now))

    results = await asyncio.gather(
        undo.restore_tag(repository.id, "v1", None, me),
        collect(),
        return_exceptions=True,
    )
    names = await database.read(lambda tx: rows.tag_names(tx, repository))
    if isinstance(results[0], ImageGoneError):
        assert names == []
    else:
        assert names == ["v1"]
        assert await database.read(lambda tx: tx.one(_LEASE, id=image.id)) is not None


async def test_the_last_removal_by_a_job_counts(database: Database) -> None:
    def body(tx: Tx) -> None:
        repository = rows.a_lone_repository(tx)
        cause = Cause("me", NOW, NOW + WINDOW, job_id=1)
        images = [rows.an_image(tx, repository) for _ in range(2)]
        for image in images:
            rows.put_tag(tx, repository, "v1", image)
            tags.delete_first(tx, repository.id, 10, cause=cause)
        removed_by = history.removed_by(tx, repository.id, 1)
        assert removed_by == [("v1", str(images[1].digest), history.REMOVED)]

    await database.write(body)


@pytest.mark.parametrize("again", [timedelta(hours=2), 2 * WINDOW])
async def test_a_new_push_does_not_cut_the_window_short(
    database: Database, again: timedelta
) -> None:
    def body(tx: Tx) -> int:
        repository, image = removed(tx, "v1")
        tx.run(
            load("manifests").put,
            repository_id=repository.id,
            digest=str(image.digest),
            media_type=OCI_MANIFEST,
            size_bytes=1,
            config_digest=None,
            subject_digest=None,
            artifact_type=None,
            total_bytes=1,
            platforms="[]",
            created_at_us=0,
            now_us=0,
            lease_until_us=to_us(NOW + again),
        )
        row = tx.one(_LEASE, id=image.id)
        assert row is not None
        lease: int = row["lease_until_us"]
        return lease

    assert await database.write(body) == to_us(NOW + max(again, WINDOW))


@pytest.mark.parametrize("many", [False, True])
async def test_an_index_comes_back_with_all_that_it_lists(
    database: Database, *, many: bool
) -> None:
    """What it lists could be deleted once it was."""

    def delete(tx: Tx) -> tuple[Repository, list[graph.Node]]:
        repository = rows.a_lone_repository(tx)
        leaf = graph.a_manifest(tx, repository)
        inner = graph.a_manifest(tx, repository, children=[leaf])
        index = graph.a_manifest(tx, repository, children=[inner])
        tags.put(
            tx,
            repository.id,
            "v1",
            index.id,
            digest=index.digest,
            created_at=NOW,
            total_bytes=1,
            pushed_at=NOW,
            cause=GONE,
        )
        tags.delete(tx, repository.id, "v1", cause=GONE)
        for each in (index, inner, leaf):
            manifests.delete(tx, each.id, now=NOW, held_until=GONE.held_until)
        return repository, [index, inner, leaf]

    repository, nodes = await database.write(delete)
    if many:
        wanted = {"v1": nodes[0].digest}
        await database.write(
            lambda tx: tags.restore_many(tx, repository.id, wanted, cause=BACK)
        )
    else:
        undo = Undo(database, FrozenClock(LATER), LocalSignal(), undo_window=WINDOW)
        await undo.restore_tag(repository.id, "v1", None, Principal(None, "me"))
    digests = [node.digest for node in nodes]
    shown = await database.read(
        lambda tx: usage.manifests_of(tx, repository.id, digests)
    )
    assert shown == {node.id for node in nodes}


class Killed(Exception):  # noqa: N818 (what happens to the worker)
    """The process ends here."""


def die(*_args: Any, **_kwargs: Any) -> None:
    raise Killed


class Removed:
    """A repository whose tags were removed, and who may restore them or let them go."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.undo = Undo(
            database, FrozenClock(LATER), LocalSignal(), undo_window=WINDOW
        )
        self.handlers: dict[str, Handler] = {
            JobKind.RESTORE_TAGS: Handler(self.undo.run_restore),
            JobKind.PURGE: Handler(self.undo.run_purge),
        }

    async def begin(self) -> None:
        def body(tx: Tx) -> Principal:
            self.repository, self.image = removed(tx, "v1")
            project = projects.find(tx, self.repository.project_id)
            assert project is not None
            account = rows.a_member(tx, project, Role.MAINTAINER)
            return Principal(account.id, account.username)

        self.me = await self.database.write(body)

    async def remove(self, name: str) -> rows.Image:
        def body(tx: Tx) -> rows.Image:
            image = rows.an_image(tx, self.repository)
            rows.put_tag(tx, self.repository, name, image)
            tags.delete(tx, self.repository.id, name, cause=GONE)
            return image

        return await self.database.write(body)

    async def claim(self) -> Job:
        """Take the job as a worker does that is heard of no more."""
        job = await self.database.write(
            lambda tx: jobs.claim(
                tx, "dead", list(JobKind), lease_until=LATER + LEASE, now=LATER
            )
        )
        assert job is not None
        return job

    def run(self, job: Job) -> JobRun:
        return JobRun(job, "dead", self.database, FrozenClock(LATER))

    async def start_and_die(self) -> None:
        """Have that worker begin."""
        job = await self.claim()
        with pytest.raises(Killed):
            await self.handlers[job.kind].run(self.run(job))

    async def work(self) -> None:
        worker = Worker(
            self.database, FrozenClock(LATER), self.handlers, LocalSignal(), owner="me"
        )
        while await worker.run_one():
            pass


@pytest.fixture
async def scene(database: Database) -> Removed:
    made = Removed(database)
    await made.begin()
    return made


async def test_a_restore_that_waits_stands_for_another(scene: Removed) -> None:
    first = await scene.undo.restore(scene.repository, scene.me)
    assert await scene.undo.restore(scene.repository, scene.me) == first


async def test_a_restore_that_goes_on_stands_for_no_other(
    scene: Removed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await scene.undo.restore(scene.repository, scene.me)
    with monkeypatch.context() as patch:
        patch.setattr(tags, "restore_many", die)
        await scene.start_and_die()
    await scene.remove("v2")
    assert await scene.undo.restore(scene.repository, scene.me) != first
    await scene.work()
    names = await scene.database.read(lambda tx: rows.tag_names(tx, scene.repository))
    assert names == ["v1", "v2"]


async def test_a_purge_that_goes_on_stands_for_no_other(
    scene: Removed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await scene.undo.purge(scene.repository, scene.me)
    assert await scene.undo.purge(scene.repository, scene.me) == first
    with monkeypatch.context() as patch:
        patch.setattr(history, "let_go", die)
        await scene.start_and_die()
    image = await scene.remove("v2")
    assert await scene.undo.purge(scene.repository, scene.me) != first
    await scene.work()
    row = await scene.database.read(lambda tx: tx.one(_LEASE, id=image.id))
    assert row is not None
    assert row["lease_until_us"] == to_us(LATER)


async def test_a_restore_that_found_nothing_and_was_cut_off_chooses_no_more(
    scene: Removed,
) -> None:
    await scene.undo.restore(scene.repository, scene.me)
    await scene.work()
    await scene.undo.restore(scene.repository, scene.me)
    job = await scene.claim()
    await scene.undo.run_restore(scene.run(job))
    await scene.remove("v2")
    again = await scene.database.read(lambda tx: jobs.find(tx, job.id))
    assert again is not None
    assert await scene.undo.run_restore(scene.run(again)) == {
        "restored": 0,
        "skipped": 0,
    }
    names = await scene.database.read(lambda tx: rows.tag_names(tx, scene.repository))
    assert names == ["v1"]
