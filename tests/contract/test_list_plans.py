"""Pages of tags are read from an index, in its order, however many tags there are."""

from __future__ import annotations

import re
import sqlite3

import psycopg
import pytest

from contract import plans
from contract.rows import NOW
from moorage.adapters.sqlite import DIALECT as SQLITE
from moorage.adapters.sqlite import SqliteDatabase
from moorage.domain.tag_lists import TagOrder
from moorage.ports.query import Query, load
from moorage.store.migrate import migrate

INDEXES = {
    TagOrder.NAME: "tag_pkey|sqlite_autoindex_tag_1",
    TagOrder.VERSION: "tag_version",
    TagOrder.CREATED: "tag_created",
    TagOrder.PUSHED: "tag_pushed",
    TagOrder.PUBLISHED: "tag_moved",
    TagOrder.PULLED: "tag_pulled",
    TagOrder.SIZE: "tag_size",
}

BY_ORDER = [
    (query, order)
    for query in [*load("tag_lists"), *load("found_tags")]
    for order in TagOrder
    if re.match(r"\w+\.(list|walk)_(page|ties)\(", query.name)
    and f"order={order};" in query.name
    and not (order is TagOrder.NAME and "_ties" in query.name)
]

PASSED_ON = "CO-ROUTINE near|SCAN near|SCALAR SUBQUERY [0-9]+|SCAN CONSTANT ROW"
"""Steps that look at rows one by one as they are found, and read how many at most."""

by_order = pytest.mark.parametrize(
    ("query", "order"), BY_ORDER, ids=[query.name for query, _ in BY_ORDER]
)


def values(order: TagOrder) -> dict[str, str | int]:
    return {
        "repository_id": 1,
        "key": "m" if order.by_text else 1,
        "name": "m",
        "part": "m",
        "budget": 1000,
        "limit": 20,
        "offset": 0,
    }


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    path = tmp_path_factory.mktemp("plans") / "moorage.db"
    migrate(SqliteDatabase(path), NOW)
    return sqlite3.connect(path)


@by_order
def test_sqlite_reads_a_page_from_the_index_of_its_order(
    sqlite: sqlite3.Connection, query: Query, order: TagOrder
) -> None:
    text = SQLITE.render(query.text)
    plan = [
        row[3] for row in sqlite.execute(f"EXPLAIN QUERY PLAN {text}", values(order))
    ]
    (step,) = (each for each in plan if not re.fullmatch(PASSED_ON, each))
    assert re.search(rf"SEARCH tag USING (COVERING )?INDEX ({INDEXES[order]}) ", step)
    bound = "<expr>" if order is TagOrder.PULLED else r"\w+"
    assert re.search(rf"\(repository_id=\? AND {bound}[<>=]", step), step


BY_NAME = [
    query
    for query in load("found_tags")
    if re.match(r"found_tags\.(list_|count_)", query.name)
]


@pytest.mark.postgres
@pytest.mark.parametrize("query", BY_NAME, ids=[query.name for query in BY_NAME])
def test_postgres_finds_names_by_their_beginnings(
    large_postgres: psycopg.Connection, query: Query
) -> None:
    """And not by names alone in the index of an order: that has all of a repository."""
    assert plans.indexes_of(large_postgres, query) == {"tag_pkey"}


@pytest.mark.postgres
@by_order
def test_postgres_reads_a_page_from_the_index_of_its_order(
    large_postgres: psycopg.Connection, query: Query, order: TagOrder
) -> None:
    (index,) = plans.indexes_of(large_postgres, query)
    assert re.fullmatch(INDEXES[order], index)
    assert not plans.sorts(large_postgres, query)
