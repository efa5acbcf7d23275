"""Online collection: removes what nothing reaches, while everything goes on.

Manifests first, then the links of their blobs, then the blobs, then the objects. Every
step is a short transaction, or a storage call outside of any; each may be cut off and
is then done again by the next run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from moorage.domain.errors import RegistryError
from moorage.ports.blobs import BlobStore
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import garbage
from moorage.store.garbage import Looked, Tombstone

BATCH = 200
"""Rows per transaction: few enough that a push behind it waits milliseconds."""

TAKEOVER = timedelta(minutes=10)
"""After which somebody else's unfinished removal of objects is done again."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a step or a run did. ``looked_at`` counts what was found in use, too."""

    looked_at: int = 0
    manifests: int = 0
    links: int = 0
    blobs: int = 0
    freed_bytes: int = 0

    def __add__(self, other: Collected) -> Collected:
        return Collected(
            self.looked_at + other.looked_at,
            self.manifests + other.manifests,
            self.links + other.links,
            self.blobs + other.blobs,
            self.freed_bytes + other.freed_bytes,
        )


class Garbage:
    """Collects in small steps. Any number of processes may do so at once."""

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        clock: Clock,
        *,
        batch: int = BATCH,
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._batch = batch

    async def is_paused(self) -> bool:
        """Whether an administrator stopped collection."""
        return await self._database.quick(garbage.is_paused)

    async def pause(self, actor: str) -> None:
        """Stop collection, in every process, until it is resumed."""
        now = self._clock.now()
        await self._database.write(lambda tx: garbage.pause(tx, actor=actor, now=now))

    async def resume(self) -> None:
        """Let collection go on."""
        await self._database.write(garbage.resume)

    async def collect(self) -> Collected:
        """Collect until nothing is due."""
        total = Collected()
        while (step := await self.step()).looked_at:
            total += step
        return total

    async def step(self) -> Collected:
        """Do one batch of each kind; ``looked_at`` is 0 when nothing was due."""
        manifests = await self._sweep_manifests()
        links = await self._sweep_links()
        looked, tombstones = await self._entomb_blobs()
        tombstones += await self._left_over()
        freed = await self._bury(tombstones)
        return Collected(
            looked_at=manifests.at + links.at + looked.at + len(tombstones),
            manifests=manifests.removed,
            links=links.removed,
            blobs=len(tombstones),
            freed_bytes=freed,
        )

    async def _sweep_manifests(self) -> Looked:
        now = self._clock.now()

        def body(tx: Tx) -> Looked:
            looked = garbage.sweep_manifests(tx, self._batch, now=now)
            if looked.removed:
                garbage.count(tx, manifests=looked.removed, now=now)
            return looked

        return await self._database.write(body)

    async def _sweep_links(self) -> Looked:
        now = self._clock.now()

        def body(tx: Tx) -> Looked:
            looked = garbage.sweep_links(tx, self._batch, now=now)
            if looked.removed:
                garbage.count(tx, links=looked.removed, now=now)
            return looked

        return await self._database.write(body)

    async def _entomb_blobs(self) -> tuple[Looked, list[Tombstone]]:
        now = self._clock.now()
        return await self._database.write(
            lambda tx: garbage.entomb_blobs(tx, self._batch, now=now)
        )

    async def _left_over(self) -> list[Tombstone]:
        now = self._clock.now()
        return await self._database.write(
            lambda tx: garbage.claim_tombstones(
                tx, self._batch, before=now - TAKEOVER, now=now
            )
        )

    async def _bury(self, tombstones: Sequence[Tombstone]) -> int:
        """Delete the objects, then the rows that knew of them."""
        if not tombstones:
            return 0
        try:
            await self._store.delete([tombstone.key for tombstone in tombstones])
        except RegistryError as error:
            await self._note(error)
            raise
        freed, now = sum(each.size_bytes for each in tombstones), self._clock.now()

        def body(tx: Tx) -> None:
            garbage.drop_blobs(tx, [tombstone.id for tombstone in tombstones])
            garbage.count(tx, blobs=len(tombstones), freed_bytes=freed, now=now)

        await self._database.write(body)
        return freed

    async def _note(self, error: RegistryError) -> None:
        now, text = self._clock.now(), str(error)
        await self._database.write(lambda tx: garbage.count(tx, error=text, now=now))
