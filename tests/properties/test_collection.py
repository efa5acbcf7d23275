"""Pushes, retags, deletes and collection, interleaved step by step in seeded orders."""

import os
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from contract import rows
from in_process.registry import CONFIG, image, index
from in_process.turns import TurnBlobStore, TurnDatabase, Turns
from moorage.adapters.memory import MemoryBlobStore
from moorage.domain.access import CredentialKind, Principal
from moorage.domain.digest import Digest
from moorage.domain.errors import (
    BlobUnknownError,
    ManifestUnknownError,
)
from moorage.domain.manifest import Manifest
from moorage.domain.media_types import OCI_INDEX, OCI_MANIFEST
from moorage.domain.names import RepositoryName, TagName
from moorage.domain.repositories import Repository
from moorage.domain.uploads import Chunk
from moorage.ports.database import Row, Tx
from moorage.ports.query import Query
from moorage.services.deletion import Deletion
from moorage.services.garbage import Garbage
from moorage.services.pull import Pull
from moorage.services.push import Push
from moorage.services.uploads import Uploads
from moorage.store.migrate import migrate
from moorage.testing.blobs import chunked
from moorage.testing.clock import START, FrozenClock

SEEDS = int(os.environ.get("MOORAGE_TEST_SEEDS", "60"))
"""Orders played; more of them: ``MOORAGE_TEST_SEEDS=5000 pytest …``."""

LEASE = timedelta(seconds=1000)
LAYERS = (b"one", b"two", b"three", b"four")
TAGS = ("a", "b", "c")
ALL_TAGS = (*TAGS, "mine")
NOBODY = Principal(None, "somebody", kind=CredentialKind.PASSWORD)

# What must never be, whatever the order of steps.
BROKEN = {
    "a tag that points to what is hidden": """
        SELECT t.name FROM tag t JOIN manifest m ON m.id = t.manifest_id
         WHERE m.deleted_at_us IS NOT NULL""",
    "a manifest whose blob its repository does not serve": """
        SELECT m.digest FROM manifest m
          JOIN manifest_blob mb ON mb.manifest_id = m.id
          LEFT JOIN link l ON l.repository_id = m.repository_id
                          AND l.blob_id = mb.blob_id
         WHERE l.id IS NULL""",
    "a link to what is being removed": """
        SELECT l.id FROM link l JOIN blob b ON b.id = l.blob_id
         WHERE b.deleted_at_us IS NOT NULL""",
    "an index without its child": """
        SELECT c.digest FROM manifest_child c
          LEFT JOIN manifest m ON m.repository_id = c.repository_id
                              AND m.digest = c.digest
         WHERE m.id IS NULL""",
}


class World:
    """Two repositories, some clients, and a collector."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.turns = Turns(seed)
        self.random = self.turns.random
        self.clock = FrozenClock()
        self.database = TurnDatabase(folder / "moorage.db", self.turns)
        self.memory = MemoryBlobStore()
        self.store = TurnBlobStore(self.turns, self.memory)
        migrate(self.database, START)
        self.repositories = self.database.write_now(self._two_repositories)
        parts = self.database, self.store, self.clock
        self.uploads = Uploads(*parts, lease=LEASE)
        self.push = Push(*parts, lease=LEASE)
        self.pull = Pull(*parts, lease=LEASE)
        self.deletion = Deletion(self.database, self.clock)
        self.garbage = Garbage(*parts, batch=2)
        self.pushing = 0

    @staticmethod
    def _two_repositories(tx: Tx) -> list[Repository]:
        project = rows.a_project(tx, rows.a_group(tx))
        return [rows.a_repository(tx, project, name) for name in ("one", "two")]

    async def client(self) -> None:
        """Do a few things, none of which may fail."""
        actions = (
            self.push_image,
            self.push_image,
            self.push_index,
            self.delete_tag,
            self.delete_manifest,
            self.pull_tag,
        )
        for _ in range(3):
            await self.random.choice(actions)()

    async def collector(self) -> None:
        """Collect again and again, letting time pass while nobody pushes."""
        for _ in range(6):
            if self.pushing == 0:
                self.clock.advance(LEASE * 1.1)
            await self.garbage.step()

    async def push_image(self) -> None:
        """Push an image the way clients do: look, mount or upload, then tag."""
        self.pushing += 1
        repository, other = self.random.sample(self.repositories, 2)
        body = await self._push_image(repository, other)
        tag = TagName(self.random.choice(TAGS))
        await self._put(repository, body, OCI_MANIFEST, [tag])
        self.pushing -= 1

    async def push_index(self) -> None:
        """Push two images without tags, then an index of them."""
        self.pushing += 1
        repository, other = self.random.sample(self.repositories, 2)
        children = [await self._push_image(repository, other) for _ in range(2)]
        for child in children:
            await self._put(repository, child, OCI_MANIFEST, [])
        tag = TagName(self.random.choice(TAGS))
        await self._put(repository, index(*children), OCI_INDEX, [tag])
        self.pushing -= 1

    async def _push_image(self, repository: Repository, other: Repository) -> bytes:
        layers = tuple(self.random.sample(LAYERS, 2))
        for content in (CONFIG, *layers):
            await self._bring(repository, other, content)
        return image(layers)

    async def _bring(
        self, repository: Repository, other: Repository, content: bytes
    ) -> None:
        digest, name = Digest.of(content), RepositoryName(repository.path)
        try:
            await self.pull.check_blob(name, digest)
        except BlobUnknownError:
            source = RepositoryName(other.path)
            if await self.uploads.mount(source, repository.id, digest):
                return
            session = await self.uploads.start(repository.id, "sha256")
            await self.uploads.finish(
                name, session.id, digest, Chunk(None, None), chunked(content)
            )

    async def _put(
        self, repository: Repository, body: bytes, kind: str, tags: list[TagName]
    ) -> None:
        manifest = Manifest.parse(body, kind)
        await self.push.put_manifest(repository, manifest, tags, NOBODY)

    async def delete_tag(self) -> None:
        """Delete a tag, if it is there."""
        name = RepositoryName(self.random.choice(self.repositories).path)
        try:
            await self.deletion.delete_tag(
                name, TagName(self.random.choice(TAGS)), NOBODY
            )
        except ManifestUnknownError:
            return

    async def delete_manifest(self) -> None:
        """Push an image that nobody else pushes, and delete it by its digest."""
        self.pushing += 1
        repository, other = self.random.sample(self.repositories, 2)
        layers = (self.random.choice(LAYERS), self.random.randbytes(8))
        for content in (CONFIG, *layers):
            await self._bring(repository, other, content)
        body = image(layers)
        await self._put(repository, body, OCI_MANIFEST, [TagName("mine")])
        self.pushing -= 1
        name = RepositoryName(repository.path)
        await self.deletion.delete_manifest(name, Digest.of(body), NOBODY)

    async def pull_tag(self) -> None:
        """Pull a tag; while it is there, all of it is."""
        self.pushing += 1
        name = RepositoryName(self.random.choice(self.repositories).path)
        try:
            found = await self.pull.check_manifest(
                name, TagName(self.random.choice(TAGS))
            )
        except ManifestUnknownError:
            self.pushing -= 1
            return
        manifest = Manifest.parse(found.content, found.media_type)
        for digest in manifest.needed_blobs:
            blob = await self.pull.blob(name, digest)
            pieces = self.pull.read(blob, 0, blob.size_bytes)
            content = b"".join([piece async for piece in pieces])
            assert Digest.of(content) == digest
        self.pushing -= 1

    def check(self) -> None:
        """Look for what must never be."""
        self.database.write_now(self._check)

    def _check(self, tx: Tx) -> None:
        for what, text in BROKEN.items():
            assert not tx.all(Query(what, text)), what
        for row in tx.all(
            Query(
                "living",
                "SELECT digest, generation FROM blob WHERE deleted_at_us IS NULL",
            )
        ):
            digest = Digest.parse(row["digest"])
            kept = [key for key in self.memory.objects if key.digest == digest]
            assert row["generation"] in {key.generation for key in kept}


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_no_order_of_steps_loses_an_image_or_leaves_garbage(
    seed: int, tmp_path: Path
) -> None:
    world = World(tmp_path, seed)
    players = [world.client() for _ in range(4)] + [world.collector() for _ in range(2)]
    await world.turns.play(players, world.check)
    await finish(world)
    await world.database.close()


def _one(tx: Tx, query: Query) -> Row | None:
    return tx.one(query)


async def finish(world: World) -> None:
    """Delete every tag, collect, and expect nothing to be left."""

    async def clear() -> None:
        for repository in world.repositories:
            for tag in ALL_TAGS:
                try:
                    await world.deletion.delete_tag(
                        RepositoryName(repository.path), TagName(tag), NOBODY
                    )
                except ManifestUnknownError:
                    continue
        for _ in range(4):
            world.clock.advance(LEASE * 1.1)
            await world.garbage.collect()
        await world.uploads.expire(LEASE)

    await world.turns.play([clear()], world.check)
    assert world.memory.objects == {}
    for table in ("manifest", "link", "blob", "upload"):
        text = f"SELECT count(*) AS n FROM {table}"  # noqa: S608 (names from above)
        count = Query("count", text)
        row = world.database.write_now(partial(_one, query=count))
        assert row is not None
        assert row["n"] == 0, table
