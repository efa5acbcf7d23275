"""Blobs in memory, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from moorage.domain.digest import Hasher
from moorage.domain.errors import (
    BlobUnknownError,
    UploadBusyError,
    UploadInvalidError,
)
from moorage.domain.uploads import StagedBytes
from moorage.ports.blobs import AppendInterrupted, BlobKey, Living, Recorded
from moorage.ports.upload_sessions import Sessions


class MemoryBlobStore:
    """A blob store that forgets everything with its process."""

    sessions: Sessions | None = None

    def __init__(self) -> None:
        self.uploads: dict[str, bytearray] = {}
        self.objects: dict[BlobKey, bytes] = {}
        self._busy: set[str] = set()

    @asynccontextmanager
    async def writing(self, upload_id: str) -> AsyncIterator[None]:
        """Refuse a second writer at once."""
        if upload_id in self._busy:
            raise UploadBusyError
        self._busy.add(upload_id)
        try:
            yield
        finally:
            self._busy.discard(upload_id)

    async def append(
        self,
        upload_id: str,
        staged: StagedBytes,
        chunks: AsyncIterator[bytes],
        hasher: Hasher | None = None,
    ) -> StagedBytes:
        """Extend a byte array."""
        if staged.length == 0:
            self.uploads.setdefault(upload_id, bytearray())
        content = self._content(upload_id, staged)
        del content[staged.length :]
        try:
            async for chunk in chunks:
                content += chunk
                if hasher is not None:
                    hasher.update(chunk)
        except Exception as error:
            raise AppendInterrupted(StagedBytes(len(content))) from error
        return StagedBytes(len(content))

    def _content(self, upload_id: str, staged: StagedBytes) -> bytearray:
        content = self.uploads.get(upload_id)
        if content is None or len(content) < staged.length:
            raise UploadInvalidError("the upload is shorter than it was")
        return content

    async def staged(self, upload_id: str, staged: StagedBytes) -> AsyncIterator[bytes]:
        """Yield what was appended."""
        yield bytes(self._content(upload_id, staged)[: staged.length])

    async def commit(self, upload_id: str, staged: StagedBytes, key: BlobKey) -> None:
        """Move the bytes to the objects."""
        if key in self.objects:
            return
        content = self._content(upload_id, staged)
        self.objects[key] = bytes(content[: staged.length])
        del self.uploads[upload_id]

    async def discard(self, upload_id: str, staged: StagedBytes) -> None:  # noqa: ARG002 (the port's)
        """Drop what was appended."""
        self.uploads.pop(upload_id, None)

    async def sweep(self, before: datetime, living: Living, recorded: Recorded) -> int:  # noqa: ARG002 (the port's)
        """Nothing outlives the process."""
        return 0

    async def read(self, key: BlobKey, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield a slice."""
        content = self.objects.get(key)
        if content is None or len(content) < start + length:
            raise BlobUnknownError(digest=str(key.digest))
        if length:
            yield content[start : start + length]

    def local_path(self, key: BlobKey) -> Path | None:  # noqa: ARG002 (the port's)
        """There are no files."""
        return None

    async def signed_url(self, key: BlobKey, lifetime: timedelta) -> str | None:  # noqa: ARG002 (the port's)
        """Memory has no addresses."""
        return None

    async def delete(self, keys: Sequence[BlobKey]) -> None:
        """Drop objects."""
        for key in keys:
            self.objects.pop(key, None)

    async def close(self) -> None:
        """There are no connections."""
