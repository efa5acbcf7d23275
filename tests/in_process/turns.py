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

from moorage.adapters.sqlite import SqliteDatabase
from moorage.domain.digest import Digest, Hasher
from moorage.domain.uploads import StagedBytes, UploadSession
from moorage.ports.blobs import BlobKey, BlobStore, Living, Recorded
from moorage.ports.database import Result, Tx
from moorage.ports.upload_sessions import Sessions


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

    def __init__(self, turns: Gate, inner: BlobStore) -> None:
        self.inner = inner
        self._turns = turns
        self.sessions: Sessions | None = None
        if inner.sessions is not None:
            self.sessions = TurnSessions(turns, inner.sessions)

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


class TurnSessions:
    """Sessions each change of which is a turn."""

    def __init__(self, turns: Gate, inner: Sessions) -> None:
        self._turns = turns
        self._inner = inner
        self.find = inner.find
        self.writing = inner.writing
        self.finish = inner.finish
        self.fulfil = inner.fulfil
        self.fulfilled_by = inner.fulfilled_by
        self.forget_fulfilled = inner.forget_fulfilled
        self.list_stale = inner.list_stale
        self.is_stale = inner.is_stale
        self.living = inner.living

    async def begin(
        self, repository_id: int, algorithm: str, *, now: datetime
    ) -> UploadSession:
        """Take a turn, then make a session."""
        await self._turns.take()
        return await self._inner.begin(repository_id, algorithm, now=now)

    async def advance(
        self,
        session: UploadSession,
        staged: StagedBytes,
        hashed: Digest | None,
        *,
        now: datetime,
    ) -> bool:
        """Take a turn, then note progress."""
        await self._turns.take()
        return await self._inner.advance(session, staged, hashed, now=now)

    async def close(
        self,
        session: UploadSession,
        staged: StagedBytes,
        digest: Digest,
        *,
        now: datetime,
    ) -> bool:
        """Take a turn, then close."""
        await self._turns.take()
        return await self._inner.close(session, staged, digest, now=now)

    async def end(self, upload_id: str, *, now: datetime) -> UploadSession | None:
        """Take a turn, then end."""
        await self._turns.take()
        return await self._inner.end(upload_id, now=now)

    async def forget(self, upload_id: str) -> None:
        """Take a turn, then forget."""
        await self._turns.take()
        await self._inner.forget(upload_id)
