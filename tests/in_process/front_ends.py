"""Fixtures: all front ends in process, on either engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
    tmp_path: Path,
    settings: dict[str, str],
) -> AsyncIterator[Services]:
    given = {"data_dir": str(tmp_path), **settings}
    if database_url is not None:
        given["database_url"] = database_url
    chosen = load_settings(given, {})
    database = open_database(chosen)
    clock = SystemClock()
    migrate(database, clock.now())
    await bootstrap(database, clock, ROOT_TOKEN)
    yield await build(chosen, database)
    await database.close()


@pytest.fixture
async def registry(services: Services, tmp_path: Path) -> AsyncIterator[Registry]:
    async with Registry(services.front_ends, tmp_path) as made:
        yield made
