"""Collection: what nothing reaches, step by step.

Each function does one batch in the caller's transaction and says what it did. Any of
them may be repeated at any time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.digest import Digest
from moorage.domain.sizes import reach
from moorage.ports.blobs import BlobKey
from moorage.ports.database import Row, Tx
from moorage.ports.query import Query, load
from moorage.store import manifests, usage_sums
from moorage.store.times import from_us, to_us

_SQL = load("garbage")


@dataclass(frozen=True, slots=True)
class Looked:
    """How many rows a batch looked at, and how many of them it removed."""

    at: int
    removed: int


@dataclass(frozen=True, slots=True)
class Due:
    """Of which kinds something is to be looked at by now."""

    holds: bool
    manifests: bool
    links: bool
    blobs: bool
    tombstones: bool


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A blob that no request can find any more, and whose object may go.

    ``failures`` counts how often the object could not be deleted.
    """

    id: int
    key: BlobKey
    size_bytes: int
    failures: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Who stopped collection, and when."""

    actor: str
    paused_at: datetime


def find_due(tx: Tx, *, now: datetime) -> Due:
    """Say where a look would find something, which costs no lock."""
    row = tx.one(_SQL.due)
    if row is None:
        raise AssertionError

    def is_past(name: str) -> bool:
        return row[name] is not None and row[name] <= to_us(now)

    return Due(
        holds=is_past("holds_us"),
        manifests=is_past("manifests_us"),
        links=is_past("links_us"),
        blobs=is_past("blobs_us"),
        tombstones=is_past("tombstones_us"),
    )


def sweep_manifests(tx: Tx, limit: int, *, now: datetime) -> Looked:
    """Look at manifests whose lease has run out; remove those nothing reaches."""
    due, dead = _look(tx, _SQL.due_manifests, _SQL.reached_manifests, limit, now)
    looked = len(due)
    lost = _find_lost(tx, set(due).difference(dead), now)
    if lost.all:
        # What could give one of them another keeper waits for these locks. Whoever was
        # faster is seen by the second look.
        rows = tx.all(_SQL.lock_manifests, ids=sorted(lost.all))
        locked = {row["id"] for row in rows}
        again = _find_lost(tx, lost.asked, now)
        if again.all <= locked:
            dead = sorted(again.all.union(dead))
        else:
            due = [each for each in due if each not in lost.asked]
    _park(tx, _SQL.park_manifests, due, dead)
    if dead:
        for wake in (_SQL.wake_children, _SQL.wake_referrers, _SQL.wake_links):
            tx.run(wake, ids=dead, now_us=to_us(now))
        tx.run(_SQL.drop_manifests, ids=dead)
    return Looked(looked, len(dead))


@dataclass(frozen=True, slots=True)
class _Lost:
    """Manifests that keep each other while nothing else keeps any of them.

    ``asked`` are those that the question was about; ``all`` go together, so that no
    index goes on without what it lists.
    """

    asked: set[int]
    all: set[int]


def _find_lost(tx: Tx, ids: set[int], now: datetime) -> _Lost:
    """Find those of manifests that only manifests keep, up to the last of these.

    An index that lists what it is about is one: each of the two keeps the other.
    """
    kept_by: dict[int, list[int]] = defaultdict(list)
    roots: set[int] = set()
    seen, frontier = set(ids), set(ids)
    while frontier:
        rows = tx.all(_SQL.rooted_manifests, ids=sorted(frontier), now_us=to_us(now))
        rooted = {row["id"] for row in rows}
        roots |= rooted
        for keeper, kept in manifests.keepers(tx, frontier - rooted):
            kept_by[keeper].append(kept)
        frontier = kept_by.keys() - seen
        seen |= frontier
    alive = reach(roots, kept_by)
    return _Lost(ids - alive, seen - alive)


def sweep_links(tx: Tx, limit: int, *, now: datetime) -> Looked:
    """Look at links whose lease has run out; remove those no manifest uses."""
    due, dead = _look(tx, _SQL.due_links, _SQL.reached_links, limit, now)
    if dead and tx.run(_SQL.adopt, ids=dead):
        dead = _unreached(tx, _SQL.reached_links, dead)
    _park(tx, _SQL.park_links, due, dead)
    if dead:
        tx.run(_SQL.wake_blobs, ids=dead, now_us=to_us(now))
        usage_sums.note_unlinked(tx, dead)
        tx.run(_SQL.drop_links, ids=dead)
    return Looked(len(due), len(dead))


def entomb_blobs(
    tx: Tx, limit: int, *, retry_at: datetime, now: datetime
) -> tuple[Looked, list[Tombstone]]:
    """Look at blobs whose lease has run out; hide for good those in no repository.

    The caller deletes the objects; from ``retry_at`` on somebody else may.
    """
    due, dead = _look(tx, _SQL.due_blobs, _SQL.reached_blobs, limit, now)
    _park(tx, _SQL.park_blobs, due, dead)
    if not dead:
        return Looked(len(due), 0), []
    rows = tx.all(
        _SQL.entomb_blobs, ids=dead, retry_at_us=to_us(retry_at), now_us=to_us(now)
    )
    return Looked(len(due), len(dead)), [_tombstone(row) for row in rows]


def claim_tombstones(
    tx: Tx, limit: int, *, retry_at: datetime, now: datetime
) -> list[Tombstone]:
    """Take over tombstones whose objects are to be deleted again by now."""
    rows = tx.all(
        _SQL.claim_tombstones,
        limit=limit,
        retry_at_us=to_us(retry_at),
        now_us=to_us(now),
    )
    return [_tombstone(row) for row in rows]


def postpone(tx: Tx, tombstone: Tombstone, *, retry_at: datetime) -> None:
    """Leave an object that could not be deleted for later."""
    tx.run(_SQL.postpone, id=tombstone.id, retry_at_us=to_us(retry_at))


def drop_blobs(tx: Tx, blob_ids: Sequence[int]) -> None:
    """Forget tombstones whose objects are gone."""
    tx.run(_SQL.drop_blobs, ids=list(blob_ids))


def _look(
    tx: Tx, due: Query, reached: Query, limit: int, now: datetime
) -> tuple[list[int], list[int]]:
    rows = tx.all(due, limit=limit, now_us=to_us(now))
    ids = [row["id"] for row in rows]
    return ids, _unreached(tx, reached, ids)


def _unreached(tx: Tx, reached: Query, ids: Sequence[int]) -> list[int]:
    if not ids:
        return []
    alive = {row["id"] for row in tx.all(reached, ids=ids)}
    return [each for each in ids if each not in alive]


def _park(tx: Tx, query: Query, due: list[int], dead: list[int]) -> None:
    gone = set(dead)
    alive = [each for each in due if each not in gone]
    if alive:
        tx.run(query, ids=alive)


def _tombstone(row: Row) -> Tombstone:
    key = BlobKey(Digest.parse(row["digest"]), row["generation"])
    return Tombstone(row["id"], key, row["size_bytes"], row["failures"])


def count(
    tx: Tx,
    *,
    manifests: int = 0,
    links: int = 0,
    blobs: int = 0,
    freed_bytes: int = 0,
    errors: int = 0,
    last_error: str | None = None,
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
        errors=errors,
        last_error=last_error,
    )


def find_pause(tx: Tx) -> Pause | None:
    """Return who stopped collection, and when, if somebody did."""
    row = tx.one(_SQL.paused)
    return None if row is None else Pause(row["actor"], from_us(row["paused_at_us"]))


def pause(tx: Tx, *, actor: str, now: datetime) -> None:
    """Stop collection until ``resume``."""
    tx.run(_SQL.pause, actor=actor, now_us=to_us(now))


def resume(tx: Tx) -> None:
    """Let collection go on."""
    tx.run(_SQL.resume)
