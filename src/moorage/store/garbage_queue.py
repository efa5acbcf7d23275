"""What waits for collection, what it will free and when, and what it did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import sizes
from moorage.store.times import from_us, to_us

_SQL = load("garbage_queue")

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Candidates:
    """How many rows there are of each kind."""

    manifests: int
    links: int
    blobs: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.manifests + self.links + self.blobs


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows collection looks at: by now, and later when a lease runs out.

    A candidate may turn out to be in use. ``tombstones`` are objects on their way out.
    """

    due: Candidates
    leased: Candidates
    tombstones: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bytes that go in which hour, were nothing else to happen.

    ``complete`` is ``False`` where there was too much to look at all of it.
    """

    hours: list[tuple[datetime, int]]
    complete: bool


@dataclass(frozen=True, slots=True)
class Hour:
    """What collection did in an hour."""

    begun_at: datetime
    manifests: int
    links: int
    blobs: int
    freed_bytes: int
    errors: int
    last_error: str | None


def count(tx: Tx, *, now: datetime) -> Counts:
    """Count what there is to look at."""
    row = tx.one(_SQL.counts, now_us=to_us(now))
    if row is None:
        raise AssertionError
    return Counts(
        _candidates(row, "due"), _candidates(row, "leased"), row["tombstones"]
    )


def _candidates(row: Row, kind: str) -> Candidates:
    return Candidates(
        row[f"{kind}_manifests"], row[f"{kind}_links"], row[f"{kind}_blobs"]
    )


def oldest(tx: Tx, *, now: datetime) -> datetime | None:
    """Return since when the oldest candidate is due, if there is one."""
    row = tx.one(_SQL.oldest, now_us=to_us(now))
    times = () if row is None else tuple(row[name] for name in row.keys())  # noqa: SIM118 (SQLite's rows iterate over values)
    found = [time for time in times if time is not None]
    return from_us(min(found)) if found else None


def forecast(tx: Tx, limit: int, *, now: datetime) -> Forecast:
    """Say how many bytes go in which hour; what is overdue goes in this one.

    Looks at up to ``limit`` manifests and blobs under a lease, those due first.
    """
    rows = tx.all(_SQL.forecast_unused, limit=limit)
    leased = tx.all(_SQL.leased, limit=limit)
    complete = max(len(rows), len(leased)) < limit
    due = _leaving(tx, {row["id"]: row["lease_until_us"] for row in leased}, now)
    if due:
        rows += tx.all(_SQL.forecast_used, leaving=list(due.items()))
    this_hour = _hour(now)
    found = {this_hour: _tombstone_bytes(tx)}
    for row in rows:
        hour = max(_hour(from_us(max(_times(row)))), this_hour)
        found[hour] = found.get(hour, 0) + row["size_bytes"]
    return Forecast([(hour, found[hour]) for hour in sorted(found)], complete)


def _leaving(tx: Tx, leased: Mapping[int, int], now: datetime) -> dict[int, int]:
    """Return the manifests that go, and when: those leased, and what only they keep.

    Each goes when its own lease, the holds on it and whatever keeps it have ended.
    """
    due = dict(leased)
    kept_by: dict[int, list[int]] = defaultdict(list)
    frontier = set(due)
    while frontier:
        steps = tx.all(_SQL.below, ids=list(frontier))
        frontier = {step["kept"] for step in steps} - due.keys()
        for step in steps:
            kept_by[step["keeper"]].append(step["kept"])
            due.setdefault(step["kept"], step["lease_until_us"] or 0)
    for row in tx.all(_SQL.hold_ends, ids=list(due), now_us=to_us(now)):
        due[row["id"]] = max(due[row["id"]], row["ends_at_us"])
    living = sizes.alive(tx, set(due))
    leaving = {each: time for each, time in due.items() if each not in living}
    waiting = list(leaving)
    while waiting:
        keeper = waiting.pop()
        for kept in kept_by[keeper]:
            if leaving.get(kept, leaving[keeper]) < leaving[keeper]:
                leaving[kept] = leaving[keeper]
                waiting.append(kept)
    return leaving


def _times(row: Row) -> Iterator[int]:
    yield 0
    for name in row.keys():  # noqa: SIM118 (SQLite's rows iterate over values)
        if name.endswith("due_us") and row[name] is not None:
            yield row[name]


def _tombstone_bytes(tx: Tx) -> int:
    row = tx.one(_SQL.tombstone_bytes)
    return row["total"] if row else 0


def list_hours(tx: Tx, *, since: datetime) -> list[Hour]:
    """List what collection did, the last hour first, without hours of no work."""
    return [
        Hour(
            begun_at=from_us(row["hour_us"]),
            manifests=row["manifests"],
            links=row["links"],
            blobs=row["blobs"],
            freed_bytes=row["freed_bytes"],
            errors=row["errors"],
            last_error=row["last_error"],
        )
        for row in tx.all(_SQL.hours, since_us=to_us(_hour(since)))
    ]


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
