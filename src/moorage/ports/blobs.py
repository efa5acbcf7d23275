"""The blob store: finished blobs, and the bytes of unfinished uploads.

An object's key is its digest plus the generation of the upload that brought it. No two
uploads share a generation, so a key is used once: a late delete can never hit bytes
that were uploaded again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeAlias

from moorage.domain.digest import Digest, Hasher
from moorage.domain.uploads import StagedBytes
from moorage.ports.upload_sessions import Sessions

Living: TypeAlias = Callable[[Sequence[str]], Awaitable[Collection[str]]]
"""Tells which of some upload ids belong to sessions that are not over."""


@dataclass(frozen=True, slots=True)
class BlobKey:
    """Where one finished blob lies."""

    digest: Digest
    generation: str


Recorded: TypeAlias = Callable[[BlobKey], Awaitable[bool]]
"""Tells whether a row names an object."""


class BlobStore(Protocol):
    """Bytes, durable and addressed by keys that are used once.

    Upload ids are unique for all time and safe as file names. The database is the only
    truth about what exists and what an upload consists of: no request lists anything
    here. ``StagedBytes`` go out of one call and, by way of the database, into the next,
    perhaps in another process on another machine.

    ``sessions`` are the upload sessions, where the store keeps them itself: what a
    commit left is then found by them. Else each is a row, durable before a commit.
    """

    sessions: Sessions | None

    def writing(self, upload_id: str) -> AbstractAsyncContextManager[None]:
        """Keep other writers from doing an upload harm.

        Whoever appends or commits holds this, and reads the session after getting it:
        what another writer did meanwhile is seen then. It ends with the process that
        holds it. A store either admits one writer, of all processes that share it, or
        lets each of several store bytes of its own: then the caller decides whose
        count, by accepting only one change of the session.

        Raises:
            UploadBusyError: Another writer does not finish in a few seconds.
        """

    async def append(
        self,
        upload_id: str,
        staged: StagedBytes,
        chunks: AsyncIterator[bytes],
        hasher: Hasher | None = None,
    ) -> StagedBytes:
        """Store bytes of an upload after those staged; return what there is then.

        Whatever lay beyond ``staged.length`` is forgotten first. Every byte stored is
        given to ``hasher``, in order. When ``chunks`` raises, the bytes before are
        kept and the exception comes out as ``AppendInterrupted``.

        Raises:
            UploadInvalidError: Fewer than ``staged.length`` bytes are there.
        """

    def staged(self, upload_id: str, staged: StagedBytes) -> AsyncIterator[bytes]:
        """Yield the bytes of an unfinished upload.

        Raises:
            UploadInvalidError: Fewer bytes are there.
        """

    async def commit(self, upload_id: str, staged: StagedBytes, key: BlobKey) -> None:
        """Make the staged bytes of an upload the object ``key``, durably.

        When this returns the bytes survive power loss. Repeating a commit that
        finished is harmless.

        Raises:
            UploadInvalidError: Fewer than ``staged.length`` bytes are there.
        """

    async def discard(self, upload_id: str, staged: StagedBytes) -> None:
        """Forget an upload that is over; not an error if nothing is left of it."""

    async def sweep(self, before: datetime, living: Living, recorded: Recorded) -> int:
        """Remove what uploads that broke off left before a time; return how much.

        Also an object that a commit made and no row names, where that can be told.
        Lists what it must: work for the background, never for a request.
        """

    def read(self, key: BlobKey, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield ``length`` bytes from ``start`` on, in pieces of 1 MiB at most.

        Raises:
            BlobUnknownError: There is no such object, or it is shorter.
        """

    def local_path(self, key: BlobKey) -> Path | None:
        """Return the file that holds the object, where the store has files."""

    async def signed_url(self, key: BlobKey, lifetime: timedelta) -> str | None:
        """Return an address to read the object from, where the store has them."""

    async def delete(self, keys: Sequence[BlobKey]) -> None:
        """Remove objects, durably; those already gone are no error."""

    async def close(self) -> None:
        """Let go of connections."""


class AppendInterrupted(Exception):  # noqa: N818 (not an error of the store's)
    """The source of the bytes failed; what came before is stored.

    ``staged`` is what the upload has now; ``__cause__`` what the source raised.
    """

    def __init__(self, staged: StagedBytes) -> None:
        super().__init__(staged)
        self.staged = staged
