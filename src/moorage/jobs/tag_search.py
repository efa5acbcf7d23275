"""Sorts names of tags in for as long as the server runs, and gives way to requests."""

from __future__ import annotations

import asyncio

import structlog

from moorage.domain.errors import RegistryError
from moorage.jobs.pace import Pace, QueuedDatabase
from moorage.services.tag_search import TagSearch

IDLE_SECONDS = 5
"""Pause when there was nothing to sort in."""

log = structlog.get_logger()


async def run_tag_search(
    search: TagSearch, database: QueuedDatabase, stop: asyncio.Event
) -> None:
    """Sort in, batch by batch, until told to stop."""
    pace = Pace(database, stop)
    while not stop.is_set():
        pace.begin()
        if await _sorted_in(search):
            await pace.rest()
        else:
            await pace.sleep(IDLE_SECONDS)


async def _sorted_in(search: TagSearch) -> bool:
    try:
        return await search.sort_in()
    except RegistryError as error:
        log.warning("names not sorted in", error=str(error))
        return False
