"""Retention: jobs and plans that are long over are forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from moorage.domain.plans import LIFETIME
from moorage.ports.clock import Clock
from moorage.services.jobs import JobRun
from moorage.store import jobs, plans

KEEP_JOBS = timedelta(days=90)
"""How long a job can be looked up after its end; longer, where it can be undone."""

BATCH = 20
"""Jobs per transaction: each may have a hundred rows of items."""


@dataclass(frozen=True, slots=True)
class Retention:
    """The handler of ``JobKind.FORGET_JOBS``."""

    clock: Clock
    undo_window: timedelta = timedelta(0)

    async def forget(self, run: JobRun) -> Mapping[str, Any]:
        """Forget what is old enough, a little at a time."""
        now = self.clock.now()
        # A plan that has just expired may be one that is being applied.
        plans_before = now - LIFETIME
        jobs_before = now - max(KEEP_JOBS, self.undo_window + LIFETIME)
        forgotten_plans = forgotten_jobs = 0
        while await run.write(lambda tx: plans.delete_expired(tx, before=plans_before)):
            forgotten_plans += 1
        while count := await run.write(
            lambda tx: jobs.delete_finished(tx, before=jobs_before, limit=BATCH)
        ):
            forgotten_jobs += count
        return {"plans": forgotten_plans, "jobs": forgotten_jobs}
