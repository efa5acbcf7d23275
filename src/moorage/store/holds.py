"""Holds on tags and on digests.

Collection keeps what a hold names by digest; ``store/tags.py`` keeps what it names by
tag. A hold that ends, of itself or because somebody removes it, has collection look at
the image again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from moorage.domain.digest import Digest
from moorage.domain.errors import (
    ConflictError,
    ManifestUnknownError,
    RepositoryUnknownError,
    TagUnknownError,
)
from moorage.domain.holds import Hold, NewHold
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.times import from_us, from_us_or_none, to_us, to_us_or_none

_SQL = load("holds")

_ONE = 1


def create(tx: Tx, new: NewHold, *, now: datetime) -> Hold:
    """Hold a tag and what it points to, or a digest.

    Raises:
        TagUnknownError: There is no such tag.
        ManifestUnknownError: There is no such manifest.
        ConflictError: The repository is being deleted.
    """
    _check_repository(tx, new.repository_id)
    digest = _digest(tx, new)
    found = tx.one(
        _SQL.lock_manifest, repository_id=new.repository_id, digest=str(digest)
    )
    if found is None:
        raise ManifestUnknownError(reference=str(digest))
    row = tx.one(
        _SQL.create,
        repository_id=new.repository_id,
        tag=new.tag,
        digest=str(digest),
        reason=new.reason,
        actor=new.actor,
        expires_at_us=to_us_or_none(new.expires_at),
        now_us=to_us(now),
    )
    if row is None:
        raise AssertionError
    return Hold(row["id"], new.tag, digest, new.reason, new.actor, now, new.expires_at)


def _check_repository(tx: Tx, repository_id: int) -> None:
    row = tx.one(_SQL.lock_repository, repository_id=repository_id)
    if row is None:
        raise RepositoryUnknownError(id=repository_id)
    if row["status"] in ("delete_scheduled", "delete_ongoing"):
        raise ConflictError("the repository is being deleted")


def _digest(tx: Tx, new: NewHold) -> Digest:
    if new.digest is not None:
        return new.digest
    row = tx.one(_SQL.lock_tag, repository_id=new.repository_id, tag=new.tag)
    if row is None:
        raise TagUnknownError(tag=new.tag)
    return Digest.parse(row["digest"])


def list_page(
    tx: Tx, repository_id: int, *, offset: int, limit: int, now: datetime
) -> list[Hold]:
    """List a repository's holds, oldest first."""
    rows = tx.all(
        _SQL.list_page,
        repository_id=repository_id,
        offset=offset,
        limit=limit,
        now_us=to_us(now),
    )
    return [_hold(row) for row in rows]


def count(tx: Tx, repository_id: int, *, now: datetime) -> int:
    """Count a repository's holds."""
    row = tx.one(_SQL.count, repository_id=repository_id, now_us=to_us(now))
    return row["total"] if row else 0


def list_of_digests(
    tx: Tx, repository_id: int, digests: Sequence[Digest], limit: int, *, now: datetime
) -> list[Hold]:
    """List the holds that keep manifests, oldest first."""
    rows = tx.all(
        _SQL.list_of_digests,
        repository_id=repository_id,
        digests=[str(digest) for digest in digests],
        limit=limit,
        now_us=to_us(now),
    )
    return [_hold(row) for row in rows]


def find_on_digest(
    tx: Tx, repository_id: int, digest: Digest, *, now: datetime
) -> Hold | None:
    """Return a hold that keeps a manifest, if there is one."""
    found = list_of_digests(tx, repository_id, [digest], _ONE, now=now)
    return found[0] if found else None


def list_of_tags(
    tx: Tx, repository_id: int, names: Sequence[str], *, now: datetime
) -> list[Hold]:
    """List the holds that keep some of these tags, oldest first."""
    rows = tx.all(
        _SQL.list_of_tags,
        repository_id=repository_id,
        names=list(names),
        now_us=to_us(now),
    )
    return [_hold(row) for row in rows]


def held_tags(tx: Tx, repository_id: int, *, now: datetime) -> dict[str, str]:
    """Return every held tag of a repository with the reason of its oldest hold."""
    rows = tx.all(_SQL.list_held_tags, repository_id=repository_id, now_us=to_us(now))
    return {row["tag"]: row["reason"] for row in rows}


def delete(tx: Tx, repository_id: int, hold_id: int, *, now: datetime) -> bool:
    """End a hold; return whether there was one."""
    return _wake(
        tx,
        tx.all(_SQL.delete, id=hold_id, repository_id=repository_id, now_us=to_us(now)),
        now,
    )


def end_expired(tx: Tx, limit: int, *, now: datetime) -> int:
    """Forget holds that have run out; return how many there were."""
    rows = tx.all(_SQL.end, limit=limit, now_us=to_us(now))
    _wake(tx, rows, now)
    return len(rows)


def _wake(tx: Tx, rows: Sequence[Row], now: datetime) -> bool:
    for row in rows:
        tx.run(
            _SQL.wake,
            repository_id=row["repository_id"],
            digest=row["digest"],
            now_us=to_us(now),
        )
    return bool(rows)


def _hold(row: Row) -> Hold:
    return Hold(
        id=row["id"],
        tag=row["tag"],
        digest=Digest.parse(row["digest"]),
        reason=row["reason"],
        actor=row["actor"],
        created_at=from_us(row["created_at_us"]),
        expires_at=from_us_or_none(row["expires_at_us"]),
    )
