"""Upload sessions: which uploads go on, and how far each has got."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from moorage.domain.digest import Digest
from moorage.domain.uploads import StagedBytes, UploadSession
from moorage.ports.database import Tx


class Sessions(Protocol):
    """What every process that takes uploads knows of them.

    A session survives the death of any process. A loss of power may take it: until the
    closing request is answered its client was promised nothing.
    """

    async def begin(
        self, repository_id: int, algorithm: str, *, now: datetime
    ) -> UploadSession:
        """Make a session, under an id that no other upload ever has."""

    async def find(self, upload_id: str) -> UploadSession | None:
        """Return a session that goes on; any text may be asked for."""

    def writing(
        self, upload_id: str
    ) -> AbstractAsyncContextManager[UploadSession | None]:
        """Hold a session for who appends to it or ends it; tell where it is by then.

        Either one writer is admitted, of all processes, or each of several stores bytes
        of its own, and ``advance`` decides whose count. It ends with the process that
        holds it. ``None`` where no session goes on.

        Raises:
            UploadBusyError: Another writer does not finish in a few seconds.
        """

    async def advance(
        self,
        session: UploadSession,
        staged: StagedBytes,
        hashed: Digest | None,
        *,
        now: datetime,
    ) -> bool:
        """Note progress; return whether the session was where the writer began.

        ``hashed`` is the digest of all that is staged. It is kept where those bytes are
        safe from a power cut. Else they may come back as others: only to hash them
        again tells.
        """

    async def close(
        self,
        session: UploadSession,
        staged: StagedBytes,
        digest: Digest,
        *,
        now: datetime,
    ) -> bool:
        """Note what a session is about to become; return as ``advance`` does.

        From here on an object that a commit made, and no row names, can be found by the
        session, or else by the store's ``sweep``.
        """

    def finish(self, tx: Tx, upload_id: str) -> bool:
        """End a session that became a blob, in the transaction that names the blob.

        Returns:
            Whether it was still going on.
        """

    def fulfil(self, tx: Tx, upload_id: str, digest: Digest, *, now: datetime) -> bool:
        """End a session whose bytes are a blob already; return as ``finish`` does."""

    async def fulfilled_by(self, upload_id: str) -> Digest | None:
        """Return by which blob a session was ended, if that is remembered.

        It is where its closing request may come again, to another machine.
        """

    async def forget_fulfilled(self, before: datetime) -> None:
        """Drop what is remembered of sessions that were ended so before a time."""

    async def end(self, upload_id: str, *, now: datetime) -> UploadSession | None:
        """Stop a session for every writer, for good; return what it had come to.

        ``closing`` tells of what object there may be. Ending it again is harmless.
        """

    async def forget(self, upload_id: str) -> None:
        """Drop a session that has ended, and whose bytes are gone."""

    async def list_stale(self, before: datetime, limit: int) -> list[UploadSession]:
        """Return sessions without progress since a time."""

    async def is_stale(self, upload_id: str, before: datetime) -> bool:
        """Say whether a session is there and still without progress."""

    async def living(self, upload_ids: Sequence[str]) -> set[str]:
        """Return those ids that belong to a session."""
