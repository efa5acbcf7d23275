"""The process dies before every single step, one run for each; then all goes on."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from contract import rows
from in_process.registry import CONFIG, image, index
from in_process.turns import Fuse, PowerCutError, TurnBlobStore, TurnDatabase
from moorage.adapters.files import FileBlobStore
from moorage.adapters.memory import MemoryBlobStore
from moorage.domain.access import CredentialKind, Principal
from moorage.domain.cleanup import BulkDelete
from moorage.domain.digest import Digest
from moorage.domain.manifest import Manifest
from moorage.domain.media_types import OCI_INDEX, OCI_MANIFEST
from moorage.domain.names import RepositoryName, TagName
from moorage.domain.patterns import Pattern
from moorage.domain.repositories import Repository
from moorage.domain.uploads import Chunk, StagedBytes
from moorage.jobs.worker import Worker
from moorage.ports.blobs import BlobKey, BlobStore
from moorage.ports.database import Tx
from moorage.ports.query import Query
from moorage.ports.signals import LocalSignal
from moorage.services.cleanup import Cleanup
from moorage.services.garbage import Garbage
from moorage.services.jobs import LEASE as JOB_LEASE
from moorage.services.jobs import Handler
from moorage.services.pull import Pull
from moorage.services.push import Push
from moorage.services.uploads import Uploads
from moorage.store.migrate import migrate
from moorage.testing.blobs import chunked
from moorage.testing.clock import START, FrozenClock

MORE_THAN_ANY = 10_000
LEASE = timedelta(hours=1)
LAYERS = (b"one", b"two" * 1000)


class Process:
    """A server on what earlier ones left: it lives for so many steps."""

    def __init__(
        self, folder: Path, store: BlobStore, clock: FrozenClock, steps: int
    ) -> None:
        self.gate = Fuse(steps)
        self.clock = clock
        self.database = TurnDatabase(folder / "moorage.db", self.gate)
        parts = self.database, TurnBlobStore(self.gate, store), clock
        self.uploads = Uploads(*parts, lease=LEASE)
        self.push = Push(*parts, lease=LEASE)
        self.pull = Pull(*parts, lease=LEASE)
        self.garbage = Garbage(*parts)
        self.cleanup = Cleanup(self.database, clock, LocalSignal())
        handlers = {"delete_tags": Handler(self.cleanup.delete)}
        self.worker = Worker(
            self.database, clock, handlers, LocalSignal(), f"worker of {steps}"
        )


Open = Callable[[Path], tuple[BlobStore, Callable[[], list[int]]]]
"""Makes a blob store, and what lists the sizes of all that lies in it."""


def in_memory(_folder: Path) -> tuple[BlobStore, Callable[[], list[int]]]:
    store = MemoryBlobStore()
    return store, lambda: [
        len(content) for content in (*store.uploads.values(), *store.objects.values())
    ]


def in_folder(folder: Path) -> tuple[BlobStore, Callable[[], list[int]]]:
    """Where sessions are files: one of no bytes counts as one byte."""

    def list_sizes() -> list[int]:
        found = [
            path.stat() for path in (folder / "blobs").rglob("*") if path.is_file()
        ]
        sizes = {each.st_ino: each.st_size or 1 for each in found}
        return list(sizes.values())

    return FileBlobStore(folder / "blobs"), list_sizes


class Place:
    """A repository, and the processes that serve it one after another."""

    def __init__(self, folder: Path, opened: Open) -> None:
        self.folder = folder
        self.store, self.list_sizes = opened(folder)
        # The system dates files by its own clock.
        self.clock = FrozenClock(datetime.now(UTC))
        first = self.process()
        migrate(first.database, START)
        self.repository: Repository = first.database.write_now(rows.a_lone_repository)
        self.name = RepositoryName(self.repository.path)
        admin = first.database.write_now(
            lambda tx: rows.an_account(tx, "admin", admin=True)
        )
        self.caller = Principal(
            admin.id, admin.username, admin=True, kind=CredentialKind.PASSWORD
        )

    def process(self, steps: int = MORE_THAN_ANY) -> Process:
        return Process(self.folder, self.store, self.clock, steps)

    async def push_all(self, process: Process) -> None:
        """Push an image and an index of it, as a client does."""
        for content in (CONFIG, *LAYERS):
            await self.push_blob(process.uploads, content)
        await self.put(process, image(LAYERS), OCI_MANIFEST, ["image", "other"])
        await self.put(process, index(image(LAYERS)), OCI_INDEX, ["index"])

    async def push_blob(self, uploads: Uploads, content: bytes) -> None:
        session = await uploads.start(self.repository.id, "sha256")
        half = len(content) // 2
        await uploads.append(
            self.name, session.id, Chunk(None, None), chunked(content[:half])
        )
        await uploads.finish(
            self.name,
            session.id,
            Digest.of(content),
            Chunk(None, None),
            chunked(content[half:]),
        )

    async def put(
        self, process: Process, body: bytes, media_type: str, names: list[str]
    ) -> None:
        manifest = Manifest.parse(body, media_type)
        tags = [TagName(name) for name in names]
        await process.push.put_manifest(self.repository, manifest, tags, self.caller)

    async def verify(self, process: Process) -> list[str]:
        """Pull every tag whole; return the tags."""
        names = await process.pull.tags(self.name, "", 100)
        for name in names:
            found = await process.pull.manifest(self.name, TagName(name))
            manifest = Manifest.parse(found.content, found.media_type)
            for digest in manifest.needed_blobs:
                blob = await process.pull.blob(self.name, digest)
                pieces = process.pull.read(blob, 0, blob.size_bytes)
                content = b"".join([piece async for piece in pieces])
                assert Digest.of(content) == digest
        return names

    async def collect_everything(self, process: Process) -> None:
        """End the sessions that were begun, and collect what nothing reaches."""
        for _ in range(4):
            self.clock.advance(LEASE * 2)
            await process.uploads.expire(LEASE)
            await process.garbage.collect()

    def bytes_kept(self) -> int:
        return sum(self.list_sizes())

    def count(self, process: Process, table: str) -> int:
        query = Query("count", f"SELECT count(*) AS n FROM {table}")  # noqa: S608
        row = process.database.write_now(lambda tx: tx.one(query))
        assert row is not None
        number: int = row["n"]
        return number


Work = Callable[[Place, Process], Awaitable[None]]
After = Callable[[Place], Awaitable[None]]


async def die_before_every_step(
    folder: Path, prepare: Work, work: Work, after: After, opened: Open = in_memory
) -> int:
    """Run the work with one step more each time, until it comes to its end."""
    for steps in range(MORE_THAN_ANY):
        place_folder = folder / str(steps)
        place_folder.mkdir()
        place = Place(place_folder, opened)
        await prepare(place, place.process())
        dying, died = place.process(steps), False
        try:
            await work(place, dying)
        except PowerCutError:
            died = True
        await after(place)
        await dying.database.close()
        await place.store.close()
        if not died:
            return steps
    raise AssertionError


async def nothing(_place: Place, _process: Process) -> None:
    """Begin with an empty repository."""


async def pushed(place: Place, process: Process) -> None:
    """Begin with what a push left."""
    await place.push_all(process)


@pytest.mark.parametrize("opened", [in_memory, in_folder])
async def test_a_push_that_breaks_off_is_pushed_again_and_leaves_nothing(
    tmp_path: Path, opened: Open
) -> None:
    async def after(place: Place) -> None:
        process = place.process()
        await place.verify(process)
        await place.push_all(process)
        assert await place.verify(process) == ["image", "index", "other"]
        await place.collect_everything(process)
        assert await place.verify(process) == ["image", "index", "other"]
        assert place.bytes_kept() == sum(map(len, (CONFIG, *LAYERS)))
        assert place.count(process, "upload") == 0

    steps = await die_before_every_step(
        tmp_path, nothing, lambda place, process: place.push_all(process), after, opened
    )
    assert steps > 20


class OvertakenBlobStore(TurnBlobStore):
    """While an object is made, somebody else pushes the same bytes."""

    overtake: Callable[[], Awaitable[None]]

    async def commit(self, upload_id: str, staged: StagedBytes, key: BlobKey) -> None:
        """Make the object, and be late."""
        await super().commit(upload_id, staged, key)
        await self.overtake()


@pytest.mark.parametrize("opened", [in_memory, in_folder])
async def test_of_two_uploads_of_the_same_bytes_the_later_leaves_nothing(
    tmp_path: Path, opened: Open
) -> None:
    async def work(place: Place, process: Process) -> None:
        first = place.process()
        store = OvertakenBlobStore(process.gate, place.store)
        store.overtake = partial(place.push_blob, first.uploads, LAYERS[0])
        later = Uploads(process.database, store, place.clock, lease=LEASE)
        await place.push_blob(later, LAYERS[0])
        assert place.bytes_kept() == 2 * len(LAYERS[0])
        await first.database.close()

    async def after(place: Place) -> None:
        await place.collect_everything(place.process())
        assert place.bytes_kept() == 0

    assert await die_before_every_step(tmp_path, nothing, work, after, opened) > 8


async def delete_all_but_other(place: Place, process: Process) -> None:
    rules = BulkDelete(Pattern.parse("image|index"))
    await process.cleanup.schedule(place.repository, rules, place.caller)
    while await process.worker.run_one():
        pass


async def test_a_run_that_breaks_off_is_ended_by_the_next_worker(
    tmp_path: Path,
) -> None:
    async def after(place: Place) -> None:
        process = place.process()
        left = await place.verify(process)
        assert "other" in left
        place.clock.advance(JOB_LEASE * 2)
        while await process.worker.run_one():
            pass
        queued = place.count(process, "job")
        assert await place.verify(process) == (["other"] if queued else left)

    steps = await die_before_every_step(tmp_path, pushed, delete_all_but_other, after)
    assert steps >= 4


DROP = Query("drop", "DELETE FROM tag WHERE name = :name")


def _drop_tag(tx: Tx, name: str) -> int:
    """Remove a tag as nothing does: without a word to collection."""
    return tx.run(DROP, name=name)


async def test_a_collection_that_breaks_off_is_ended_by_the_next(
    tmp_path: Path,
) -> None:
    async def prepare(place: Place, process: Process) -> None:
        await pushed(place, process)
        await place.put(process, image((b"one",)), OCI_MANIFEST, ["stays"])
        for name in ("image", "other", "index"):
            process.database.write_now(partial(_drop_tag, name=name))
        place.clock.advance(LEASE * 2)

    async def work(_place: Place, process: Process) -> None:
        await process.garbage.collect()

    async def after(place: Place) -> None:
        process = place.process()
        assert await place.verify(process) == ["stays"]
        await place.collect_everything(process)
        assert await place.verify(process) == ["stays"]
        assert place.bytes_kept() == len(CONFIG) + len(b"one")
        assert place.count(process, "manifest") == 1

    steps = await die_before_every_step(tmp_path, prepare, work, after)
    assert steps > 8


pytestmark = pytest.mark.timeout(120)
