"""A database of either engine, fresh for each test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from moorage.adapters.postgres import PostgresDatabase
from moorage.adapters.sqlite import SqliteDatabase
from moorage.store.migrate import migrate
from moorage.testing.clock import START

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.ports.database import Database


@pytest.fixture
async def database(database_url: str | None, tmp_path: Path) -> AsyncIterator[Database]:
    made: Database = (
        SqliteDatabase(tmp_path / "moorage.db")
        if database_url is None
        else PostgresDatabase(database_url)
    )
    migrate(made, START)
    yield made
    await made.close()
