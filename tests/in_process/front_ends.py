"""Fixtures: all front ends in process, on either engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from in_process.blob_places import BlobPlace
from in_process.registry import ROOT_TOKEN, Registry
from moorage.config import load_settings
from moorage.ports.clock import SystemClock
from moorage.services.bootstrap import bootstrap
from moorage.store.migrate import migrate
from moorage.wiring import Services, build, open_database


@pytest.fixture
def settings() -> dict[str, str]:
    """Give the settings that a test wants to be different."""
    return {}


@pytest.fixture
async def services(
    database_url: str | None,
    blob_place: BlobPlace,
    tmp_path: Path,
    settings: dict[str, str],
) -> AsyncIterator[Services]:
    given = {"data_dir": str(tmp_path), **blob_place.settings, **settings}
    if database_url is not None:
        given["database_url"] = database_url
    chosen = load_settings(given, {})
    database = open_database(chosen)
    clock = SystemClock()
    migrate(database, clock.now())
    await bootstrap(database, clock, ROOT_TOKEN)
    made = await build(chosen, database)
    yield made
    await made.store.close()
    await database.close()


@pytest.fixture
async def registry(services: Services) -> AsyncIterator[Registry]:
    async with Registry(services.front_ends) as made:
        yield made
