"""Finishes behind the writes what these only noted, and gives way to requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import structlog

from moorage.domain.errors import RegistryError
from moorage.jobs.pace import Pace, QueuedDatabase

IDLE_SECONDS = 5
"""Pause when there was nothing to do."""

Step: TypeAlias = Callable[[], Awaitable[bool]]
"""Does a little; returns whether there may be more to do."""

log = structlog.get_logger()


async def run_upkeep(
    steps: Sequence[Step], database: QueuedDatabase, stop: asyncio.Event
) -> None:
    """Take one step after the other until told to stop."""
    pace = Pace(database, stop)
    while not stop.is_set():
        pace.begin()
        if any([await _take(step) for step in steps]):
            await pace.rest()
        else:
            await pace.sleep(IDLE_SECONDS)


async def _take(step: Step) -> bool:
    try:
        return await step()
    except RegistryError as error:
        log.warning("upkeep failed", error=str(error))
        return False
