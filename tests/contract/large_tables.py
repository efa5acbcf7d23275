"""Every table on PostgreSQL as it is in a large estate, as far as plans depend on it.

What a column has follows from its name and type, unless ``_VALUES`` tells more. The
server is told that there are ``TIMES`` as many rows as there are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 2_000
TIMES = 1_000
NOW_US = 1_700_000_000_000_000

SMALL = {
    "schema_migration",
    "instance_secret",
    "garbage_hour",
    "garbage_pause",
    "schedule",
}
"""Tables that stay small however much there is: they have no rows here."""

_FEW = f"CASE WHEN n % 100 = 0 THEN {NOW_US} + n END"
_ONE_OF_TWO = {
    "project_id": "CASE WHEN n % 2 = 0 THEN n END",
    "namespace_id": "CASE WHEN n % 2 = 1 THEN n END",
}
_DIGEST = "'sha256:' || n"

# As in an estate: little is queued, held, deleted or about to be collected.
_VALUES: dict[str, dict[str, str]] = {
    "account": {"admin_at_us": "CASE WHEN n < 4 THEN n END"},
    "namespace": {
        "kind": "CASE n % 2 WHEN 0 THEN 'user' ELSE 'group' END",
        "owner_id": "CASE WHEN n % 2 = 0 THEN n END",
        "parent_id": "CASE WHEN n % 2 = 1 AND n > 40 THEN n / 40 * 2 + 1 END",
    },
    "route": _ONE_OF_TWO,
    "share": _ONE_OF_TWO,
    "quota": _ONE_OF_TWO,
    "policy": _ONE_OF_TWO,
    "repository": {"status": "NULL"},
    "manifest": {"subject_digest": f"CASE WHEN n % 10 = 0 THEN {_DIGEST} - 1 END"},
    "tag_event": {"job_id": "NULL"},
    "job": {
        "state": "CASE n % 100 WHEN 0 THEN 'queued' WHEN 1 THEN 'running' "
        "ELSE 'succeeded' END"
    },
}

_TOGETHER = {
    "project.namespace_id": 20,
    "group_member.namespace_id": 20,
    "project_member.project_id": 5,
    "token.account_id": 5,
    "repository.project_id": 5,
    "namespace_repository.namespace_id": 100,
    "link.repository_id": 50,
    "manifest.repository_id": 20,
    "manifest_blob.manifest_id": 5,
    "manifest_blob.repository_id": 100,
    "awaited_blob.repository_id": 5,
    "manifest_child.manifest_id": 5,
    "manifest_child.repository_id": 10,
    "tag.repository_id": 100,
    "tag.manifest_id": 5,
    "tag_beginning.repository_id": 300,
    "tag_event.repository_id": 100,
    "plan_item.plan_id": 100,
    "job_batch.job_id": 10,
    "job_skip.job_id": 10,
    "event.webhook_id": 20,
}
"""How many rows have one value of a column in common, as the server is told."""

_OVERSTATE = """
UPDATE pg_class SET reltuples = reltuples * %s
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
"""

_COLUMNS = """
SELECT c.relname, a.attname, a.attnotnull, format_type(a.atttypid, NULL),
       (SELECT pg_get_constraintdef(k.oid)
          FROM pg_constraint k
         WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum]
         LIMIT 1)
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
 ORDER BY c.relname, a.attnum
"""


def fill(url: str) -> None:
    """Fill every table but the small ones, and make the server believe in more."""
    with psycopg.connect(url, autocommit=True) as connection:
        # References are not checked: rows go in whatever the order of the tables.
        connection.execute("SET session_replication_role = replica")
        for statement in _statements(connection):
            connection.execute(statement)
        for column, count in _TOGETHER.items():
            connection.execute(_distinct(column, -1 / count))
        connection.execute("VACUUM ANALYZE")
        connection.execute(_OVERSTATE, [TIMES])


def _statements(connection: psycopg.Connection) -> Iterator[sql.Composed]:
    tables: dict[str, dict[str, str]] = {}
    for table, column, needed, kind, check in connection.execute(_COLUMNS):
        known = _VALUES.get(table, {}).get(column)
        if f"{table}.{column}" in _TOGETHER:
            known = "n / 5 + 1"
        value = known or _value(column, kind, check, needed=needed)
        tables.setdefault(table, {})[column] = value
    assert set(_VALUES) <= set(tables)
    for table, values in tables.items():
        if table not in SMALL:
            yield sql.SQL(
                "INSERT INTO {} ({}) SELECT {} FROM generate_series(1, {}) AS n"
            ).format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, values)),
                sql.SQL(", ").join(map(sql.SQL, values.values())),
                sql.Literal(ROWS),
            )


def _distinct(column: str, share: float) -> sql.Composed:
    """Say how many values there are, as a share of the rows."""
    return sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET (n_distinct = {})").format(
        *map(sql.Identifier, column.split(".")), sql.Literal(share)
    )


def _value(column: str, kind: str, check: str | None, *, needed: bool) -> str:
    """Choose the expression of a column; ``n`` is the row's number."""
    if check:
        words = re.findall(r"'(\w+)'::text", check)
        return f"(ARRAY{words!r})[n % {len(words)} + 1]"
    if kind == "bytea":
        return "'{}'"
    if column.endswith("_us"):
        return f"{NOW_US} + n" if needed else _FEW
    if kind == "text":
        text = _DIGEST if "digest" in column else f"'{column}' || n"
        return text if needed else f"CASE WHEN n % 10 = 0 THEN {text} END"
    return "n"
