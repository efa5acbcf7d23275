"""A blob store in memory that admits every writer, as an object store does."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from in_process.turns import Turns
from moorage.domain.digest import Hasher
from moorage.domain.errors import BlobUnknownError, UploadInvalidError
from moorage.domain.uploads import StagedBytes
from moorage.ports.blobs import BlobKey, Living, Recorded
from moorage.ports.upload_sessions import Sessions


class PartsBlobStore:
    """Keeps each append as a part of its own; the state names them, in order."""

    sessions: Sessions | None = None

    def __init__(self, turns: Turns) -> None:
        self.parts: dict[tuple[str, str], bytes] = {}
        self.objects: dict[BlobKey, bytes] = {}
        self._turns = turns
        self._names = itertools.count(1)

    @asynccontextmanager
    async def writing(self, upload_id: str) -> AsyncIterator[None]:  # noqa: ARG002 (the port's)
        """Admit everybody."""
        yield

    async def append(
        self,
        upload_id: str,
        staged: StagedBytes,
        chunks: AsyncIterator[bytes],
        hasher: Hasher | None = None,
    ) -> StagedBytes:
        """Take a turn, then keep a part."""
        await self._turns.take()
        content = b"".join([chunk async for chunk in chunks])
        if not content:
            return staged
        if hasher is not None:
            hasher.update(content)
        name = str(next(self._names))
        self.parts[upload_id, name] = content
        return StagedBytes(staged.length + len(content), f"{staged.state} {name}")

    async def staged(self, upload_id: str, staged: StagedBytes) -> AsyncIterator[bytes]:
        """Read parts, each in a turn."""
        for name in staged.state.split():
            await self._turns.take()
            yield self._part(upload_id, name)

    def _part(self, upload_id: str, name: str) -> bytes:
        try:
            return self.parts[upload_id, name]
        except KeyError:
            raise UploadInvalidError("the bytes are gone") from None

    async def commit(self, upload_id: str, staged: StagedBytes, key: BlobKey) -> None:
        """Read parts, each in a turn, then keep the object in another."""
        content = b""
        for name in staged.state.split():
            await self._turns.take()
            if (upload_id, name) not in self.parts and key in self.objects:
                return
            content += self._part(upload_id, name)
        await self._turns.take()
        self.objects[key] = content

    async def discard(self, upload_id: str, staged: StagedBytes) -> None:
        """Drop parts, each in a turn."""
        for name in staged.state.split():
            await self._turns.take()
            self.parts.pop((upload_id, name), None)

    async def sweep(self, before: datetime, living: Living, recorded: Recorded) -> int:  # noqa: ARG002 (the port's)
        """Drop the parts of what is over; all of them count as old."""
        await self._turns.take()
        alive = await living(sorted({upload_id for upload_id, _ in self.parts}))
        dead = [name for name in self.parts if name[0] not in alive]
        for name in dead:
            del self.parts[name]
        return len(dead)

    async def read(self, key: BlobKey, start: int, length: int) -> AsyncIterator[bytes]:
        """Take a turn, then read."""
        await self._turns.take()
        if key not in self.objects:
            raise BlobUnknownError(digest=str(key.digest))
        yield self.objects[key][start : start + length]

    def local_path(self, key: BlobKey) -> Path | None:  # noqa: ARG002 (the port's)
        """There are no files."""
        return None

    async def signed_url(self, key: BlobKey, lifetime: timedelta) -> str | None:  # noqa: ARG002 (the port's)
        """There are no addresses."""
        return None

    async def delete(self, keys: Sequence[BlobKey]) -> None:
        """Take a turn per object, then drop it."""
        for key in keys:
            await self._turns.take()
            self.objects.pop(key, None)

    async def close(self) -> None:
        """There are no connections."""
