"""Upload sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from moorage.domain.digest import Digest
from moorage.domain.uploads import UploadSession
from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store.times import to_us

_SQL = load("uploads")


@dataclass(frozen=True, slots=True)
class StaleUpload:
    """A session without progress, and the object that it may have left."""

    id: str
    digest: Digest | None


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
    if row is None:
        return None
    return UploadSession(
        id=row["id"],
        repository_id=row["repository_id"],
        algorithm=row["algorithm"],
        offset=row["offset_bytes"],
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


def list_stale(tx: Tx, before: datetime, limit: int) -> list[StaleUpload]:
    """Return the sessions without progress since ``before``, oldest first."""
    rows = tx.all(_SQL.stale, before_us=to_us(before), limit=limit)
    return [
        StaleUpload(row["id"], Digest.parse(row["digest"]) if row["digest"] else None)
        for row in rows
    ]


def delete_stale(tx: Tx, upload_id: str, before: datetime) -> bool:
    """Forget a session if it still is without progress; return whether it was."""
    return tx.run(_SQL.delete_stale, id=upload_id, before_us=to_us(before)) == 1
