"""Sessions of people who signed in with their password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store.times import from_us, to_us

_SQL = load("sessions")


@dataclass(frozen=True, slots=True)
class Session:
    """Whose it is, and until when it lasts."""

    account_id: int
    expires_at: datetime


def create(tx: Tx, secret_hash: str, session: Session, *, now: datetime) -> None:
    """Begin a session.

    Raises:
        ConflictError: Another has that secret.
    """
    tx.run(
        _SQL.create,
        secret_hash=secret_hash,
        account_id=session.account_id,
        expires_at_us=to_us(session.expires_at),
        now_us=to_us(now),
    )


def find(tx: Tx, secret_hash: str, *, now: datetime) -> Session | None:
    """Return a session that lasts still."""
    row = tx.one(_SQL.find, secret_hash=secret_hash, now_us=to_us(now))
    if row is None:
        return None
    return Session(row["account_id"], from_us(row["expires_at_us"]))


def delete(tx: Tx, secret_hash: str) -> bool:
    """End a session."""
    return tx.run(_SQL.delete, secret_hash=secret_hash) == 1


def delete_of_account(tx: Tx, account_id: int) -> int:
    """End all of somebody's sessions; return how many there were."""
    return tx.run(_SQL.delete_of_account, account_id=account_id)


def delete_expired(tx: Tx, *, now: datetime) -> int:
    """Forget the sessions that are over; return how many."""
    return tx.run(_SQL.delete_expired, now_us=to_us(now))
