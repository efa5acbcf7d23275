from __future__ import annotations

import asyncio
import itertools
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract import graph, rows
from contract.rows import NOW
from moorage.adapters.memory import MemoryBlobStore
from moorage.domain.access import Principal
from moorage.domain.errors import UnavailableError
from moorage.domain.history import Cause
from moorage.domain.jobs import JobKind, JobState
from moorage.jobs.collector import take_step
from moorage.jobs.pace import Pace, QueuedDatabase
from moorage.jobs.worker import Worker
from moorage.ports.query import Query
from moorage.ports.signals import LocalSignal
from moorage.services.garbage import FIRST_DELAY, TAKEOVER, Collected, Garbage
from moorage.services.garbage_queue import CollectionPausedError, GarbageQueue
from moorage.services.jobs import Handler
from moorage.store import garbage, garbage_queue, jobs, tags
from moorage.store.garbage_queue import Candidates, Counts, Hour
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from contract.graph import Blob
    from moorage.domain.jobs import Job
    from moorage.domain.repositories import Repository
    from moorage.ports.blobs import BlobKey
    from moorage.ports.database import Database, Tx

HOUR = timedelta(hours=1)

_numbers = itertools.count(1)
ROOT = Principal(account_id=1, username="root", admin=True)


class BrokenStore(MemoryBlobStore):
    """A store some of whose objects cannot be deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: set[BlobKey] = set()
        self.calls = 0

    async def delete(self, keys: Sequence[BlobKey]) -> None:
        self.calls += 1
        if self.broken.intersection(keys):
            raise UnavailableError("permission denied")
        await super().delete(keys)


@dataclass
class Scene:
    """A collector, its queue, and a worker that runs its jobs."""

    database: Database
    clock: FrozenClock = field(default_factory=lambda: FrozenClock(NOW))
    store: BrokenStore = field(default_factory=BrokenStore)

    def __post_init__(self) -> None:
        signal = LocalSignal()
        self.garbage = Garbage(self.database, self.store, self.clock, batch=2)
        self.queue = GarbageQueue(self.database, self.clock, signal, self.garbage)
        kinds: dict[str, Handler] = {
            JobKind.COLLECT_GARBAGE: Handler(self.queue.collect)
        }
        self.worker = Worker(self.database, self.clock, kinds, signal, owner="worker")

    async def lost_blobs(self, *sizes: int) -> list[Blob]:
        """Make blobs that are in no repository, and their objects."""
        blobs = await self.database.write(
            lambda tx: [graph.a_blob(tx, size, NOW) for size in sizes]
        )
        self.store.objects.update((blob.key, b"content") for blob in blobs)
        return blobs

    async def tombstones(self) -> int:
        return (await self.queue.report()).counts.tombstones

    async def job(self, job_id: int) -> Job:
        found = await self.database.read(lambda tx: jobs.find(tx, job_id))
        assert found is not None
        return found


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


async def test_a_run_removes_what_nothing_reaches_and_says_so(scene: Scene) -> None:
    await scene.lost_blobs(*range(1, 42))
    seen = []

    async def watch(collected: Collected) -> None:
        seen.append(collected.blobs)

    collected = await scene.garbage.collect(watch)
    assert (collected.blobs, collected.freed_bytes, collected.failed) == (41, 861, 0)
    # Steps of eight batches of two.
    assert seen == [16, 32, 41]
    assert not scene.store.objects


async def test_an_object_that_cannot_be_deleted_does_not_keep_the_others(
    scene: Scene,
) -> None:
    bad, *_ = await scene.lost_blobs(10, 20, 30)
    scene.store.broken = {bad.key}
    collected = await scene.garbage.collect()
    assert (collected.blobs, collected.freed_bytes, collected.failed) == (2, 50, 1)
    assert list(scene.store.objects) == [bad.key]
    report = await scene.queue.report()
    assert report.counts.tombstones == 1
    assert report.hours[0].errors == 1
    assert report.hours[0].last_error == f"{bad.key.digest}: permission denied"


async def test_it_is_tried_again_later_and_later(scene: Scene) -> None:
    (bad,) = await scene.lost_blobs(10)
    scene.store.broken = {bad.key}
    await scene.garbage.collect()
    for delay in (FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY):
        scene.clock.advance(delay - timedelta(seconds=1))
        assert (await scene.garbage.collect()).failed == 0
        scene.clock.advance(timedelta(seconds=1))
        assert (await scene.garbage.collect()).failed == 1
    scene.store.broken = set()
    scene.clock.advance(8 * FIRST_DELAY)
    assert (await scene.garbage.collect()).freed_bytes == 10
    assert await scene.tombstones() == 0


async def test_a_store_that_is_away_is_not_asked_for_every_object(
    scene: Scene,
) -> None:
    scene.garbage = Garbage(scene.database, scene.store, scene.clock, batch=50)
    blobs = await scene.lost_blobs(*range(1, 41))
    scene.store.broken = {blob.key for blob in blobs}
    assert (await scene.garbage.collect()).failed == 40
    assert scene.store.calls == 4


async def test_what_a_killed_process_began_is_taken_over(scene: Scene) -> None:
    await scene.lost_blobs(10)
    await scene.database.write(
        lambda tx: garbage.entomb_blobs(tx, 10, retry_at=NOW + TAKEOVER, now=NOW)
    )
    assert (await scene.garbage.collect()).blobs == 0
    scene.clock.advance(TAKEOVER)
    assert (await scene.garbage.collect()).freed_bytes == 10


async def test_collectors_leave_all_of_it_to_a_job_that_does_it_at_once(
    scene: Scene,
) -> None:
    await scene.lost_blobs(10)
    await scene.queue.schedule(ROOT)
    pace = Pace(QueuedDatabase(scene.database), asyncio.Event())
    assert not await take_step(scene.garbage, pace)
    assert await scene.worker.run_one()
    await scene.lost_blobs(20)
    pace.stop.set()
    assert await take_step(scene.garbage, pace)


async def test_paused_collection_does_nothing_until_it_is_resumed(
    scene: Scene,
) -> None:
    await scene.lost_blobs(10)
    await scene.queue.pause(ROOT)
    await scene.queue.pause(Principal(account_id=2, username="second", admin=True))
    pause = (await scene.queue.report()).pause
    assert pause is not None
    assert (pause.actor, pause.paused_at) == ("root", NOW)
    assert await scene.garbage.collect() == Collected()
    with pytest.raises(CollectionPausedError):
        await scene.queue.schedule(ROOT)
    await scene.queue.resume()
    assert (await scene.garbage.collect()).blobs == 1


async def test_a_job_collects_and_shows_how_far_it_is(scene: Scene) -> None:
    await scene.lost_blobs(10, 20, 30)
    job = await scene.queue.schedule(ROOT)
    assert (job.kind, job.state) == (JobKind.COLLECT_GARBAGE, JobState.QUEUED)
    assert (await scene.queue.schedule(ROOT)).id == job.id
    await scene.worker.run_one()
    done = await scene.job(job.id)
    assert done.state is JobState.SUCCEEDED
    assert done.result is not None
    assert (done.result["blobs"], done.result["freed_bytes"]) == (3, 60)
    assert done.done == done.total > 0


async def test_a_job_rarely_counts_what_is_left(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a collection of a million would read as many rows at each step."""
    await scene.lost_blobs(*range(1, 801))
    job = await scene.queue.schedule(ROOT)
    counts, count = [], garbage_queue.count

    def watched(tx: Tx, *, now: datetime) -> Counts:
        counts.append(count(tx, now=now))
        return counts[-1]

    monkeypatch.setattr(garbage_queue, "count", watched)
    await scene.worker.run_one()
    # At each of fifty steps it would be 25 times, with many steps it is ten.
    assert sum(each.due.total for each in counts) < 15 * 800
    done = await scene.job(job.id)
    assert done.done == done.total > 0


async def test_the_report_counts_what_is_due_and_what_waits(scene: Scene) -> None:
    def body(tx: Tx) -> None:
        repository = rows.a_lone_repository(tx)
        graph.a_manifest(tx, repository, lease_until=NOW - HOUR)
        graph.a_manifest(tx, repository, lease_until=NOW + HOUR)
        graph.link(tx, repository, graph.a_blob(tx), NOW)
        graph.a_blob(tx, lease_until=NOW + HOUR)

    await scene.database.write(body)
    report = await scene.queue.report()
    assert report.counts.due == Candidates(manifests=1, links=1, blobs=0)
    assert report.counts.leased == Candidates(manifests=1, links=0, blobs=1)
    assert report.oldest == NOW - HOUR


async def test_the_forecast_says_which_bytes_go_when(scene: Scene) -> None:
    later = NOW + 3 * HOUR

    def body(tx: Tx) -> None:
        repository = rows.a_lone_repository(tx)
        shared, kept, own, lost = (graph.a_blob(tx, n) for n in (1, 10, 100, 1000))
        graph.a_blob(tx, 10_000, NOW + HOUR)
        # Two that go, at different times, and share a layer; one that a tag keeps.
        early = graph.a_manifest(tx, repository, blobs=[shared, kept], lease_until=NOW)
        late = graph.a_manifest(tx, repository, blobs=[shared, own])
        graph.a_manifest(tx, repository, children=[late], lease_until=later)
        stays = graph.a_manifest(tx, repository, blobs=[kept], lease_until=NOW)
        put_tag(tx, repository, stays)
        graph.link(tx, repository, lost, NOW)
        assert early

    await scene.database.write(body)
    forecast = (await scene.queue.report()).forecast
    assert forecast.complete
    assert forecast.hours == [(NOW, 1000), (NOW + HOUR, 10_000), (later, 101)]
    freed = []
    for advance in (0, 1, 2):
        scene.clock.advance(advance * HOUR)
        freed.append((await scene.garbage.collect()).freed_bytes)
    assert freed == [1000, 10_000, 101]


async def test_hours_add_up_what_was_done(scene: Scene) -> None:
    await scene.lost_blobs(10)
    await scene.garbage.collect()
    scene.clock.advance(HOUR)
    await scene.lost_blobs(20, 30)
    await scene.garbage.collect()
    assert (await scene.queue.report()).hours == [
        Hour(NOW + HOUR, 0, 0, 2, 50, 0, None),
        Hour(NOW, 0, 0, 1, 10, 0, None),
    ]


@pytest.mark.parametrize("between", [0, 2])
async def test_an_index_about_what_it_lists_goes_with_it(
    scene: Scene, between: int
) -> None:
    """The two keep each other, directly or over other indexes."""

    def body(tx: Tx) -> tuple[Repository, list[graph.Node]]:
        repository = rows.a_lone_repository(tx)
        nodes = [graph.a_manifest(tx, repository, lease_until=NOW)]
        for _ in range(between):
            nodes.append(
                graph.a_manifest(
                    tx, repository, children=nodes[-1:], lease_until=NOW - HOUR
                )
            )
        ring = graph.a_manifest(
            *(tx, repository),
            children=nodes[-1:],
            subject=nodes[0],
            lease_until=NOW + HOUR,
        )
        put_tag(tx, repository, nodes[0])
        return repository, [*nodes, ring]

    repository, nodes = await scene.database.write(body)
    assert (await scene.garbage.collect()).manifests == 0
    cause = Cause("me", NOW, NOW)
    delete = partial(tags.delete_first, limit=1, cause=cause)
    assert await scene.database.write(lambda tx: delete(tx, repository.id)) == 1
    # The lease of one of them keeps all.
    assert (await scene.garbage.collect()).manifests == 0
    scene.clock.advance(HOUR)
    assert (await scene.garbage.collect()).manifests == len(nodes)


@dataclass(frozen=True)
class ManifestPlan:
    """A manifest to be made; numbers point at blobs and at earlier manifests."""

    blobs: frozenset[int]
    children: frozenset[int]
    subject: int | None
    is_tagged: bool
    lease_hours: int


@st.composite
def manifest_plans(draw: st.DrawFn) -> list[ManifestPlan]:
    plans = []
    for count in range(draw(st.integers(1, 6))):
        earlier = st.integers(0, count - 1)
        some = st.frozensets(earlier, max_size=2) if count else st.just(frozenset())
        children = draw(some)
        # Also an index about what it lists itself: the two keep each other.
        subject = draw(st.none() | earlier) if count else None
        plans.append(
            ManifestPlan(
                draw(st.frozensets(st.integers(0, 5), max_size=3)),
                children,
                subject,
                draw(st.integers(0, 3)) == 0,
                draw(st.integers(0, 3)),
            )
        )
    return plans


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(manifest_plans(), min_size=1, max_size=2))
async def test_what_the_forecast_says_is_what_comes_free(
    database: Database, plans: list[list[ManifestPlan]]
) -> None:
    def body(tx: Tx) -> None:
        project = rows.a_project(tx, rows.a_group(tx, f"g{next(_numbers)}"))
        blobs = [graph.a_blob(tx, 10**power) for power in range(6)]
        for plan in plans:
            repository = rows.a_repository(tx, project, f"r{next(_numbers)}")
            make(tx, repository, plan, blobs)

    await database.write(body)
    scene = Scene(database)
    forecast = dict((await scene.queue.report()).forecast.hours)
    for _ in range(5):
        freed = (await scene.garbage.collect()).freed_bytes
        assert freed == forecast.get(scene.clock.now(), 0)
        scene.clock.advance(HOUR)


def make(
    tx: Tx, repository: Repository, plans: list[ManifestPlan], blobs: list[Blob]
) -> None:
    nodes: list[graph.Node] = []
    for plan in plans:
        node = graph.a_manifest(
            tx,
            repository,
            blobs=[blobs[number] for number in sorted(plan.blobs)],
            children=[nodes[number] for number in sorted(plan.children)],
            subject=None if plan.subject is None else nodes[plan.subject],
            lease_until=NOW + plan.lease_hours * HOUR,
        )
        nodes.append(node)
        if plan.is_tagged:
            put_tag(tx, repository, node)


def put_tag(tx: Tx, repository: Repository, node: graph.Node) -> None:
    tags.put(
        tx,
        repository.id,
        f"t{next(_numbers)}",
        node.id,
        digest=node.digest,
        created_at=NOW,
        total_bytes=10,
        pushed_at=NOW,
        cause=Cause("pusher", NOW, NOW),
    )


_WAITING = Query(
    "test.waiting", "SELECT COUNT(*) AS total FROM pg_locks WHERE NOT granted"
)


async def test_what_wakes_waits_for_a_look_that_is_under_way(
    database: Database, engine: str
) -> None:
    """Two processes: one looks at a child while the other removes its index."""
    if engine == "sqlite":
        return  # Writes come one after another there.

    def body(tx: Tx) -> int:
        repository = rows.a_lone_repository(tx)
        child = graph.a_manifest(tx, repository, lease_until=NOW - HOUR)
        graph.a_manifest(tx, repository, children=[child], lease_until=NOW)
        return child.id

    child_id = await database.write(body)
    looked = threading.Event()

    def look_at_the_child(tx: Tx) -> None:
        garbage.sweep_manifests(tx, 1, now=NOW)
        looked.set()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            row = tx.one(_WAITING)
            if row is not None and row["total"]:
                return

    def remove_the_index(tx: Tx) -> None:
        looked.wait(10)
        garbage.sweep_manifests(tx, 10, now=NOW)

    await asyncio.gather(
        database.write(look_at_the_child), database.write(remove_the_index)
    )
    await Garbage(database, MemoryBlobStore(), FrozenClock(NOW)).collect()
    assert (
        await database.read(lambda tx: tx.one(rows.FIND_MANIFEST, id=child_id)) is None
    )
