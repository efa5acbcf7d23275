"""The history of tags: read it, restore from it, end what it keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from moorage.domain.digest import Digest
from moorage.domain.history import PastTag, TagEvent
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import totals
from moorage.store.job_items import Planned
from moorage.store.times import from_us, to_us

REMOVED = "It was removed."

_SQL = load("history")


def list_of_tag(
    tx: Tx, repository_id: int, tag: str, *, offset: int, limit: int
) -> list[TagEvent]:
    """List the moves of a tag, newest first."""
    rows = tx.all(
        _SQL.list_of_tag,
        repository_id=repository_id,
        tag=tag,
        offset=offset,
        limit=limit,
    )
    return [_event(row) for row in rows]


def count_of_tag(tx: Tx, repository_id: int, tag: str) -> int | None:
    """Count the moves of a tag, if they are not too many."""
    row = tx.one(
        _SQL.count_of_tag, repository_id=repository_id, tag=tag, limit=totals.limit()
    )
    return totals.told(row)


def list_of_repository(
    tx: Tx, repository_id: int, *, offset: int, limit: int
) -> list[TagEvent]:
    """List the moves of all tags of a repository, newest first."""
    rows = tx.all(
        _SQL.list_of_repository,
        repository_id=repository_id,
        offset=offset,
        limit=limit,
    )
    return [_event(row) for row in rows]


def count_of_repository(tx: Tx, repository_id: int) -> int | None:
    """Count the moves in a repository, if they are not too many."""
    row = tx.one(
        _SQL.count_of_repository, repository_id=repository_id, limit=totals.limit()
    )
    return totals.told(row)


def pointed(tx: Tx, repository_id: int, tag: str, digest: Digest) -> bool:
    """Whether a tag ever pointed to a digest."""
    row = tx.one(_SQL.pointed, repository_id=repository_id, tag=tag, digest=str(digest))
    return row is not None


def tags_at(
    tx: Tx, repository_id: int, at: datetime, *, offset: int, limit: int
) -> list[PastTag]:
    """List the tags as they were at a time, by name."""
    rows = tx.all(
        _SQL.tags_at,
        repository_id=repository_id,
        at_us=to_us(at),
        offset=offset,
        limit=limit,
    )
    return [PastTag(row["tag"], row["digest"], from_us(row["at_us"])) for row in rows]


def count_tags_at(tx: Tx, repository_id: int, at: datetime) -> int | None:
    """Count what ``tags_at`` lists, if that is not too much."""
    row = tx.one(
        _SQL.count_tags_at,
        repository_id=repository_id,
        at_us=to_us(at),
        limit=totals.limit(),
    )
    return totals.told(row)


def removed_by(tx: Tx, repository_id: int, job_id: int) -> list[Planned]:
    """Return what a job removed, in this order, as items of another one.

    A repository's deletion may have removed a tag twice: the last time counts.
    """
    rows = tx.all(_SQL.removed_by, repository_id=repository_id, job_id=job_id)
    last = {row["tag"]: row["digest"] for row in rows}
    return [(name, digest, REMOVED) for name, digest in last.items()]


def removed_since(tx: Tx, repository_id: int, since: datetime) -> list[Planned]:
    """Return what was removed since a time, and is not back, as items of a job."""
    rows = tx.all(
        _SQL.removed_since, repository_id=repository_id, since_us=to_us(since)
    )
    return _planned(rows)


def missing(tx: Tx, repository_id: int, at: datetime) -> list[Planned]:
    """Return what was there at a time, and is not now, as items of a job."""
    rows = tx.all(_SQL.missing, repository_id=repository_id, at_us=to_us(at))
    return _planned(rows)


def _planned(rows: Iterable[Row]) -> list[Planned]:
    return [(row["tag"], row["digest"], REMOVED) for row in rows]


def left_manifests(tx: Tx, repository_id: int, *, now: datetime) -> list[int]:
    """Return the manifests that were deleted or lost a tag, and are kept for it."""
    rows = tx.all(_SQL.left_manifests, repository_id=repository_id, now_us=to_us(now))
    return [row["id"] for row in rows]


def let_go(
    tx: Tx, manifest_ids: Sequence[int], leaving: Sequence[int], *, now: datetime
) -> int:
    """Have manifests collected that nothing reaches but what is ``leaving`` as well.

    Returns how many.
    """
    ids = list(manifest_ids)
    # Locked first, and looked at afterwards: whoever tagged them meanwhile is seen.
    tx.all(_SQL.lock_manifests, ids=ids)
    return tx.run(_SQL.let_go, ids=ids, leaving=list(leaving), now_us=to_us(now))


def _event(row: Row) -> TagEvent:
    return TagEvent(
        tag=row["tag"],
        action=row["action"],
        digest=row["digest"],
        previous_digest=row["previous_digest"],
        at=from_us(row["at_us"]),
        actor=row["actor"],
        job_id=row["job_id"],
    )
