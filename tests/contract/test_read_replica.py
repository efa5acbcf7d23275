"""Reads from a streaming replica, which are as fresh as those from its primary."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import psycopg
import pytest

from live.postgres import PostgresCluster, PostgresReplica, database_of
from moorage.adapters.postgres import CATCH_UP_SECONDS, PostgresDatabase
from moorage.ports.database import Row, Tx
from moorage.ports.query import Query

pytestmark = pytest.mark.postgres

INSERT = Query(
    "test.insert",
    "INSERT INTO instance_secret (name, secret, created_at_us) VALUES (:name, '', 0)",
)
LOOK = Query(
    "test.look",
    "SELECT count(*) AS total, pg_is_in_recovery() AS copied FROM instance_secret",
)


@pytest.fixture(scope="module")
def replica(postgres_cluster: PostgresCluster) -> Iterator[PostgresReplica]:
    made = PostgresReplica(postgres_cluster)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
async def database(
    postgres_cluster: PostgresCluster, migrated_template: str, replica: PostgresReplica
) -> AsyncIterator[PostgresDatabase]:
    url = postgres_cluster.create_database(migrated_template)
    made = PostgresDatabase(url, replica.url(database_of(url)))
    # A new database is a long way for the copy.
    while not (await look(made))["copied"]:
        pass
    yield made
    await made.close()
    postgres_cluster.drop_database(url)


async def look(database: PostgresDatabase) -> Row:
    found = await database.read(lambda tx: tx.one(LOOK))
    assert found is not None
    return found


def insert(number: int) -> Callable[[Tx], Any]:
    return lambda tx: tx.run(INSERT, name=f"name {number}")


def tell(replica: PostgresReplica, statement: str) -> None:
    with psycopg.connect(replica.url(), autocommit=True) as connection:
        connection.execute(statement.encode())


async def test_a_read_sees_every_write_before_it_wherever_it_goes(
    database: PostgresDatabase,
) -> None:
    copied = 0
    for number in range(50):
        await database.write(insert(number))
        found = await look(database)
        assert found["total"] == number + 1
        copied += found["copied"]
    assert copied > 0


async def test_a_replica_that_is_behind_is_not_asked(
    database: PostgresDatabase, replica: PostgresReplica
) -> None:
    tell(replica, "SELECT pg_wal_replay_pause()")
    try:
        await database.write(insert(0))
        begun = time.monotonic()
        for _ in range(20):
            assert await look(database) == {"total": 1, "copied": False}
        # Only the first read waited for it, and perhaps one more.
        assert time.monotonic() - begun < 20 * CATCH_UP_SECONDS
    finally:
        tell(replica, "SELECT pg_wal_replay_resume()")


async def test_a_replica_that_hangs_holds_nobody_up(
    database: PostgresDatabase, replica: PostgresReplica
) -> None:
    replica.freeze()
    try:
        await database.write(insert(0))
        reads = asyncio.gather(*(look(database) for _ in range(20)))
        found = await asyncio.wait_for(reads, 20)
        assert found == [{"total": 1, "copied": False}] * 20
    finally:
        replica.thaw()


async def test_without_the_replica_everything_goes_on(
    database: PostgresDatabase, replica: PostgresReplica
) -> None:
    replica.halt()
    try:
        await database.write(insert(0))
        for _ in range(3):
            assert await look(database) == {"total": 1, "copied": False}
    finally:
        replica.resume()
