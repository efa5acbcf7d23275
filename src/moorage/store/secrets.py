"""Secrets of the installation, shared by every process of it."""

from __future__ import annotations

from datetime import datetime

from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store.times import to_us

_SQL = load("secrets")


def ensure(tx: Tx, name: str, fresh: bytes, *, now: datetime) -> bytes:
    """Return the secret of that name, which ``fresh`` becomes if there is none."""
    tx.run(_SQL.put, name=name, secret=fresh, now_us=to_us(now))
    row = tx.one(_SQL.get, name=name)
    if row is None:
        raise AssertionError
    return bytes(row["secret"])
