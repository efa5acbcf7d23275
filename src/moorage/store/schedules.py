"""Work that comes round."""

from __future__ import annotations

from datetime import datetime, timedelta

from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store.times import to_us

_SQL = load("schedules")


def claim(tx: Tx, kind: str, every: timedelta, *, now: datetime) -> bool:
    """Take the turn of a kind of work, if it is due; return whether it was.

    A kind that was never seen is due at once. Turns that were missed are one turn.
    """
    tx.run(_SQL.add, kind=kind, now_us=to_us(now))
    moved = tx.run(_SQL.claim, kind=kind, now_us=to_us(now), next_us=to_us(now + every))
    return moved == 1
