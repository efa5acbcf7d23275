"""Upload sessions as rows, for stores that keep none themselves.

Not every such store keeps a second writer off an upload. What counts is what the row
says, and every change of it states what the writer saw: of two writers one is told that
he was overtaken, and the bytes that he stored are nobody's.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from moorage.domain.digest import Digest
from moorage.domain.uploads import StagedBytes, UploadSession
from moorage.ports.blobs import BlobStore
from moorage.ports.database import Database, Tx
from moorage.store import uploads

_ID = re.compile(r"[0-9a-f]{32}")


class RowSessions:
    """Sessions in the metadata database, their bytes in a blob store."""

    def __init__(self, database: Database, store: BlobStore) -> None:
        self._database = database
        self._store = store

    async def begin(
        self, repository_id: int, algorithm: str, *, now: datetime
    ) -> UploadSession:
        """Insert a row."""
        session = UploadSession(secrets.token_hex(16), repository_id, algorithm)
        await self._database.write(
            lambda tx: uploads.create(
                tx, session.id, repository_id, algorithm, now=now
            ),
            durable=False,
        )
        return session

    async def find(self, upload_id: str) -> UploadSession | None:
        """Read a row."""
        if not _ID.fullmatch(upload_id):
            return None
        return await self._database.quick(lambda tx: uploads.find(tx, upload_id))

    @asynccontextmanager
    async def writing(self, upload_id: str) -> AsyncIterator[UploadSession | None]:
        """Hold what the store lets hold, then read."""
        async with self._store.writing(upload_id):
            yield await self.find(upload_id)

    async def advance(
        self,
        session: UploadSession,
        staged: StagedBytes,
        hashed: Digest | None,
        *,
        now: datetime,
    ) -> bool:
        """Move the row on from where the writer began, and from nowhere else."""
        return await self._database.write(
            lambda tx: uploads.advance(tx, session, staged, hashed, now=now),
            durable=False,
        )

    async def close(
        self,
        session: UploadSession,
        staged: StagedBytes,
        digest: Digest,
        *,
        now: datetime,
    ) -> bool:
        """Record the digest, durably: by it alone the object can be found."""
        return await self._database.write(
            lambda tx: uploads.close(tx, session, staged, digest, now=now)
        )

    def finish(self, tx: Tx, upload_id: str) -> bool:
        """Delete the row, unless it was ended."""
        return uploads.finish(tx, upload_id)

    def fulfil(self, tx: Tx, upload_id: str, digest: Digest, *, now: datetime) -> bool:
        """Mark the row with the digest."""
        return uploads.fulfil(tx, upload_id, digest, now=now)

    async def fulfilled_by(self, upload_id: str) -> Digest | None:
        """Read the mark."""
        if not _ID.fullmatch(upload_id):
            return None
        return await self._database.quick(
            lambda tx: uploads.find_fulfilment(tx, upload_id)
        )

    async def forget_fulfilled(self, before: datetime) -> None:
        """Delete rows."""
        await self._database.write(lambda tx: uploads.forget_fulfilled(tx, before))

    async def end(self, upload_id: str, *, now: datetime) -> UploadSession | None:
        """Mark the row."""
        return await self._database.write(
            lambda tx: uploads.end(tx, upload_id, now=now)
        )

    async def forget(self, upload_id: str) -> None:
        """Delete the row."""
        await self._database.write(lambda tx: uploads.delete(tx, upload_id))

    async def list_stale(self, before: datetime, limit: int) -> list[UploadSession]:
        """List rows, oldest first."""
        return await self._database.read(
            lambda tx: uploads.list_stale(tx, before, limit)
        )

    async def is_stale(self, upload_id: str, before: datetime) -> bool:
        """Look at a row's time."""
        return await self._database.quick(
            lambda tx: uploads.is_stale(tx, upload_id, before)
        )

    async def living(self, upload_ids: Sequence[str]) -> set[str]:
        """Look for rows."""
        return await self._database.read(lambda tx: uploads.list_living(tx, upload_ids))
