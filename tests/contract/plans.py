"""What plans read of tables: rows that an index leads to, or all of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from contract.large_tables import NOW_US, ROWS, SMALL
from moorage.adapters.postgres import DIALECT as POSTGRES
from moorage.adapters.sqlite import DIALECT as SQLITE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    import psycopg

    from moorage.ports.query import Query

_PARAMETER = re.compile(r"(?<!:):([a-z_]\w*)")
_LIST = re.compile(r"\{\{(?:texts|ints):(\w+)\}\}")

# What a client may ask for, where anything else would tell the planner that nothing or
# everything is to be found. null is a parameter that was not given.
_VALUES = {
    "active": "NULL",
    "after": "'1'",
    "archived": "'-1'",
    "above": "'0'",
    "budget": "'20000'",
    "below": "'9223372036854775807'",
    "digest": "'sha256:7'",
    "high": "'n'",
    "key": f"'{NOW_US}'",
    "kind": "'personal'",
    "limit": "'21'",
    "low": "'m'",
    "now_us": f"'{NOW_US + ROWS // 2}'",
    "offset": "'0'",
    "path": "'path7'",
    "search": "NULL",
    "skipped_ids": "'{}'",
    "state": "'queued'",
    "today": "'2024-01-01'",
    "visibility": "'public'",
}

# The first column of each index, but for those that have only few rows of their table.
_FIRST_COLUMNS = """
SELECT index.relname, a.attname
  FROM pg_index i
  JOIN pg_class index ON index.oid = i.indexrelid
  JOIN pg_class rows ON rows.oid = i.indrelid
  JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum = 1
 WHERE index.reltuples > rows.reltuples / 20
"""


def steps_of_sqlite(connection: sqlite3.Connection, query: Query) -> list[str]:
    """Return how SQLite would go about a statement."""
    parameters = dict.fromkeys(_PARAMETER.findall(query.text), "[]")
    parameters |= dict.fromkeys(_LIST.findall(query.text), "[]")
    text = f"EXPLAIN QUERY PLAN {SQLITE.render(query.text)}"
    return [row[3] for row in connection.execute(text, parameters)]


def read_whole_by_sqlite(connection: sqlite3.Connection, query: Query) -> set[str]:
    """Return the tables that SQLite would read from end to end."""
    steps = [step.split() for step in steps_of_sqlite(connection, query)]
    scanned = {words[1] for words in steps if words[0] == "SCAN"}
    return scanned & _names(connection, query) - SMALL


def _names(connection: sqlite3.Connection, query: Query) -> set[str]:
    """Return the tables, and what the statement calls them."""
    tables = {
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        )
    }
    called = re.findall(r"\b(\w+) (?:AS )?(\w+)\b", query.text)
    return tables | {alias for table, alias in called if table in tables}


def read_whole_by_postgres(
    connection: psycopg.Connection[Any], query: Query
) -> set[str]:
    """Return the tables and indexes that PostgreSQL would read from end to end.

    Planned as if every parameter were known, and for any: a server does either. An
    index of a few rows of its table may be read whole.
    """
    first_columns = dict(connection.execute(_FIRST_COLUMNS).fetchall())
    found = set()
    for node in _plan(connection, query):
        found |= _read_whole(node, first_columns)
    return found - SMALL - {f"{name}_pkey" for name in SMALL}


def indexes_of(connection: psycopg.Connection[Any], query: Query) -> set[str]:
    """Return the indexes that PostgreSQL would use, and tables that it reads whole."""
    nodes = list(_plan(connection, query))
    named = {node["Index Name"] for node in nodes if "Index Name" in node}
    return named | read_whole_by_postgres(connection, query)


def sorts(connection: psycopg.Connection[Any], query: Query) -> bool:
    """Whether PostgreSQL would sort what it found."""
    return any("Sort" in node["Node Type"] for node in _plan(connection, query))


def _plan(
    connection: psycopg.Connection[Any], query: Query
) -> Iterator[Mapping[str, Any]]:
    call = _prepare(connection, query)
    for mode in ("force_custom_plan", "force_generic_plan"):
        connection.execute(f"SET plan_cache_mode = {mode}")
        row = connection.execute(f"EXPLAIN (FORMAT JSON) {call}").fetchone()
        assert row is not None
        yield from _nodes(row[0][0]["Plan"])
    connection.execute("DEALLOCATE statement")


def _prepare(connection: psycopg.Connection[Any], query: Query) -> str:
    """Prepare a statement; return how to run it."""
    text = POSTGRES.render(query.text)
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    numbered = re.sub(
        r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", text
    )
    connection.execute(f"PREPARE statement AS {numbered}")
    lists = set(re.findall(r"CAST\(%\((\w+)\)s AS \w+\[\]\)", text))
    values = [
        _VALUES.get(name, "'{7,8,9}'" if name in lists else "'7'") for name in names
    ]
    return f"EXECUTE statement({', '.join(values)})" if names else "EXECUTE statement"


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _read_whole(node: Mapping[str, Any], first_columns: Mapping[str, str]) -> set[str]:
    if node["Node Type"] == "Seq Scan":
        return {node["Relation Name"]}
    index = node.get("Index Name", "")
    if index not in first_columns:
        return set()
    begins = re.search(rf"\b{first_columns[index]}\b", node.get("Index Cond", ""))
    return set() if begins else {index}
