"""A scheduler that decides, by a seed, whose next step happens.

Everything that reaches the database or the blob store takes a turn first. Between two
turns nothing else runs, so a seed is an order of steps, and a failure can be repeated.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from moorage.adapters.memory import MemoryBlobStore
from moorage.adapters.sqlite import SqliteDatabase
from moorage.domain.digest import Hasher
from moorage.domain.uploads import StagedBytes
from moorage.ports.blobs import BlobKey, Living, Recorded
from moorage.ports.database import Result, Tx


class Turns:
    """Hands out turns in an order that the seed decides."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 (orders, not secrets)
        self._waiting: list[asyncio.Future[None]] = []
        self.taken = 0

    async def take(self) -> None:
        """Wait for a turn."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    async def play(
        self,
        players: Sequence[Coroutine[Any, Any, None]],
        after_each: Callable[[], None],
    ) -> None:
        """Run the players to their ends, one step of one of them at a time."""
        tasks = [asyncio.ensure_future(player) for player in players]
        while not all(task.done() for task in tasks):
            await self._settle(tasks)
            if not self._waiting:
                continue
            chosen = self.random.randrange(len(self._waiting))
            self._waiting.pop(chosen).set_result(None)
            self.taken += 1
            await self._settle(tasks)
            after_each()
        for task in tasks:
            task.result()

    async def _settle(self, tasks: Sequence[asyncio.Future[None]]) -> None:
        """Let everybody run on to the next turn that they want, or to the end."""
        # Not an event: what is waited for is that nobody runs any more.
        while len(self._waiting) < sum(not task.done() for task in tasks):  # noqa: ASYNC110
            await asyncio.sleep(0)


class Gate(Protocol):
    """What every step has to pass."""

    async def take(self) -> None:
        """Return when the step may happen."""


class PowerCutError(BaseException):
    """The process is no more: nothing may catch it."""


class Fuse:
    """Lets so many steps happen, and then none."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    async def take(self) -> None:
        """Count down."""
        if self._left == 0:
            raise PowerCutError
        self._left -= 1


class TurnDatabase:
    """A database each of whose transactions is a turn."""

    def __init__(self, path: Path, turns: Gate) -> None:
        self.inner = SqliteDatabase(path)
        self._turns = turns

    async def quick(self, body: Callable[[Tx], Result]) -> Result:
        """Take a turn, then read."""
        await self._turns.take()
        return await self.inner.quick(body)

    async def read(self, body: Callable[[Tx], Result]) -> Result:
        """Take a turn, then read."""
        await self._turns.take()
        return await self.inner.quick(body)

    async def write(
        self, body: Callable[[Tx], Result], *, durable: bool = True
    ) -> Result:
        """Take a turn, then write."""
        del durable
        await self._turns.take()
        return self.inner.write_now(body)

    def write_now(self, body: Callable[[Tx], Result]) -> Result:
        """Write at once."""
        return self.inner.write_now(body)

    async def close(self) -> None:
        """Close the database."""
        await self.inner.close()


class TurnBlobStore:
    """A blob store each of whose calls is a turn."""

    knows_commits = False
    keeps_appended = True

    def __init__(self, turns: Gate, inner: MemoryBlobStore | None = None) -> None:
        self.inner = inner or MemoryBlobStore()
        self._turns = turns

    def writing(self, upload_id: str) -> AbstractAsyncContextManager[None]:
        """Hold an upload."""
        return self.inner.writing(upload_id)

    async def append(
        self,
        upload_id: str,
        staged: StagedBytes,
        chunks: AsyncIterator[bytes],
        hasher: Hasher | None = None,
    ) -> StagedBytes:
        """Take a turn, then append."""
        await self._turns.take()
        return await self.inner.append(upload_id, staged, chunks, hasher)

    def staged(self, upload_id: str, staged: StagedBytes) -> AsyncIterator[bytes]:
        """Read an unfinished upload."""
        return self.inner.staged(upload_id, staged)

    async def commit(self, upload_id: str, staged: StagedBytes, key: BlobKey) -> None:
        """Take a turn, then commit."""
        await self._turns.take()
        await self.inner.commit(upload_id, staged, key)

    async def committed(self, upload_id: str) -> BlobKey | None:
        """Look for an object."""
        return await self.inner.committed(upload_id)

    async def discard(self, upload_id: str, staged: StagedBytes) -> None:
        """Take a turn, then discard."""
        await self._turns.take()
        await self.inner.discard(upload_id, staged)

    async def sweep(self, before: datetime, living: Living, recorded: Recorded) -> int:
        """Take a turn, then sweep."""
        await self._turns.take()
        return await self.inner.sweep(before, living, recorded)

    async def read(self, key: BlobKey, start: int, length: int) -> AsyncIterator[bytes]:
        """Take a turn, then read."""
        await self._turns.take()
        async for piece in self.inner.read(key, start, length):
            yield piece

    def local_path(self, key: BlobKey) -> Path | None:
        """There are no files."""
        return self.inner.local_path(key)

    async def signed_url(self, key: BlobKey, lifetime: timedelta) -> str | None:
        """There are no addresses."""
        return await self.inner.signed_url(key, lifetime)

    async def close(self) -> None:
        """There are no connections."""
        await self.inner.close()

    async def delete(self, keys: Sequence[BlobKey]) -> None:
        """Take a turn per object, then delete it."""
        for key in keys:
            await self._turns.take()
            await self.inner.delete([key])
