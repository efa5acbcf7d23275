"""Writes down what was pulled, every few seconds and at the end."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from moorage.domain.errors import RegistryError
from moorage.services.uses import Uses

FLUSH_SECONDS = 5

log = structlog.get_logger()


async def run_uses(uses: Uses, stop: asyncio.Event) -> None:
    """Write until told to stop, and then once more."""
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), FLUSH_SECONDS)
        try:
            await uses.flush()
        except RegistryError as error:
            log.warning("pulls not written", error=str(error))
