"""Every statement is understood by both engines, and finds its rows by an index."""

import re
import sqlite3
from collections.abc import Iterator
from importlib.resources import files

import psycopg
import pytest

from live.postgres import PostgresCluster
from moorage.adapters.postgres import DIALECT as POSTGRES
from moorage.adapters.sqlite import DIALECT as SQLITE
from moorage.adapters.sqlite import SqliteDatabase
from moorage.config import load_settings
from moorage.ports.clock import SystemClock
from moorage.ports.query import HEADING, Query, load
from moorage.store.migrate import migrate
from moorage.wiring import open_database

STORE = files("moorage.store")

PARAMETER = re.compile(r"(?<!:):([a-z_]\w*)")


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


@by_name
def test_sqlite_finds_rows_by_an_index(
    sqlite: sqlite3.Connection, query: Query
) -> None:
    text = SQLITE.render(query.text)
    parameters = dict.fromkeys(PARAMETER.findall(query.text), "[]")
    for name in re.findall(r"\{\{(?:texts|ints):(\w+)\}\}", query.text):
        parameters[name] = "[]"
    plan = [row[3] for row in sqlite.execute(f"EXPLAIN QUERY PLAN {text}", parameters)]
    tables = {row[0] for row in sqlite.execute("SELECT name FROM sqlite_master")}
    scanned = {
        word
        for step in plan
        if step.startswith("SCAN ") and "USING" not in step
        for word in step.split()[1:2]
    }
    assert not scanned & tables or query.name.partition("(")[0] in SCANS, plan


@pytest.mark.postgres
def test_postgres_understands_every_statement(
    postgres_cluster: PostgresCluster,
) -> None:
    url = postgres_cluster.create_database()
    settings = load_settings({"database_url": url}, {})
    migrate(open_database(settings), SystemClock().now())
    with psycopg.connect(url, autocommit=True) as connection:
        for query in ALL:
            if query.name == "migrations.lock":
                continue
            text = POSTGRES.render(query.text)
            count = 0

            def number(_match: re.Match[str]) -> str:
                nonlocal count
                count += 1
                return f"${count}"

            text = re.sub(r"%\(\w+\)s", number, text)
            connection.execute(f"PREPARE statement AS {text}")
            connection.execute("DEALLOCATE statement")
