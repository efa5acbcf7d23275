"""Collection: what nothing reaches, step by step.

Each function does one batch in the caller's transaction and says what it did. Any of
them may be repeated at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.digest import Digest
from moorage.ports.blobs import BlobKey
from moorage.ports.database import Row, Tx
from moorage.ports.query import Query, load
from moorage.store.times import to_us

_SQL = load("garbage")


@dataclass(frozen=True, slots=True)
class Looked:
    """How many rows a batch looked at, and how many of them it removed."""

    at: int
    removed: int


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A blob that no request can find any more, and whose object may go."""

    id: int
    key: BlobKey
    size_bytes: int


def sweep_manifests(tx: Tx, limit: int, *, now: datetime) -> Looked:
    """Look at manifests whose lease has run out; remove those nothing reaches."""
    due, dead = _look(tx, _SQL.due_manifests, _SQL.reached_manifests, limit, now)
    _park(tx, _SQL.park_manifests, due, dead, now_us=to_us(now))
    if dead:
        for wake in (_SQL.wake_children, _SQL.wake_referrers, _SQL.wake_links):
            tx.run(wake, ids=dead, now_us=to_us(now))
        tx.run(_SQL.drop_manifests, ids=dead)
    return Looked(len(due), len(dead))


def sweep_links(tx: Tx, limit: int, *, now: datetime) -> Looked:
    """Look at links whose lease has run out; remove those no manifest uses."""
    due, dead = _look(tx, _SQL.due_links, _SQL.reached_links, limit, now)
    _park(tx, _SQL.park_links, due, dead)
    if dead:
        tx.run(_SQL.wake_blobs, ids=dead, now_us=to_us(now))
        tx.run(_SQL.drop_links, ids=dead)
    return Looked(len(due), len(dead))


def entomb_blobs(
    tx: Tx, limit: int, *, now: datetime
) -> tuple[Looked, list[Tombstone]]:
    """Look at blobs whose lease has run out; hide for good those in no repository."""
    due, dead = _look(tx, _SQL.due_blobs, _SQL.reached_blobs, limit, now)
    _park(tx, _SQL.park_blobs, due, dead)
    rows = tx.all(_SQL.entomb_blobs, ids=dead, now_us=to_us(now)) if dead else []
    return Looked(len(due), len(dead)), [_tombstone(row) for row in rows]


def claim_tombstones(
    tx: Tx, limit: int, *, before: datetime, now: datetime
) -> list[Tombstone]:
    """Take over tombstones that somebody began with before ``before``."""
    rows = tx.all(
        _SQL.claim_tombstones,
        limit=limit,
        before_us=to_us(before),
        now_us=to_us(now),
    )
    return [_tombstone(row) for row in rows]


def drop_blobs(tx: Tx, blob_ids: Sequence[int]) -> None:
    """Forget tombstones whose objects are gone."""
    tx.run(_SQL.drop_blobs, ids=list(blob_ids))


def _look(
    tx: Tx, due: Query, reached: Query, limit: int, now: datetime
) -> tuple[list[int], list[int]]:
    rows = tx.all(due, limit=limit, now_us=to_us(now))
    ids = [row["id"] for row in rows]
    if not ids:
        return [], []
    alive = {row["id"] for row in tx.all(reached, ids=ids, now_us=to_us(now))}
    return ids, [each for each in ids if each not in alive]


def _park(
    tx: Tx, query: Query, due: list[int], dead: list[int], **parameters: int
) -> None:
    gone = set(dead)
    alive = [each for each in due if each not in gone]
    if alive:
        tx.run(query, ids=alive, **parameters)


def _tombstone(row: Row) -> Tombstone:
    key = BlobKey(Digest.parse(row["digest"]), row["generation"])
    return Tombstone(row["id"], key, row["size_bytes"])


def count(
    tx: Tx,
    *,
    manifests: int = 0,
    links: int = 0,
    blobs: int = 0,
    freed_bytes: int = 0,
    error: str | None = None,
    now: datetime,
) -> None:
    """Add to what collection did in this hour."""
    tx.run(
        _SQL.count,
        hour_us=to_us(now.replace(minute=0, second=0, microsecond=0)),
        manifests=manifests,
        links=links,
        blobs=blobs,
        freed_bytes=freed_bytes,
        errors=0 if error is None else 1,
        last_error=error,
    )


def is_paused(tx: Tx) -> bool:
    """Whether an administrator stopped collection."""
    return tx.one(_SQL.paused) is not None


def pause(tx: Tx, *, actor: str, now: datetime) -> None:
    """Stop collection until ``resume``."""
    tx.run(_SQL.pause, actor=actor, now_us=to_us(now))


def resume(tx: Tx) -> None:
    """Let collection go on."""
    tx.run(_SQL.resume)
