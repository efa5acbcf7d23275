"""Writers of one upload on several replicas, where no lock keeps them apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from contract import rows
from in_process.parts import PartsBlobStore
from in_process.turns import TurnDatabase, Turns
from moorage.domain.digest import Digest
from moorage.domain.errors import (
    RangeInvalidError,
    UploadInvalidError,
    UploadUnknownError,
)
from moorage.domain.names import RepositoryName
from moorage.domain.repositories import Repository
from moorage.domain.uploads import Chunk
from moorage.ports.blobs import BlobKey
from moorage.ports.database import Tx
from moorage.ports.query import Query
from moorage.services.garbage import Garbage
from moorage.services.uploads import Uploads
from moorage.store.migrate import migrate
from moorage.testing.clock import START, FrozenClock

SEEDS = 60
EXPIRY = timedelta(days=1)
LEASE = timedelta(hours=2)
TOLD = (RangeInvalidError, UploadInvalidError, UploadUnknownError)
"""What a writer who was overtaken may be told. That his bytes have another digest than
he says is not among it: nobody's bytes are mixed with another's."""


async def body(content: bytes) -> AsyncIterator[bytes]:
    yield content


class World:
    """One upload, two replicas, and several writers who know of one another's bytes."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.turns = Turns(seed)
        self.random = self.turns.random
        self.clock = FrozenClock()
        self.database = TurnDatabase(folder / "moorage.db", self.turns)
        self.store = PartsBlobStore(self.turns)
        migrate(self.database, START)
        self.repository = self.database.write_now(self._repository)
        self.name = RepositoryName(self.repository.path)
        self.replicas = [
            Uploads(self.database, self.store, self.clock, lease=LEASE)
            for _ in range(2)
        ]
        self.upload_id = ""
        self.content = {0: b""}
        self.finished: set[Digest] = set()

    @staticmethod
    def _repository(tx: Tx) -> Repository:
        return rows.a_repository(tx, rows.a_project(tx, rows.a_group(tx)), "one")

    async def start(self) -> None:
        session = await self.replicas[0].start(self.repository.id, "sha256")
        self.upload_id = session.id

    async def writer(self, mark: int) -> None:
        for number in range(4):
            replica = self.random.choice(self.replicas)
            more = bytes([mark]) * (1 + 7 * mark + 50 * number)
            try:
                if self.random.random() < 0.6:
                    await self._append(replica, more)
                else:
                    await self._finish(replica, self.random.choice([b"", more]))
            except TOLD:
                continue

    async def _append(self, replica: Uploads, more: bytes) -> None:
        offset = (await replica.get(self.name, self.upload_id)).offset
        session = await replica.append(
            self.name, self.upload_id, Chunk(offset, len(more)), body(more)
        )
        known = self.content.setdefault(session.offset, self.content[offset] + more)
        assert known == self.content[offset] + more

    async def _finish(self, replica: Uploads, more: bytes) -> None:
        offset = (await replica.get(self.name, self.upload_id)).offset
        if offset not in self.content:
            return  # its writer has not heard of his success yet
        digest = Digest.of(self.content[offset] + more)
        await replica.finish(
            self.name, self.upload_id, digest, Chunk(offset, len(more)), body(more)
        )
        self.finished.add(digest)

    async def canceller(self) -> None:
        if self.random.random() < 0.5:
            try:
                await self.replicas[1].cancel(self.name, self.upload_id)
            except TOLD:
                return

    async def expirer(self) -> None:
        if self.random.random() < 0.5:
            self.clock.advance(EXPIRY * 2)
        await self.replicas[0].expire(EXPIRY)

    def recorded(self) -> set[BlobKey]:
        query = Query(
            "blobs", "SELECT digest, generation FROM blob WHERE deleted_at_us IS NULL"
        )
        found = self.database.write_now(lambda tx: tx.all(query))
        return {
            BlobKey(Digest.parse(row["digest"]), row["generation"]) for row in found
        }

    def check(self) -> None:
        """Every blob that is recorded has its bytes."""
        for key in self.recorded():
            assert Digest.of(self.store.objects[key]) == key.digest

    async def clean_up(self) -> None:
        await Garbage(self.database, self.store, self.clock).collect()
        self.clock.advance(EXPIRY * 3)
        await self.replicas[1].expire(EXPIRY)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_no_order_of_steps_mixes_loses_or_leaves_bytes(
    seed: int, tmp_path: Path
) -> None:
    world = World(tmp_path, seed)
    await world.turns.play([world.start()], world.check)
    players = [
        *(world.writer(mark) for mark in (1, 2, 3)),
        world.canceller(),
        world.expirer(),
    ]
    await world.turns.play(players, world.check)
    for shorter, longer in pairwise(sorted(world.content.values(), key=len)):
        assert longer.startswith(shorter)  # what was acknowledged stayed
    assert world.finished <= {key.digest for key in world.recorded()}
    await world.turns.play([world.clean_up()], world.check)
    assert world.store.parts == {}
    assert set(world.store.objects) == world.recorded()
    await world.database.close()
