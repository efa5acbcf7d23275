"""Keeps going what goes on beside requests: nobody would miss it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import structlog

RESTART_SECONDS = 5
"""Pause before what broke is begun again."""

Work: TypeAlias = Callable[[], Awaitable[None]]
"""Goes on until told to stop; begun again, it takes up what there is to do."""

log = structlog.get_logger()


async def keep_going(name: str, work: Work, stop: asyncio.Event) -> None:
    """Do work until it ends by itself, or until told to stop if it breaks."""
    while not stop.is_set():
        try:
            await work()
        except Exception:
            log.exception("background work broke", work=name)
        else:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RESTART_SECONDS)
