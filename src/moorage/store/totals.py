"""How far lists are counted that GitLab does not have: searches, and the past.

A total tells a client how many pages there are. To count thousands of rows costs many
times what a page does, and nobody goes through so many pages by number.
"""

from __future__ import annotations

from moorage.ports.database import Row

MOST = 1000
"""Of a list with more than so many rows no total is told."""


def limit() -> int:
    """Return the ``limit`` of a statement that counts."""
    return MOST + 1


def told(row: Row | None) -> int | None:
    """Read what was counted; ``None`` is more than is told."""
    total: int = row["total"] if row else 0
    return total if total <= MOST else None
