"""Upload sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from moorage.domain.digest import Digest
from moorage.domain.uploads import StagedBytes, UploadSession
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


def find(tx: Tx, upload_id: str) -> UploadSession | None:
    """Look up a session that goes on."""
    row = tx.one(_SQL.find, id=upload_id)
    return None if row is None else _session(row)


def _session(row: Row) -> UploadSession:
    hashed = row["hashed"] if row["hashed_bytes"] == row["offset_bytes"] else None
    return UploadSession(
        id=row["id"],
        repository_id=row["repository_id"],
        algorithm=row["algorithm"],
        offset=row["offset_bytes"],
        closing=Digest.parse(row["digest"]) if row["digest"] else None,
        state=row["state"] or "",
        hashed=Digest.stored(hashed) if hashed else None,
    )


def advance(
    tx: Tx,
    session: UploadSession,
    staged: StagedBytes,
    hashed: Digest | None,
    *,
    now: datetime,
) -> bool:
    """Move a session on; return whether it was where the writer began.

    ``hashed`` is the digest of all that is staged, if it may be relied upon later.
    """
    changed = tx.run(
        _SQL.advance,
        id=session.id,
        old_offset_bytes=session.offset,
        offset_bytes=staged.length,
        state=staged.state,
        hashed=str(hashed) if hashed else None,
        now_us=to_us(now),
    )
    return changed == 1


def close(
    tx: Tx,
    session: UploadSession,
    staged: StagedBytes,
    digest: Digest,
    *,
    now: datetime,
) -> bool:
    """Settle what a session becomes; return whether it was where the writer began."""
    changed = tx.run(
        _SQL.close,
        id=session.id,
        old_offset_bytes=session.offset,
        offset_bytes=staged.length,
        state=staged.state,
        digest=str(digest),
        now_us=to_us(now),
    )
    return changed == 1


def finish(tx: Tx, upload_id: str) -> bool:
    """Forget a session that became a blob; return whether it was still going on."""
    return tx.run(_SQL.finish, id=upload_id) == 1


def fulfil(tx: Tx, upload_id: str, digest: Digest, *, now: datetime) -> bool:
    """End a session by a blob that is there; return whether it was still going on."""
    changed = tx.run(_SQL.fulfil, id=upload_id, digest=str(digest), now_us=to_us(now))
    return changed == 1


def find_fulfilment(tx: Tx, upload_id: str) -> Digest | None:
    """Return by which blob a session was ended, while that is not forgotten."""
    row = tx.one(_SQL.fulfilment, id=upload_id)
    return None if row is None else Digest.stored(row["fulfilled_by"])


def forget_fulfilled(tx: Tx, before: datetime) -> None:
    """Drop sessions that were ended so before a time."""
    tx.run(_SQL.forget_fulfilled, before_us=to_us(before))


def end(tx: Tx, upload_id: str, *, now: datetime) -> UploadSession | None:
    """Stop a session for every writer, for good; return what it had come to."""
    row = tx.one(_SQL.end, id=upload_id, now_us=to_us(now))
    return None if row is None else _session(row)


def delete(tx: Tx, upload_id: str) -> bool:
    """Forget a session; return whether it was there."""
    return tx.run(_SQL.delete, id=upload_id) == 1


def list_living(tx: Tx, upload_ids: Sequence[str]) -> set[str]:
    """Return those ids that belong to a session."""
    return {row["id"] for row in tx.all(_SQL.living, ids=list(upload_ids))}


def list_stale(tx: Tx, before: datetime, limit: int) -> list[UploadSession]:
    """Return the sessions without progress since ``before``, oldest first."""
    rows = tx.all(_SQL.stale, before_us=to_us(before), limit=limit)
    return [_session(row) for row in rows]


def is_stale(tx: Tx, upload_id: str, before: datetime) -> bool:
    """Whether a session is there and still without progress."""
    return tx.one(_SQL.is_stale, id=upload_id, before_us=to_us(before)) is not None
