"""Use: counts pulls in memory, writes them in batches.

A pull costs two entries in a dictionary. What a process has counted and not written
when it is killed is lost: a few seconds of counts, and nothing else.
"""

from __future__ import annotations

import asyncio
import itertools
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
Use = TypeVar("Use")


class Uses:
    """What was pulled since the last writing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._of_manifests: dict[int, ManifestUse] = {}
        self._of_tags: dict[tuple[int, str], TagUse] = {}
        self._writing = asyncio.Lock()

    def record(self, manifest: StoredManifest, reference: Reference) -> None:
        """Count a pull of a manifest, and of the tag that it was asked for by."""
        if len(self._of_manifests) + len(self._of_tags) >= LIMIT:
            return
        now = self._clock.now()
        self._add_manifest(ManifestUse(manifest.id, 1, now))
        if isinstance(reference, TagName):
            self._add_tag(TagUse(manifest.repository_id, reference, 1, now))

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
        of_manifests = _take(self._of_manifests)
        of_tags = _take(self._of_tags)
        try:
            await self._database.write(lambda tx: uses.add(tx, of_manifests, of_tags))
        except BaseException:
            for manifest_use in of_manifests:
                self._add_manifest(manifest_use)
            for tag_use in of_tags:
                self._add_tag(tag_use)
            raise
        return len(of_manifests) + len(of_tags)

    def _add_manifest(self, use: ManifestUse) -> None:
        known = self._of_manifests.get(use.manifest_id)
        if known is not None:
            last_at = max(known.last_at, use.last_at)
            use = ManifestUse(use.manifest_id, known.pulls + use.pulls, last_at)
        self._of_manifests[use.manifest_id] = use

    def _add_tag(self, use: TagUse) -> None:
        key = (use.repository_id, use.tag)
        known = self._of_tags.get(key)
        if known is not None:
            last_at = max(known.last_at, use.last_at)
            use = TagUse(*key, known.pulls + use.pulls, last_at)
        self._of_tags[key] = use


def _take(waiting: dict[Key, Use]) -> list[Use]:
    """Take the oldest entries out."""
    keys = list(itertools.islice(waiting, BATCH))
    return [waiting.pop(key) for key in keys]
