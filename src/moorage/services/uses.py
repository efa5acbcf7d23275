"""Use: counts pulls in memory, writes them in batches.

A pull costs two entries in a dictionary. What a process has counted and not written
when it is killed is lost: a few seconds of counts, and nothing else.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from moorage.domain.names import Reference, TagName
from moorage.ports.clock import Clock
from moorage.ports.database import Database
from moorage.store import uses
from moorage.store.manifests import StoredManifest
from moorage.store.uses import ManifestUse, TagUse

BATCH = 500
"""Rows per transaction: few enough that a push behind it waits milliseconds."""

LIMIT = 100_000
"""Keys that wait to be written at most, should the database be away for long."""

Key = TypeVar("Key")


@dataclass(slots=True)
class _Count:
    pulls: int
    last_at: datetime


class Uses:
    """What was pulled since the last writing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._of_manifests: dict[int, _Count] = {}
        self._of_tags: dict[tuple[int, str], _Count] = {}
        self._writing = asyncio.Lock()

    def record(self, manifest: StoredManifest, reference: Reference) -> None:
        """Count a pull of a manifest, and of the tag that it was asked for by."""
        if len(self._of_manifests) + len(self._of_tags) >= LIMIT:
            return
        now = self._clock.now()
        _add(self._of_manifests, manifest.id, 1, now)
        if isinstance(reference, TagName):
            _add(self._of_tags, (manifest.repository_id, reference), 1, now)

    async def flush(self) -> int:
        """Write what was counted; return how many rows that concerned.

        Raises:
            UnavailableError: The database does not answer; nothing is forgotten.
        """
        async with self._writing:
            written = 0
            while self._of_manifests or self._of_tags:
                written += await self._write_some()
            return written

    async def _write_some(self) -> int:
        of_manifests = [
            ManifestUse(manifest_id, count.pulls, count.last_at)
            for manifest_id, count in _take(self._of_manifests)
        ]
        of_tags = [
            TagUse(repository_id, tag, count.pulls, count.last_at)
            for (repository_id, tag), count in _take(self._of_tags)
        ]
        try:
            await self._database.write(lambda tx: uses.add(tx, of_manifests, of_tags))
        except BaseException:
            for use in of_manifests:
                _add(self._of_manifests, use.manifest_id, use.pulls, use.last_at)
            for each in of_tags:
                key = each.repository_id, each.tag
                _add(self._of_tags, key, each.pulls, each.last_at)
            raise
        return len(of_manifests) + len(of_tags)


def _add(counts: dict[Key, _Count], key: Key, pulls: int, at: datetime) -> None:
    known = counts.get(key)
    if known is None:
        counts[key] = _Count(pulls, at)
        return
    known.pulls += pulls
    known.last_at = max(known.last_at, at)


def _take(counts: dict[Key, _Count]) -> list[tuple[Key, _Count]]:
    """Take the oldest entries out."""
    keys = list(itertools.islice(counts, BATCH))
    return [(key, counts.pop(key)) for key in keys]
