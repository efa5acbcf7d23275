"""Moves an installation to another database and blob store.

Bytes go first, one blob after another, while the source serves; each that arrived is
recorded at the target, so that a later run goes on there. Rows go last and all at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from moorage.domain.digest import new_hasher
from moorage.domain.errors import (
    BlobUnknownError,
    RegistryError,
    UnavailableError,
)
from moorage.domain.uploads import StagedBytes
from moorage.ports.blobs import AppendInterrupted, BlobKey, BlobStore

AT_ONCE = 4
"""Blobs on their way at a time."""

Wanted = Sequence[tuple[BlobKey, int]]


class BlobDamagedError(RegistryError):
    """Stored bytes have another digest than their name says."""

    message = "a stored blob is damaged"


class Rows(Protocol):
    """The metadata of both sides."""

    def brought(self) -> set[BlobKey]:
        """Return the blobs whose bytes the target is known to have."""

    def wanted(self) -> Wanted:
        """Return the blobs that the source has, with their sizes."""

    def note(self, key: BlobKey, size_bytes: int) -> None:
        """Record that the target has the bytes of a blob."""

    def copy(self, brought: set[BlobKey]) -> Wanted:
        """Replace the target's rows, or return which blobs have to come before."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a run did: ``there`` counts blobs that an earlier one had brought."""

    blobs: int
    size_bytes: int
    there: int


Watch = Callable[[int, int], None]


class Relocation:
    """From one blob store to another; none where the blobs stay where they are."""

    def __init__(
        self, rows: Rows, stores: tuple[BlobStore, BlobStore] | None, watch: Watch
    ) -> None:
        self._rows = rows
        self._stores = stores
        self._watch = watch

    async def run(self) -> Moved:
        """Bring what is missing, then all rows.

        Raises:
            BlobDamagedError: A blob is not what its name says, or not there at all.
        """
        brought = await asyncio.to_thread(self._rows.brought)
        there, size_bytes, count = len(brought), 0, 0
        missing = [
            each
            for each in await asyncio.to_thread(self._rows.wanted)
            if each[0] not in brought
        ]
        while True:
            await self._bring(missing)
            brought |= {key for key, _ in missing}
            count += len(missing)
            size_bytes += sum(size for _, size in missing)
            missing = list(await asyncio.to_thread(self._rows.copy, brought))
            if not missing:
                return Moved(count, size_bytes, there)

    async def _bring(self, wanted: Wanted) -> None:
        left = iter(wanted)
        done, total = 0, sum(size for _, size in wanted)
        self._watch(done, total)

        async def work() -> None:
            nonlocal done
            for key, size in left:
                await self._bring_one(key, size)
                await asyncio.to_thread(self._rows.note, key, size)
                done += size
                self._watch(done, total)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(work())
        except* RegistryError as failures:
            raise failures.exceptions[0] from None

    async def _bring_one(self, key: BlobKey, size: int) -> None:
        if self._stores is None:
            return
        source, target = self._stores
        hasher = new_hasher(key.digest.algorithm)
        async with target.writing(key.generation):
            # An attempt before this one may have been cut off.
            await target.discard(key.generation, StagedBytes())
            try:
                staged = await target.append(
                    key.generation, StagedBytes(), source.read(key, 0, size), hasher
                )
            except AppendInterrupted as interruption:
                await target.discard(key.generation, interruption.staged)
                await self._explain(key, interruption.__cause__)
                return
            good = hasher.hexdigest() == key.digest.hex
            if good:
                await target.commit(key.generation, staged, key)
            await target.discard(key.generation, staged)
        if not good:
            raise BlobDamagedError(f"the blob {key.digest} is damaged at the source")

    async def _explain(self, key: BlobKey, cause: BaseException | None) -> None:
        """Raise, unless the source has collected the blob in the meantime."""
        if not isinstance(cause, BlobUnknownError):
            raise cause or UnavailableError
        if key in dict(await asyncio.to_thread(self._rows.wanted)):
            raise BlobDamagedError(f"the blob {key.digest} is not at the source")
