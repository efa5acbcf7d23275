"""Moving from SQLite to PostgreSQL, from and to every place where blobs may be."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from in_process.registry import ROOT_TOKEN, Registry
from live.s3 import storage_url
from moorage.cli.migrate_data import migrate_data
from moorage.config import SettingsError, load_settings
from moorage.domain.digest import Digest
from moorage.ports.clock import SystemClock
from moorage.services.bootstrap import bootstrap
from moorage.store.migrate import migrate
from moorage.wiring import build, open_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    from live.postgres import PostgresCluster
    from live.s3 import S3Server

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("s3_server", ["moto"], indirect=True),
]

NAME = "root/moving/app"
LAYERS = [f"layer {number}".encode() for number in range(12)]

SESSIONS = """
SELECT sessions FROM pg_stat_database WHERE datname = current_database()
"""


@pytest.fixture
def target_url(postgres_cluster: PostgresCluster) -> Iterator[str]:
    url = postgres_cluster.create_database()
    yield url
    postgres_cluster.drop_database(url)


@asynccontextmanager
async def registry(given: Mapping[str, str]) -> AsyncIterator[Registry]:
    settings = load_settings(given, {})
    database = open_database(settings)
    migrate(database, SystemClock().now())
    await bootstrap(database, SystemClock(), ROOT_TOKEN)
    services = await build(settings, database)
    try:
        async with Registry(services.front_ends) as made:
            yield made
    finally:
        await services.store.close()
        await database.close()


async def push(given: Mapping[str, str]) -> None:
    async with registry(given) as source:
        for layer in LAYERS:
            await source.push_blob(NAME, layer)


async def pull(given: Mapping[str, str]) -> list[bytes]:
    async with registry(given) as target:
        paths = [f"/v2/{NAME}/blobs/{Digest.of(layer)}" for layer in LAYERS]
        return [(await target.send("GET", path)).content for path in paths]


def place(kind: str, folder: Path, server: S3Server) -> dict[str, str]:
    url = f"file://{folder}" if kind == "folder" else storage_url(server)
    return {"storage_url": url}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("folder", "folder"),
        ("folder", "s3"),
        ("s3", "folder"),
        ("s3", "s3"),
        ("folder", None),
        ("s3", None),
    ],
)
def test_what_was_pushed_is_pulled_at_the_target(
    before: str, after: str | None, tmp_path: Path, target_url: str, s3_server: S3Server
) -> None:
    source = {
        "data_dir": str(tmp_path / "source"),
        **place(before, tmp_path / "before", s3_server),
    }
    (tmp_path / "source").mkdir()
    asyncio.run(push(source))
    moved = {} if after is None else place(after, tmp_path / "after", s3_server)
    given = {f"to_{name}": value for name, value in moved.items()}
    migrate_data(to_database_url=target_url, config=None, **given, **source)
    target = {**source, **moved, "database_url": target_url}
    assert asyncio.run(pull(target)) == LAYERS


def test_noting_blobs_takes_few_connections(
    tmp_path: Path, target_url: str, s3_server: S3Server
) -> None:
    del s3_server
    source = {"data_dir": str(tmp_path)}
    asyncio.run(push(source))
    migrate_data(to_database_url=target_url, config=None, **source)
    with psycopg.connect(target_url) as connection:
        row = connection.execute(SESSIONS).fetchone()
    assert row is not None
    assert row[0] < len(LAYERS)


def test_nothing_is_moved_from_postgres_or_to_sqlite(
    tmp_path: Path, target_url: str, s3_server: S3Server
) -> None:
    del s3_server
    with pytest.raises(SettingsError, match="from SQLite only"):
        migrate_data(
            to_database_url=target_url,
            data_dir=str(tmp_path),
            database_url=target_url,
        )
    with pytest.raises(SettingsError, match="to PostgreSQL only"):
        migrate_data(
            to_database_url=f"sqlite:///{tmp_path}/other.db", data_dir=str(tmp_path)
        )
