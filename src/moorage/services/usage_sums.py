"""Keeping the sums of what repositories take up: folding, and looking for drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from moorage.domain.usage import Sums
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services.jobs import JobRun
from moorage.store import quotas, repository_keys, usage_sums

BATCH = 1000
"""Changes that one transaction folds."""

REPOSITORIES = 20
"""Repositories that one snapshot compares."""

_log = structlog.get_logger(__name__)


class UsageSums:
    """Folds changes into sums, and repairs sums that are not what there is."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def fold(self) -> bool:
        """Fold some changes; return whether there may be more."""
        # Looking costs no lock; most looks find nothing.
        if not await self._database.quick(usage_sums.has_changes):
            return False
        now = self._clock.now()
        done = await self._database.write(
            lambda tx: usage_sums.fold(tx, BATCH, now=now), durable=False
        )
        return done == BATCH

    async def verify(self, run: JobRun) -> Mapping[str, Any]:
        """Compare all sums with a recount; repair and count those that differ.

        The handler of ``JobKind.VERIFY_USAGE``.
        """
        checked = repaired = 0
        ids = await self._list_after(0)
        while ids:
            checked += len(ids)
            repaired += await self._verify(run, ids)
            ids = await self._list_after(ids[-1])
        await run.write(quotas.forget_all_sums)
        return {"checked": checked, "repaired": repaired}

    async def _list_after(self, after: int) -> list[int]:
        return await self._database.quick(
            lambda tx: usage_sums.list_repositories(tx, after, REPOSITORIES)
        )

    async def _verify(self, run: JobRun, ids: list[int]) -> int:
        """Compare some; return how many had to be repaired."""
        drift = await self._database.read(lambda tx: _compare(tx, ids))
        for repository_id, change in drift.items():
            lacking = change._asdict()
            _log.warning("sizes repaired", repository=repository_id, **lacking)
        if drift:
            await run.write(lambda tx: _repair(tx, drift))
        return len(drift)


def _compare(tx: Tx, ids: list[int]) -> dict[int, Sums]:
    """Return what sums lack, looking at all in one snapshot."""
    sums, there = usage_sums.of_each(tx, ids), usage_sums.recount(tx, ids)
    stale = repository_keys.list_stale(tx, ids)
    differing = [each for each in ids if sums[each] != there[each] or each in stale]
    return {each: there[each].minus(sums[each]) for each in differing}


def _repair(tx: Tx, drift: Mapping[int, Sums]) -> None:
    """Add what sums lack, which is right whatever was added meanwhile."""
    for repository_id, change in drift.items():
        usage_sums.note(tx, repository_id, change)
