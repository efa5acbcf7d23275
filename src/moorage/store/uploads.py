"""Upload sessions."""

from __future__ import annotations

from datetime import datetime

from moorage.domain.digest import Digest
from moorage.domain.uploads import UploadSession
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.times import to_us

_SQL = load("uploads")


def create(
    tx: Tx, upload_id: str, repository_id: int, algorithm: str, *, now: datetime
) -> None:
    """Record a new session."""
    tx.run(
        _SQL.create,
        id=upload_id,
        repository_id=repository_id,
        algorithm=algorithm,
        now_us=to_us(now),
    )


def find(tx: Tx, path: str, upload_id: str) -> UploadSession | None:
    """Look up a session of a repository."""
    row = tx.one(_SQL.find, path=path, id=upload_id)
    return None if row is None else _session(row)


def find_by_id(tx: Tx, upload_id: str) -> UploadSession | None:
    """Look up a session wherever it belongs."""
    row = tx.one(_SQL.find_by_id, id=upload_id)
    return None if row is None else _session(row)


def _session(row: Row) -> UploadSession:
    return UploadSession(
        id=row["id"],
        repository_id=row["repository_id"],
        algorithm=row["algorithm"],
        offset=row["offset_bytes"],
        closing=Digest.parse(row["digest"]) if row["digest"] else None,
    )


def advance(tx: Tx, session: UploadSession, offset: int, *, now: datetime) -> bool:
    """Move a session's offset on; return whether it was where the writer began."""
    changed = tx.run(
        _SQL.advance,
        id=session.id,
        old_offset_bytes=session.offset,
        offset_bytes=offset,
        now_us=to_us(now),
    )
    return changed == 1


def close(
    tx: Tx, session: UploadSession, offset: int, digest: Digest, *, now: datetime
) -> bool:
    """Settle what a session becomes; return whether it was where the writer began."""
    changed = tx.run(
        _SQL.close,
        id=session.id,
        old_offset_bytes=session.offset,
        offset_bytes=offset,
        digest=str(digest),
        now_us=to_us(now),
    )
    return changed == 1


def delete(tx: Tx, upload_id: str) -> bool:
    """Forget a session; return whether it was there."""
    return tx.run(_SQL.delete, id=upload_id) == 1


def list_stale(tx: Tx, before: datetime, limit: int) -> list[UploadSession]:
    """Return the sessions without progress since ``before``, oldest first."""
    rows = tx.all(_SQL.stale, before_us=to_us(before), limit=limit)
    return [_session(row) for row in rows]


def is_stale(tx: Tx, upload_id: str, before: datetime) -> bool:
    """Whether a session is there and still without progress."""
    return tx.one(_SQL.is_stale, id=upload_id, before_us=to_us(before)) is not None
