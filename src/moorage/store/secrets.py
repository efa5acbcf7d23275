"""Secrets of this installation that every process shares."""

from __future__ import annotations

from datetime import datetime

from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store.times import to_us

_SQL = load("secrets")


def obtain(tx: Tx, name: str, fresh: bytes, *, now: datetime) -> bytes:
    """Return a secret; it becomes ``fresh`` where there is none yet.

    Who obtains one holds it until the end of the transaction: others wait.
    """
    row = tx.one(_SQL.lock, name=name, secret=fresh, now_us=to_us(now))
    return fresh if row is None else bytes(row["secret"])


def replace(tx: Tx, name: str, secret: bytes) -> None:
    """Change a secret that exists."""
    tx.run(_SQL.set, name=name, secret=secret)


def delete(tx: Tx, name: str) -> None:
    """Forget a secret, if it is there."""
    tx.run(_SQL.delete, name=name)
