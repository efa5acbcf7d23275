"""Online collection: removes what nothing reaches, while everything goes on.

Manifests first, then the links of their blobs, then the blobs, then the objects. Every
step is a short transaction, or a storage call outside of any; each may be cut off and
is then done again by the next run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from moorage.domain.errors import RegistryError
from moorage.domain.jobs import JobKind
from moorage.ports.blobs import BlobStore
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import garbage, holds, jobs
from moorage.store.garbage import Looked, Pause, Tombstone

BATCH = 500
"""Rows per transaction: few enough that a push behind it waits milliseconds."""

BATCHES = 8
"""How many of them make a step. The objects that they come to are deleted together at
its end: a folder is written to disk once for all that were in it."""

TAKEOVER = timedelta(minutes=10)
"""After which somebody else's unfinished removal of objects is done again."""

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)
"""Between two attempts to delete an object, doubling from the one to the other."""

GIVE_UP_AFTER = 3
"""Objects in a row that cannot be deleted: then the store is away, and the others of
the batch wait, too."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a step or a run did.

    ``looked_at`` counts what was found in use, too; ``failed`` objects are tried again
    later.
    """

    looked_at: int = 0
    manifests: int = 0
    links: int = 0
    blobs: int = 0
    freed_bytes: int = 0
    failed: int = 0

    def __add__(self, other: Collected) -> Collected:
        return Collected(
            self.looked_at + other.looked_at,
            self.manifests + other.manifests,
            self.links + other.links,
            self.blobs + other.blobs,
            self.freed_bytes + other.freed_bytes,
            self.failed + other.failed,
        )


_NOTHING = Looked(at=0, removed=0)

Watch = Callable[[Collected], Awaitable[None]]
Rest = Callable[[], Awaitable[None]]


async def _ignore(_collected: Collected) -> None:
    """Watch nothing."""


async def _hurry() -> None:
    """Rest not at all."""


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

    async def find_pause(self) -> Pause | None:
        """Return who stopped collection, if somebody did."""
        return await self._database.quick(garbage.find_pause)

    async def is_paused(self) -> bool:
        """Whether an administrator stopped collection."""
        return await self.find_pause() is not None

    async def is_left_to_a_job(self) -> bool:
        """Whether somebody had all of it done at once: others would be in the way."""
        key = JobKind.COLLECT_GARBAGE
        return await self._database.quick(lambda tx: jobs.is_unfinished(tx, key))

    async def pause(self, actor: str) -> None:
        """Stop collection, in every process, until it is resumed."""
        now = self._clock.now()
        await self._database.write(lambda tx: garbage.pause(tx, actor=actor, now=now))

    async def resume(self) -> None:
        """Let collection go on."""
        await self._database.write(garbage.resume)

    async def collect(self, watch: Watch = _ignore) -> Collected:
        """Collect until nothing is due, or paused; tell ``watch`` of each step."""
        total = Collected()
        while not await self.is_paused():
            step = await self.step()
            if not step.looked_at:
                break
            total += step
            await watch(total)
        return total

    async def step(self, rest: Rest = _hurry) -> Collected:
        """Do some batches of each kind, then delete the objects they came to.

        ``looked_at`` is 0 when nothing was due. ``rest`` is awaited between batches.
        """
        done, tombstones = Collected(), list[Tombstone]()
        for _ in range(BATCHES):
            looked = await self._look(tombstones)
            if not looked.looked_at:
                break
            done += looked
            await rest()
        return done + await self._bury(tombstones, rest)

    async def _look(self, tombstones: list[Tombstone]) -> Collected:
        """Do one batch of each kind that something of is due."""
        now = self._clock.now()
        due = await self._database.quick(lambda tx: garbage.find_due(tx, now=now))
        ended = await self._end_holds() if due.holds else 0
        manifests = await self._sweep_manifests() if due.manifests else _NOTHING
        links = await self._sweep_links() if due.links else _NOTHING
        blobs, found = await self._entomb_blobs() if due.blobs else (_NOTHING, [])
        if due.tombstones:
            found += await self._left_over()
        tombstones += found
        return Collected(
            looked_at=ended + manifests.at + links.at + blobs.at + len(found),
            manifests=manifests.removed,
            links=links.removed,
        )

    async def _end_holds(self) -> int:
        now = self._clock.now()
        return await self._database.write(
            lambda tx: holds.end_expired(tx, self._batch, now=now), durable=False
        )

    async def _sweep_manifests(self) -> Looked:
        now = self._clock.now()

        def body(tx: Tx) -> Looked:
            looked = garbage.sweep_manifests(tx, self._batch, now=now)
            if looked.removed:
                garbage.count(tx, manifests=looked.removed, now=now)
            return looked

        return await self._database.write(body, durable=False)

    async def _sweep_links(self) -> Looked:
        now = self._clock.now()

        def body(tx: Tx) -> Looked:
            looked = garbage.sweep_links(tx, self._batch, now=now)
            if looked.removed:
                garbage.count(tx, links=looked.removed, now=now)
            return looked

        return await self._database.write(body, durable=False)

    async def _entomb_blobs(self) -> tuple[Looked, list[Tombstone]]:
        now = self._clock.now()
        return await self._database.write(
            lambda tx: garbage.entomb_blobs(
                tx, self._batch, retry_at=now + TAKEOVER, now=now
            ),
            durable=False,
        )

    async def _left_over(self) -> list[Tombstone]:
        now = self._clock.now()
        return await self._database.write(
            lambda tx: garbage.claim_tombstones(
                tx, self._batch, retry_at=now + TAKEOVER, now=now
            ),
            durable=False,
        )

    async def _bury(self, tombstones: Sequence[Tombstone], rest: Rest) -> Collected:
        """Delete the objects, then the rows that knew of them."""
        if not tombstones:
            return Collected()
        await self._make_durable()
        try:
            await self._store.delete([tombstone.key for tombstone in tombstones])
        except RegistryError as error:
            return await self._bury_one_by_one(tombstones, str(error))
        settled = Collected()
        for start in range(0, len(tombstones), self._batch):
            await rest()
            some = tombstones[start : start + self._batch]
            settled += await self._settle(some, [], None)
        return settled

    async def _make_durable(self) -> None:
        """Wait until what was written so far is on disk: no row finds these objects."""
        now = self._clock.now()
        # To write nothing would be to wait for nothing.
        await self._database.write(lambda tx: garbage.count(tx, now=now))

    async def _bury_one_by_one(
        self, tombstones: Sequence[Tombstone], error: str
    ) -> Collected:
        """Find out which objects of a batch cannot be deleted, and do the others."""
        gone: list[Tombstone] = []
        left: list[Tombstone] = []
        in_a_row = 0
        for tombstone in tombstones:
            if in_a_row < GIVE_UP_AFTER:
                try:
                    await self._store.delete([tombstone.key])
                except RegistryError as refused:
                    error, in_a_row = f"{tombstone.key.digest}: {refused}", in_a_row + 1
                else:
                    gone.append(tombstone)
                    in_a_row = 0
                    continue
            left.append(tombstone)
        return await self._settle(gone, left, error)

    async def _settle(
        self, gone: Sequence[Tombstone], left: Sequence[Tombstone], error: str | None
    ) -> Collected:
        freed, now = sum(each.size_bytes for each in gone), self._clock.now()

        def body(tx: Tx) -> None:
            garbage.drop_blobs(tx, [tombstone.id for tombstone in gone])
            for tombstone in left:
                retry_at = now + _delay(tombstone.failures)
                garbage.postpone(tx, tombstone, retry_at=retry_at)
            garbage.count(
                tx,
                blobs=len(gone),
                freed_bytes=freed,
                errors=len(left),
                last_error=error,
                now=now,
            )

        await self._database.write(body, durable=False)
        return Collected(blobs=len(gone), freed_bytes=freed, failed=len(left))


def _delay(failures: int) -> timedelta:
    """Say how long to wait after one more failure, doubling each time."""
    doublings = min(failures, 16)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)
