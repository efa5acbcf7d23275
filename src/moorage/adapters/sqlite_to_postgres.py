"""Copies the rows of a SQLite database into PostgreSQL, all at once.

Both have the same schema, so a table is copied column by column as it is. The copy is
one transaction: whoever looks at the target sees all of a moment or nothing of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool

from moorage.domain.digest import Digest
from moorage.domain.errors import ConflictError, RegistryError, UnavailableError
from moorage.ports.blobs import BlobKey

RELOCATION = "relocation"
"""A secret by this name is with a target from which nothing was served yet."""

CONNECTIONS = 4
"""As many as note at a time that a blob has come."""

LEFT_OUT = ("schema_migration", "upload")
"""What stays: the target has its own schema, and unfinished uploads begin anew."""


class TargetInUseError(RegistryError):
    """The target holds data that this source did not bring."""

    message = "the target database is in use: it is not written to"


class SchemasDifferError(RegistryError):
    """The two databases are of different releases."""

    message = "source and target have different schemas: run moorage migrate on both"


class SqliteToPostgres:
    """Rows on their way from a file to a server."""

    def __init__(self, source: Path, target_url: str) -> None:
        self._source = source
        self._targets = ConnectionPool(
            target_url, min_size=1, max_size=CONNECTIONS, open=False
        )

    def brought(self) -> set[BlobKey]:
        """Return the blobs whose bytes the target is known to have.

        Raises:
            TargetInUseError: Something else is there.
        """
        with self._target() as target:
            self._check_unused(target)
            rows = target.execute("SELECT digest, generation FROM blob").fetchall()
        return {BlobKey(Digest.parse(row[0]), row[1]) for row in rows}

    def wanted(self) -> list[tuple[BlobKey, int]]:
        """Return the blobs that the source has, with their sizes."""
        with self._snapshot() as source:
            return _living(source)

    def note(self, key: BlobKey, size_bytes: int) -> None:
        """Record that the target has the bytes of a blob."""
        with self._target() as target:
            self._check_unused(target)
            target.execute(
                "INSERT INTO blob (digest, generation, size_bytes, created_at_us, "
                "                  lease_until_us) "
                "VALUES (%s, %s, %s, 0, 0) ON CONFLICT DO NOTHING",
                [str(key.digest), key.generation, size_bytes],
            )

    def copy(self, brought: set[BlobKey]) -> list[tuple[BlobKey, int]]:
        """Replace all rows of the target by the source's, as they are at one moment.

        Returns the blobs whose bytes have to be brought before; then nothing was done.

        Raises:
            TargetInUseError: The target has other data.
            SchemasDifferError: The tables do not match.
        """
        with self._snapshot() as source:
            missing = [each for each in _living(source) if each[0] not in brought]
            if missing:
                return missing
            with self._target() as target:
                self._check_unused(target)
                _check_schemas(source, target)
                _replace_all(source, target, brought)
        return []

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        address = f"{self._source.absolute().as_uri()}?mode=ro"
        try:
            with closing(
                sqlite3.connect(address, uri=True, isolation_level=None)
            ) as source:
                source.execute("BEGIN")
                yield source
        except sqlite3.OperationalError as error:
            raise UnavailableError(f"{self._source}: {error}") from error

    def close(self) -> None:
        """Let go of every connection."""
        self._targets.close()

    @contextmanager
    def _target(self) -> Iterator[psycopg.Connection]:
        self._targets.open()
        try:
            with self._targets.connection() as target:
                yield target
        except psycopg.IntegrityError as error:
            raise ConflictError(constraint=error.diag.constraint_name) from error
        except psycopg.OperationalError as error:
            raise UnavailableError("the target database does not answer") from error

    def _check_unused(self, target: psycopg.Connection) -> None:
        target.execute("LOCK TABLE instance_secret IN SHARE ROW EXCLUSIVE MODE")
        found = target.execute("SELECT name FROM instance_secret").fetchall()
        if found and (RELOCATION,) not in found:
            raise TargetInUseError
        _mark(target)


def _mark(target: psycopg.Connection) -> None:
    target.execute(
        "INSERT INTO instance_secret (name, secret, created_at_us) "
        "VALUES (%s, '', 0) ON CONFLICT DO NOTHING",
        [RELOCATION],
    )


def _living(source: sqlite3.Connection) -> list[tuple[BlobKey, int]]:
    rows = source.execute(
        "SELECT digest, generation, size_bytes FROM blob "
        "WHERE deleted_at_us IS NULL ORDER BY id"
    )
    return [(BlobKey(Digest.parse(row[0]), row[1]), row[2]) for row in rows]


def _replace_all(
    source: sqlite3.Connection, target: psycopg.Connection, brought: set[BlobKey]
) -> None:
    tables = _tables(source)
    names = sql.SQL(", ").join(map(sql.Identifier, [*tables, "upload"]))
    target.execute(sql.SQL("TRUNCATE {}").format(names))
    for table in tables:
        _copy_table(source, target, table)
    _go_on_counting(source, target)
    _mark(target)
    _leave_to_collection(target, brought)


def _tables(source: sqlite3.Connection) -> list[str]:
    """Name the tables, each after those that it refers to: as they were made."""
    rows = source.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid"
    )
    return [
        name
        for (name,) in rows
        if name not in LEFT_OUT and not name.startswith("sqlite_")
    ]


def _columns(source: sqlite3.Connection, table: str) -> list[str]:
    rows = source.execute("SELECT name FROM pragma_table_info(?)", [table])
    return [name for (name,) in rows]


def _copy_table(
    source: sqlite3.Connection, target: psycopg.Connection, table: str
) -> None:
    columns = _columns(source, table)
    names = ", ".join(f'"{name}"' for name in columns)
    # A group comes after the one that it lies in, whose path is the shorter one.
    order = "ORDER BY LENGTH(full_path)" if table == "namespace" else ""
    # The names are the schema's own.
    rows = source.execute(f'SELECT {names} FROM "{table}" {order}')  # noqa: S608
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with target.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _go_on_counting(source: sqlite3.Connection, target: psycopg.Connection) -> None:
    """Give no number a second time, not even one whose row is gone."""
    for table, last in source.execute("SELECT name, seq FROM sqlite_sequence"):
        if table not in LEFT_OUT and last:
            target.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, last]
            )


def _leave_to_collection(target: psycopg.Connection, brought: set[BlobKey]) -> None:
    """Have objects removed that were brought, and are no longer wanted."""
    with target.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO blob (digest, generation, size_bytes, created_at_us, "
            "                  deleted_at_us, retry_at_us) "
            "SELECT %(digest)s, %(generation)s, 0, 0, 0, 0 WHERE NOT EXISTS "
            "(SELECT 1 FROM blob WHERE digest = %(digest)s "
            "                      AND generation = %(generation)s)",
            [
                {"digest": str(key.digest), "generation": key.generation}
                for key in brought
            ],
        )


def _check_schemas(source: sqlite3.Connection, target: psycopg.Connection) -> None:
    statement = "SELECT MAX(version) FROM schema_migration"
    versions: Sequence[tuple[int] | None] = (
        source.execute(statement).fetchone(),
        target.execute(statement).fetchone(),
    )
    if versions[0] != versions[1]:
        raise SchemasDifferError
