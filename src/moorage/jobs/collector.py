"""Collects garbage for as long as the server runs, and gives way to requests."""

from __future__ import annotations

import asyncio

import structlog

from moorage.domain.errors import RegistryError
from moorage.jobs.pace import Pace, QueuedDatabase
from moorage.services.garbage import Garbage

IDLE_SECONDS = 5
"""Pause when nothing was due."""

log = structlog.get_logger()


async def run_collector(
    garbage: Garbage, database: QueuedDatabase, stop: asyncio.Event
) -> None:
    """Collect, step by step, until told to stop."""
    pace = Pace(database, stop)
    while not stop.is_set():
        if not await _step(garbage, pace):
            await pace.sleep(IDLE_SECONDS)


async def _step(garbage: Garbage, pace: Pace) -> bool:
    """Do one step; return whether there may be more to do."""
    pace.begin()
    try:
        if await garbage.is_paused():
            return False
        collected = await garbage.step(pace.rest)
    except RegistryError as error:
        log.warning("collection failed", error=str(error))
        return False
    return collected.looked_at > 0
