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
    from collections.abc import AsyncIterator, Callable

    from moorage.ports.database import Database


@pytest.fixture
async def database(
    new_database_url: Callable[[], str | None], tmp_path: Path
) -> AsyncIterator[Database]:
    url = new_database_url()
    made: Database = (
        SqliteDatabase(tmp_path / "moorage.db")
        if url is None
        else PostgresDatabase(url)
    )
    migrate(made, START)
    yield made
    await made.close()
