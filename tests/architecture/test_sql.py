"""Every statement is understood by both engines, and finds its rows by an index."""

import re
import sqlite3
from collections.abc import Iterator
from importlib.resources import files

import psycopg
import pytest

from contract import plans
from moorage.adapters.sqlite import SqliteDatabase
from moorage.ports.clock import SystemClock
from moorage.ports.query import HEADING, Query, load
from moorage.store.migrate import SCHEMA_VERSION, migrate

STORE = files("moorage.store")


def statements() -> Iterator[Query]:
    for item in sorted(STORE.iterdir(), key=lambda item: item.name):
        if item.name.endswith(".sql"):
            yield from load(item.name.removesuffix(".sql"))


ALL = [query for query in statements() if query.name != "migrations.create_table"]


def marked_as_scans() -> set[str]:
    """Name the statements that say ``-- scan: <reason>``."""
    marked = set()
    for item in STORE.iterdir():
        if item.name.endswith(".sql"):
            parts = HEADING.split(item.read_text("utf-8"))
            for name, body in zip(parts[1::2], parts[2::2], strict=True):
                if re.search(r"^-- scan: \S", body, re.MULTILINE):
                    stem = name.partition("(")[0]
                    marked.add(f"{item.name.removesuffix('.sql')}.{stem}")
    return marked


SCANS = marked_as_scans()

by_name = pytest.mark.parametrize("query", ALL, ids=lambda query: query.name)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("sql") / "moorage.db"
    migrate(SqliteDatabase(path), SystemClock().now())
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def test_the_newest_migration_is_the_schema_that_the_code_expects() -> None:
    numbers = sorted(int(item.name[:4]) for item in (STORE / "migrations").iterdir())
    assert numbers == list(range(1, SCHEMA_VERSION + 1))


@by_name
def test_sqlite_finds_rows_by_an_index(
    sqlite: sqlite3.Connection, query: Query
) -> None:
    found = plans.read_whole_by_sqlite(sqlite, query)
    assert not found or _is_marked(query)


@pytest.mark.postgres
def test_postgres_finds_rows_by_an_index(large_postgres: psycopg.Connection) -> None:
    """Every statement there is: those of requests are not told from those of jobs."""
    read = {
        query.name: plans.read_whole_by_postgres(large_postgres, query)
        for query in ALL
        if query.name != "migrations.lock"
    }
    assert not {
        query.name: read[query.name]
        for query in ALL
        if read.get(query.name) and not _is_marked(query)
    }
    scans = {name.partition("(")[0] for name, found in read.items() if found}
    assert scans == SCANS - {"migrations.current"}


@pytest.mark.postgres
def test_a_table_that_is_read_whole_is_found_out(
    sqlite: sqlite3.Connection, large_postgres: psycopg.Connection
) -> None:
    query = Query("test.scan", "SELECT t.name FROM tag t WHERE t.total_bytes = :size")
    assert plans.read_whole_by_sqlite(sqlite, query) == {"t"}
    assert plans.read_whole_by_postgres(large_postgres, query) == {"tag_size"}
    query = Query("test.index", "SELECT path FROM project ORDER BY id LIMIT :limit")
    assert plans.read_whole_by_sqlite(sqlite, query) == {"project"}
    assert plans.read_whole_by_postgres(large_postgres, query) == {"project_pkey"}


def _is_marked(query: Query) -> bool:
    return query.name.partition("(")[0] in SCANS


@pytest.mark.parametrize(
    "query", [*load("blobs"), *load("manifests")], ids=lambda query: query.name
)
def test_no_push_looks_at_all_blobs_of_a_repository(
    sqlite: sqlite3.Connection, query: Query
) -> None:
    """By one column of the index of links alone it would."""
    steps = plans.steps_of_sqlite(sqlite, query)
    assert not [step for step in steps if "_link_1 (repository_id=?)" in step], steps
