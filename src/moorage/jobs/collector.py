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
        if not await take_step(garbage, pace):
            await pace.sleep(IDLE_SECONDS)


async def take_step(garbage: Garbage, pace: Pace) -> bool:
    """Do one step, if it is anybody's turn; return whether there may be more to do."""
    pace.begin()
    try:
        if await garbage.is_paused() or await garbage.is_left_to_a_job():
            return False
        collected = await garbage.step(pace.rest)
    except RegistryError as error:
        log.warning("collection failed", error=str(error))
        return False
    return collected.looked_at > 0
