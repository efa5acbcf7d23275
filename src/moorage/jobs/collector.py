"""Collects garbage for as long as the server runs, and gives way to requests."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from moorage.domain.errors import RegistryError
from moorage.services.garbage import Garbage

IDLE_SECONDS = 5
"""Pause when nothing was due."""

BREATH = 1.0
"""Pause after a step, as a share of the time that the step took."""

log = structlog.get_logger()


async def run_collector(garbage: Garbage, stop: asyncio.Event) -> None:
    """Collect, step by step, until told to stop."""
    while not stop.is_set():
        pause = await _step(garbage)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def _step(garbage: Garbage) -> float:
    """Do one step; return how many seconds to wait for the next."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        if await garbage.is_paused():
            return IDLE_SECONDS
        collected = await garbage.step()
    except RegistryError as error:
        log.warning("collection failed", error=str(error))
        return IDLE_SECONDS
    if not collected.looked_at:
        return IDLE_SECONDS
    return (loop.time() - begun) * BREATH
