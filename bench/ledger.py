"""The least database that a push can do with: rows that no power cut takes back."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS entry (name TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID;
"""


@dataclass(slots=True)
class _Entry:
    name: str
    content: bytes
    is_stored: bool = False


class Ledger:
    """One SQLite file for many threads: what waits is committed together."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False
        )
        self._connection.executescript(_PRAGMAS)
        self._waiting: deque[_Entry] = deque()
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def add(self, name: str, content: bytes = b"") -> None:
        """Store a row; return once it is durable."""
        entry = _Entry(name, content)
        self._waiting.append(entry)
        with self._turn:
            if not entry.is_stored:
                self._commit()

    def _commit(self) -> None:
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(
            "INSERT INTO entry VALUES (?, ?)",
            [(entry.name, entry.content) for entry in batch],
        )
        self._connection.execute("COMMIT")
        for entry in batch:
            entry.is_stored = True
