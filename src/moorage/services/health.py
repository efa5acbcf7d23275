"""Whether the parts answer that every request stands on."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress

from moorage.domain.digest import Digest
from moorage.domain.errors import BlobUnknownError, UnavailableError
from moorage.ports.blobs import BlobKey, BlobStore
from moorage.ports.database import PATIENCE, Database
from moorage.store import migrate

ANSWER_SECONDS = 3
"""How long each part may take; who asks waits for a few seconds at most."""

KEPT_SECONDS = 5
"""For so long it is believed that the blob store answers, without asking again."""

NOWHERE = BlobKey(Digest.of(b""), "readiness")
"""An object that never is: to learn that costs a store next to nothing."""


class Health:
    """Asks the database and the blob store; knows when the server is about to stop."""

    def __init__(self, database: Database, store: BlobStore) -> None:
        self._database = database
        self._store = store
        self._asking = asyncio.Lock()
        self._store_answered_at = -math.inf
        self.is_stopping = False

    def announce_stop(self) -> None:
        """Have no new requests sent here."""
        self.is_stopping = True

    async def check(self) -> None:
        """Return if requests can be served, within a few seconds.

        Raises:
            UnavailableError: The database or the blob store does not answer, or the
                server is about to stop.
        """
        if self.is_stopping:
            raise UnavailableError("the server is about to stop")
        PATIENCE.set(ANSWER_SECONDS)
        await self._database.quick(migrate.current_version)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._ask_store()
        except TimeoutError as error:
            raise UnavailableError("the blob store does not answer") from error

    async def _ask_store(self) -> None:
        """Read what is not there, unless it was asked for a moment ago."""
        now = asyncio.get_running_loop().time
        async with self._asking:
            if now() < self._store_answered_at + KEPT_SECONDS:
                return
            with suppress(BlobUnknownError):
                async for _ in self._store.read(NOWHERE, 0, 1):
                    pass
            self._store_answered_at = now()
