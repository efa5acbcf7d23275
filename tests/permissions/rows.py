"""All rows of a database, to be put back as they were."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from moorage.config import Settings

_TABLES = """
    SELECT table_name FROM information_schema.tables
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name
"""


class Rows(Protocol):
    """What a database holds."""

    def copy(self) -> Any:
        """Remember it."""

    def put_back(self, copy: Any) -> None:
        """Undo all that was written since."""

    def close(self) -> None:
        """Let go of the database."""


def rows_of(settings: Settings) -> Rows:
    """Look at the database that settings name."""
    if settings.database.startswith("sqlite:"):
        return SqliteRows(settings.data_dir / "moorage.db")
    return PostgresRows(settings.database)


class SqliteRows:
    """Those of a file."""

    def __init__(self, path: Path) -> None:
        self._live = sqlite3.connect(path)
        self._live.execute("PRAGMA synchronous = OFF")

    def copy(self) -> sqlite3.Connection:
        """Copy the file into memory."""
        made = sqlite3.connect(":memory:")
        self._live.backup(made)
        return made

    def put_back(self, copy: sqlite3.Connection) -> None:
        """Copy it back."""
        copy.backup(self._live)

    def close(self) -> None:
        """Close it."""
        self._live.close()


class PostgresRows:
    """Those of a database on a server, as its superuser."""

    def __init__(self, url: str) -> None:
        self._live = psycopg.connect(url)
        # Rows are put back in any order: what refers to others may come first.
        self._live.execute("SET session_replication_role = replica")
        self._live.commit()

    def copy(self) -> Mapping[str, bytes]:
        """Read every table."""
        with self._live.transaction():
            tables = [name for (name,) in self._live.execute(_TABLES)]
            return {table: self._read(table) for table in tables}

    def _read(self, table: str) -> bytes:
        statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
        with self._live.cursor().copy(statement) as pieces:
            return b"".join(map(bytes, pieces))

    def put_back(self, copy: Mapping[str, bytes]) -> None:
        """Write the tables that differ."""
        with self._live.transaction():
            for table, content in copy.items():
                if self._read(table) != content:
                    self._write(table, content)

    def _write(self, table: str, content: bytes) -> None:
        name = sql.Identifier(table)
        self._live.execute(sql.SQL("DELETE FROM {}").format(name))
        statement = sql.SQL("COPY {} FROM STDIN").format(name)
        with self._live.cursor().copy(statement) as writer:
            writer.write(content)

    def close(self) -> None:
        """Close the connection."""
        self._live.close()
