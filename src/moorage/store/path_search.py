"""What a search finds repositories by: every text that some path begins with.

What begins no path any more finds none: it is in the way of nothing but itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store.beginnings import backwards, outermost, range_of

_SQL = load("path_search")


def add(tx: Tx, paths: Iterable[str]) -> None:
    """Let searches find paths, in the transaction that makes them."""
    tx.run(_SQL.add, beginnings=backwards(paths))


def find_beginnings(tx: Tx, part: str, limit: int) -> list[str] | None:
    """Return beginnings of all paths that have a part; ``None`` for so many or more."""
    low, high = range_of(part)
    rows = tx.all(_SQL.list_ending, low=low, high=high, limit=limit)
    if len(rows) == limit:
        return None
    return outermost(row["backwards"][::-1] for row in rows)
