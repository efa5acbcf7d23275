"""The blob store: finished blobs, and the bytes of unfinished uploads.

An object's key is its digest plus the generation of the upload that brought it. No two
uploads share a generation, so a key is used once: a late delete can never hit bytes
that were uploaded again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from moorage.domain.digest import Digest, Hasher


@dataclass(frozen=True, slots=True)
class BlobKey:
    """Where one finished blob lies."""

    digest: Digest
    generation: str


class BlobStore(Protocol):
    """Bytes, durable and addressed by keys that are used once.

    Upload ids are unique for all time and safe as file names. The database is the only
    truth about what exists and how long an upload is; nothing here is ever listed.
    """

    def writing(self, upload_id: str) -> AbstractAsyncContextManager[None]:
        """Keep other writers off an upload, in every process that shares the store.

        Whoever appends or commits holds this, and reads the upload's offset after
        getting it: what another writer did meanwhile is seen then. It ends with the
        process that holds it.

        Raises:
            UploadBusyError: Another writer does not finish in a few seconds.
        """

    async def append(
        self,
        upload_id: str,
        offset: int,
        chunks: AsyncIterator[bytes],
        hasher: Hasher | None = None,
    ) -> int:
        """Store bytes of an upload from ``offset`` on; return the new length.

        Whatever lay at or beyond ``offset`` is forgotten first. Every byte stored is
        given to ``hasher``, in order. When ``chunks`` raises, the bytes before are
        kept and the exception comes out as ``AppendInterrupted``.

        Raises:
            UploadInvalidError: Fewer than ``offset`` bytes are there.
        """

    def staged(self, upload_id: str, length: int) -> AsyncIterator[bytes]:
        """Yield the first ``length`` bytes of an unfinished upload.

        Raises:
            UploadInvalidError: Fewer bytes are there.
        """

    async def commit(self, upload_id: str, length: int, key: BlobKey) -> None:
        """Make the first ``length`` bytes of an upload the object ``key``, durably.

        When this returns the bytes survive power loss. Repeating a commit that
        finished is harmless.

        Raises:
            UploadInvalidError: Fewer than ``length`` bytes are there.
        """

    async def discard(self, upload_id: str) -> None:
        """Forget an unfinished upload; not an error if there is none."""

    def read(self, key: BlobKey, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield ``length`` bytes from ``start`` on, in pieces of about 1 MiB.

        Raises:
            BlobUnknownError: There is no such object, or it is shorter.
        """

    def local_path(self, key: BlobKey) -> Path | None:
        """Return the file that holds the object, where the store has files."""

    async def delete(self, keys: Sequence[BlobKey]) -> None:
        """Remove objects, durably; those already gone are no error."""


class AppendInterrupted(Exception):  # noqa: N818 (not an error of the store's)
    """The source of the bytes failed; what came before is stored.

    ``offset`` is the upload's length now; ``__cause__`` what the source raised.
    """

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset
