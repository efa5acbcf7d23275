"""Sorting names of tags into what a search finds them by, behind those who write."""

from __future__ import annotations

from datetime import timedelta

from moorage.ports.clock import Clock
from moorage.ports.database import Database
from moorage.store import tag_search

BATCH = 100
"""Names per transaction: of commit hashes that makes four thousand rows."""

PATIENCE = timedelta(seconds=30)
"""How long a name waits: what is removed and restored meanwhile costs next to nothing,
and a search looks at so many names besides."""


class TagSearch:
    """Keeps the search up to date. Any number of processes may, one does at a time."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def sort_in(self) -> bool:
        """Sort some names in; return whether there may be more."""
        now = self._clock.now()
        before = now - PATIENCE
        # Looking costs no lock; most looks find nothing.
        oldest = await self._database.quick(tag_search.oldest)
        if oldest is None or oldest > before:
            return False
        done = await self._database.write(
            lambda tx: tag_search.sort_in(tx, BATCH, before=before, now=now),
            durable=False,
        )
        return done > 0
