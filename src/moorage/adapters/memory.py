"""Blobs in memory, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from moorage.domain.digest import Hasher
from moorage.domain.errors import (
    BlobUnknownError,
    UploadBusyError,
    UploadInvalidError,
)
from moorage.ports.blobs import AppendInterrupted, BlobKey


class MemoryBlobStore:
    """A blob store that forgets everything with its process."""

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
        offset: int,
        chunks: AsyncIterator[bytes],
        hasher: Hasher | None = None,
    ) -> int:
        """Extend a byte array."""
        if offset == 0:
            self.uploads.setdefault(upload_id, bytearray())
        staged = self._staged(upload_id, offset)
        del staged[offset:]
        try:
            async for chunk in chunks:
                staged += chunk
                if hasher is not None:
                    hasher.update(chunk)
        except Exception as error:
            raise AppendInterrupted(len(staged)) from error
        return len(staged)

    def _staged(self, upload_id: str, length: int) -> bytearray:
        staged = self.uploads.get(upload_id)
        if staged is None or len(staged) < length:
            raise UploadInvalidError("the upload is shorter than it was")
        return staged

    async def staged(self, upload_id: str, length: int) -> AsyncIterator[bytes]:
        """Yield what was appended."""
        yield bytes(self._staged(upload_id, length)[:length])

    async def commit(self, upload_id: str, length: int, key: BlobKey) -> None:
        """Move the bytes to the objects."""
        if key in self.objects:
            return
        self.objects[key] = bytes(self._staged(upload_id, length)[:length])
        del self.uploads[upload_id]

    async def discard(self, upload_id: str) -> None:
        """Drop what was appended."""
        self.uploads.pop(upload_id, None)

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

    async def delete(self, keys: Sequence[BlobKey]) -> None:
        """Drop objects."""
        for key in keys:
            self.objects.pop(key, None)
