"""What a plan says comes free is what the folder of blobs loses, to the byte."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from contract import rows
from in_process.registry import CONFIG, descriptor, image, index
from moorage.adapters.files import FileBlobStore
from moorage.adapters.sqlite import SqliteDatabase
from moorage.domain.access import CredentialKind, Principal, Role
from moorage.domain.cleanup import BulkDelete
from moorage.domain.digest import Digest
from moorage.domain.jobs import JobKind
from moorage.domain.manifest import Manifest
from moorage.domain.media_types import OCI_INDEX, OCI_MANIFEST
from moorage.domain.names import RepositoryName, TagName
from moorage.domain.patterns import Pattern
from moorage.domain.uploads import Chunk
from moorage.jobs.worker import Worker
from moorage.ports.signals import LocalSignal
from moorage.services.cleanup import Cleanup
from moorage.services.garbage import Garbage
from moorage.services.jobs import Handler
from moorage.services.plans import Excerpt, Plans
from moorage.services.push import Push
from moorage.services.undo import Undo
from moorage.services.uploads import Uploads
from moorage.store.migrate import migrate
from moorage.testing.blobs import chunked
from moorage.testing.clock import START, FrozenClock

if TYPE_CHECKING:
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Tx

LEASE = timedelta(hours=1)
WINDOW = timedelta(days=7)
LAYERS = [bytes([number]) * (100 + 7**number) for number in range(5)]
ALL = Excerpt(None, 0, 100)


@dataclass(frozen=True)
class Picture:
    """A manifest to be pushed; numbers point at layers and at earlier manifests.

    It is an index when it has children, and about another when it has a subject.
    """

    layers: frozenset[int]
    children: frozenset[int]
    subject: int | None
    tags: int


@st.composite
def galleries(draw: st.DrawFn) -> list[Picture]:
    pictures: list[Picture] = []
    for count in range(draw(st.integers(1, 5))):
        earlier = st.integers(0, count - 1)
        children = draw(st.frozensets(earlier, max_size=2)) if count else frozenset()
        subject = draw(st.none() | earlier) if count and not children else None
        layers = draw(st.frozensets(st.integers(0, len(LAYERS) - 1), max_size=3))
        pictures.append(Picture(layers, children, subject, draw(st.integers(0, 2))))
    return pictures


@dataclass
class World:
    """Two repositories of a registry that stores blobs in a folder."""

    folder: Path
    clock: FrozenClock = field(default_factory=FrozenClock)

    def __post_init__(self) -> None:
        self.database = SqliteDatabase(self.folder / "moorage.db")
        self.store = FileBlobStore(self.folder / "blobs")
        migrate(self.database, START)
        parts = self.database, self.store, self.clock
        self.uploads = Uploads(*parts, lease=LEASE)
        self.push = Push(*parts, lease=LEASE, undo_window=WINDOW)
        self.garbage = Garbage(*parts)
        signal = LocalSignal()
        self.plans = Plans(self.database, self.clock, signal)
        cleanup = Cleanup(self.database, self.clock, signal, undo_window=WINDOW)
        self.undo = Undo(self.database, self.clock, signal, undo_window=WINDOW)
        handlers: dict[str, Handler] = {
            JobKind.DELETE_TAGS: Handler(cleanup.delete),
            JobKind.RESTORE_TAGS: Handler(self.undo.run_restore),
            JobKind.PURGE: Handler(self.undo.run_purge),
        }
        self.worker = Worker(
            self.database, self.clock, handlers, signal, owner="worker"
        )
        self.one, self.other, self.maintainer = self.database.write_now(_populate)

    async def hang(self, repository: Repository, gallery: list[Picture]) -> None:
        """Push manifests; tag them ``t<manifest>-<number>``."""
        bodies: list[tuple[bytes, str]] = []
        for number, picture in enumerate(gallery):
            layers = tuple(LAYERS[at] for at in sorted(picture.layers))
            for content in (CONFIG, *layers):
                await self.upload(repository, content)
            body = self._body(number, picture, layers, bodies)
            media_type = OCI_INDEX if picture.children else OCI_MANIFEST
            bodies.append((body, media_type))
            names = [TagName(f"t{number}-{each}") for each in range(picture.tags)]
            await self.push.put_manifest(
                repository, Manifest.parse(body, media_type), names, self.maintainer
            )

    @staticmethod
    def _body(
        number: int,
        picture: Picture,
        layers: tuple[bytes, ...],
        bodies: list[tuple[bytes, str]],
    ) -> bytes:
        # Equal pictures of the two repositories are to be one manifest.
        fields = {"annotations": {"number": str(number)}}
        if picture.children:
            listed = [bodies[at] for at in sorted(picture.children)]
            whole = json.loads(index(**fields))
            whole["manifests"] = [descriptor(*each) for each in listed]
            return json.dumps(whole).encode()
        if picture.subject is not None:
            subject = descriptor(*bodies[picture.subject])
            return image(layers, subject=subject, **fields)
        return image(layers, **fields)

    async def upload(self, repository: Repository, content: bytes) -> None:
        session = await self.uploads.start(repository.id, "sha256")
        await self.uploads.finish(
            RepositoryName(repository.path),
            session.id,
            Digest.of(content),
            Chunk(None, None),
            chunked(content),
        )

    async def settle(self) -> None:
        """Let every lease and window pass, and collect until nothing is due."""
        self.clock.advance(WINDOW + LEASE)
        await self.garbage.collect()

    def size(self) -> int:
        files = (self.folder / "blobs").rglob("*")
        return sum(path.stat().st_size for path in files if path.is_file())

    async def run_jobs(self) -> None:
        while await self.worker.run_one():
            pass


def _populate(tx: Tx) -> tuple[Repository, Repository, Principal]:
    project = rows.a_project(tx, rows.a_group(tx))
    account = rows.a_member(tx, project, Role.MAINTAINER)
    maintainer = Principal(account.id, account.username, kind=CredentialKind.PASSWORD)
    one, other = (rows.a_repository(tx, project, name) for name in ("one", "other"))
    return one, other, maintainer


def rules(names: list[str]) -> BulkDelete:
    return BulkDelete(Pattern.parse("|".join(names) or "nothing"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(galleries(), galleries(), st.data())
async def test_the_folder_shrinks_by_what_the_plan_says(
    mine: list[Picture], others: list[Picture], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        await world.hang(world.one, mine)
        await world.hang(world.other, others)
        await world.settle()
        seen = await world.plans.preview(world.one, rules([]), {}, ALL)
        names = sorted(item.name for item in seen.items)
        chosen = (
            data.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
        )
        full = world.size()
        plan = await world.plans.create(world.one, rules(chosen), {}, world.maintainer)
        await world.plans.apply(world.one, plan.id or 0, world.maintainer)
        await world.run_jobs()
        await world.garbage.collect()
        assert world.size() == full, "within the window nothing goes"
        await world.settle()
        assert full - world.size() == plan.summary.freed_bytes
        if len(chosen) == 1:
            (item,) = [each for each in seen.items if each.name == chosen[0]]
            assert item.exclusive_bytes == plan.summary.freed_bytes
        await world.database.close()


async def _a_world(folder: Path) -> World:
    world = World(folder)
    shared = Picture(frozenset({0, 1}), frozenset(), None, 1)
    alone = Picture(frozenset({1, 2}), frozenset(), None, 0)
    whole = Picture(frozenset(), frozenset({1}), None, 1)
    about = Picture(frozenset({3}), frozenset(), 1, 0)
    await world.hang(world.one, [shared, alone, whole, about])
    await world.hang(world.other, [Picture(frozenset({0}), frozenset(), None, 1)])
    await world.settle()
    return world


async def _delete_all(world: World) -> int:
    plan = await world.plans.create(world.one, rules(["t.*"]), {}, world.maintainer)
    await world.plans.apply(world.one, plan.id or 0, world.maintainer)
    await world.run_jobs()
    return plan.summary.freed_bytes


async def test_a_purge_ends_the_window_for_what_is_deleted(tmp_path: Path) -> None:
    world = await _a_world(tmp_path)
    full, freed = world.size(), await _delete_all(world)
    await world.garbage.collect()
    assert world.size() == full
    await world.undo.purge(world.one, world.maintainer)
    await world.run_jobs()
    await world.garbage.collect()
    assert freed > 0
    assert full - world.size() == freed
    await world.database.close()


async def test_a_purge_spares_what_tags_reach_and_what_was_just_pushed(
    tmp_path: Path,
) -> None:
    world = await _a_world(tmp_path)
    await world.hang(world.one, [Picture(frozenset({4}), frozenset(), None, 0)])
    full = world.size()
    await world.undo.purge(world.one, world.maintainer)
    await world.run_jobs()
    await world.garbage.collect()
    assert world.size() == full
    await world.database.close()


async def test_what_is_restored_is_whole_after_collection(tmp_path: Path) -> None:
    world = await _a_world(tmp_path)
    full = world.size()
    await _delete_all(world)
    world.clock.advance(WINDOW / 2)
    await world.garbage.collect()
    await world.undo.restore(world.one, world.maintainer)
    await world.run_jobs()
    await world.settle()
    assert world.size() == full
    seen = await world.plans.preview(world.one, rules([]), {}, ALL)
    assert sorted(item.name for item in seen.items) == ["t0-0", "t2-0"]
    await world.database.close()
