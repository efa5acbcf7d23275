"""What PostgreSQL's adapter makes of connections that break."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from signal import SIGCONT, SIGSTOP

import psycopg
import pytest

from live.postgres import PostgresCluster, database_of
from moorage.adapters.postgres import PostgresDatabase
from moorage.adapters.postgres_connections import CONNECTING, POOL_SIZE, connecting
from moorage.adapters.postgres_signals import PostgresListener
from moorage.domain.errors import UnavailableError
from moorage.domain.jobs import JobKind, NewJob
from moorage.ports.database import PATIENCE, Tx
from moorage.ports.query import Query
from moorage.ports.signals import LocalSignal
from moorage.store import jobs
from moorage.testing.clock import START

pytestmark = pytest.mark.postgres

LONG = 30
END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
DIE = Query("test.die", "SELECT pg_terminate_backend(pg_backend_pid())")
INSERT = Query(
    "test.insert",
    "INSERT INTO instance_secret (name, secret, created_at_us) VALUES (:name, '', 0)",
)
WHO = Query("test.who", "SELECT pg_backend_pid() AS pid")
COUNT = Query("test.count", "SELECT count(*) AS total FROM instance_secret")
DIE_ON_COMMIT = """
    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER die AFTER INSERT ON instance_secret
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die();
"""


@pytest.fixture
def url(postgres_cluster: PostgresCluster, migrated_template: str) -> Iterator[str]:
    made = postgres_cluster.create_database(migrated_template)
    yield made
    postgres_cluster.drop_database(made)


@pytest.fixture
async def database(url: str) -> AsyncIterator[PostgresDatabase]:
    made = PostgresDatabase(url)
    yield made
    await made.close()


def end_connections(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(END_OTHERS, [database_of(url)]).rowcount


class Mortal:
    """A body whose connection breaks in the middle, the first time."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, tx: Tx) -> int:
        self.runs += 1
        tx.run(INSERT, name="written")
        if self.runs == 1:
            tx.run(DIE)
        row = tx.one(COUNT)
        return row["total"] if row else 0


async def test_reads_go_on_after_the_server_closed_every_connection(
    database: PostgresDatabase, url: str
) -> None:
    reads = [database.read(lambda tx: tx.one(COUNT)) for _ in range(30)]
    await asyncio.gather(*reads)
    assert end_connections(url) > 1
    for read in (database.quick, database.read):
        assert await read(lambda tx: tx.one(COUNT)) == {"total": 0}


async def test_a_body_whose_connection_broke_is_run_again_as_a_whole(
    database: PostgresDatabase,
) -> None:
    body = Mortal()
    assert await database.write(body) == 1
    assert body.runs == 2


async def test_a_commit_that_was_not_answered_is_not_repeated(
    database: PostgresDatabase, url: str
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(DIE_ON_COMMIT)
    runs = []

    def body(tx: Tx) -> None:
        runs.append(tx)
        tx.run(INSERT, name="written")

    with pytest.raises(UnavailableError):
        await database.write(body)
    assert len(runs) == 1
    assert await database.read(lambda tx: tx.one(COUNT)) == {"total": 0}


@pytest.fixture
def hanging(postgres_cluster: PostgresCluster) -> Iterator[PostgresCluster]:
    yield postgres_cluster
    postgres_cluster.thaw()


def write_in_vain(tx: Tx) -> None:
    tx.run(INSERT, name="in vain")


async def test_a_server_that_hangs_is_waited_for_only_so_long(
    database: PostgresDatabase, hanging: PostgresCluster
) -> None:
    await database.write(lambda tx: tx.run(INSERT, name="before"))
    hanging.freeze()
    PATIENCE.set(0.5)
    begun = time.monotonic()
    calls = [database.quick(lambda tx: tx.one(COUNT)) for _ in range(8)]
    calls += [database.read(lambda tx: tx.one(COUNT)) for _ in range(8)]
    calls += [database.write(write_in_vain) for _ in range(8)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {UnavailableError}
    assert time.monotonic() - begun < 3
    hanging.thaw()
    PATIENCE.set(LONG)
    assert await database.write(lambda tx: tx.one(COUNT)) == {"total": 1}
    reads = [database.read(lambda tx: tx.one(COUNT)) for _ in range(30)]
    assert await asyncio.gather(*reads) == [{"total": 1}] * 30


async def test_what_hangs_in_the_middle_is_undone_and_holds_nobody_up(
    database: PostgresDatabase,
) -> None:
    stopped = list[int]()

    def body(tx: Tx) -> None:
        tx.run(INSERT, name="written")
        row = tx.one(WHO)
        stopped.append(row["pid"] if row else 0)
        os.kill(stopped[0], SIGSTOP)
        tx.one(COUNT)

    PATIENCE.set(0.5)
    try:
        with pytest.raises(UnavailableError):
            await database.write(body)
        PATIENCE.set(LONG)
        assert await database.read(lambda tx: tx.one(COUNT)) == {"total": 0}
    finally:
        os.kill(stopped[0], SIGCONT)
    assert len(stopped) == 1
    await database.write(lambda tx: tx.run(INSERT, name="written"))
    assert await database.read(lambda tx: tx.one(COUNT)) == {"total": 1}


async def test_a_server_that_was_away_is_found_soon_after_it_is_back(
    database: PostgresDatabase, postgres_cluster: PostgresCluster
) -> None:
    reads = [database.read(lambda tx: tx.one(COUNT)) for _ in range(30)]
    await asyncio.gather(*reads)
    PATIENCE.set(0.5)
    postgres_cluster.halt()
    try:
        away_until = time.monotonic() + 8
        while time.monotonic() < away_until:
            with pytest.raises(UnavailableError):
                await database.quick(lambda tx: tx.one(COUNT))
    finally:
        postgres_cluster.resume()
    PATIENCE.set(3)
    assert await database.quick(lambda tx: tx.one(COUNT)) == {"total": 0}


async def test_a_process_has_so_many_connections_and_no_more(
    database: PostgresDatabase, url: str
) -> None:
    calls = [database.read(lambda tx: tx.one(COUNT)) for _ in range(50)]
    calls += [database.quick(lambda tx: tx.one(COUNT)) for _ in range(50)]
    await asyncio.gather(*calls)
    assert 1 < end_connections(url) <= POOL_SIZE


def test_a_url_has_the_last_word_on_how_to_connect() -> None:
    found = connecting("postgresql://me@db:5433/name?connect_timeout=60")
    assert (found["host"], found["connect_timeout"]) == ("db", "60")
    assert found["tcp_user_timeout"] == CONNECTING["tcp_user_timeout"]


async def queue_job(database: PostgresDatabase) -> None:
    new = NewJob(kind=JobKind.DELETE_TAGS, arguments={}, actor="me")
    await database.write(lambda tx: jobs.enqueue(tx, new, now=START))


async def is_told(signal: LocalSignal) -> None:
    """Return when told; the test fails where that is not at once."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await signal.wait(LONG)
    assert loop.time() - begun < LONG


async def test_a_job_queued_in_one_process_wakes_workers_of_another_even_after_a_break(
    database: PostgresDatabase, url: str
) -> None:
    stop, signals = asyncio.Event(), [LocalSignal(), LocalSignal()]
    listening = asyncio.create_task(PostgresListener(url, signals).listen(stop))
    for broken in (False, True):
        # That it can hear is the first thing that it tells.
        await asyncio.gather(*map(is_told, signals))
        await queue_job(database)
        await asyncio.gather(*map(is_told, signals))
        if not broken:
            end_connections(url)
    stop.set()
    await asyncio.wait_for(listening, LONG)


async def test_who_cannot_listen_tries_again_until_told_to_stop() -> None:
    stop = asyncio.Event()
    nobody = PostgresListener("postgresql://127.0.0.1:1/nothing", [])
    listening = asyncio.create_task(nobody.listen(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(listening, LONG)
