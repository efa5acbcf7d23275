"""What a search finds tags by: every text that some tag's name begins with.

A name has as many beginnings as characters, scattered over the whole index. So a tag
that comes or goes is only noted, and sorted in later, in small batches by whoever has
the turn. Until then a search looks at what was noted as well. What begins no tag any
more finds none: it is in the way of nothing but itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store import schedules
from moorage.store.beginnings import backwards, outermost, range_of
from moorage.store.times import from_us, to_us

MANY = 250
"""From so many beginnings on they are counted before they are read."""

TURN = "sort_tags"
"""The turn of those who sort in: two at once could drop what the other just needs."""

_SQL = load("tag_search")


def note(tx: Tx, repository_id: int, names: Iterable[str], *, now: datetime) -> None:
    """Remember names of tags that came or went, in the transaction that did it."""
    tx.run(
        _SQL.note, repository_id=repository_id, names=sorted(names), now_us=to_us(now)
    )


def oldest(tx: Tx) -> datetime | None:
    """Say since when the first of the noted names waits; ``None`` if there is none."""
    row = tx.one(_SQL.oldest)
    return None if row is None else from_us(row["changed_at_us"])


def sort_in(tx: Tx, limit: int, *, before: datetime, now: datetime) -> int:
    """Bring beginnings up to date for names noted by a time; return how many.

    None while somebody else has the turn.
    """
    if not schedules.claim(tx, TURN, timedelta(0), now=now):
        return 0
    taken: dict[int, set[str]] = defaultdict(set)
    rows = tx.all(_SQL.take, limit=limit, before_us=to_us(before))
    for row in rows:
        taken[row["repository_id"]].add(row["name"])
    for repository_id, names in sorted(taken.items()):
        _sort_in(tx, repository_id, sorted(names))
    return len(rows)


def _sort_in(tx: Tx, repository_id: int, names: list[str]) -> None:
    rows = tx.all(_SQL.list_there, repository_id=repository_id, names=names)
    there = {row["name"] for row in rows}
    if there:
        tx.run(_SQL.add, repository_id=repository_id, beginnings=backwards(there))
    gone = [name for name in names if name not in there]
    spare = {each[::-1] for each in _unused(tx, repository_id, gone)}
    if spare:
        tx.run(_SQL.drop, repository_id=repository_id, beginnings=sorted(spare))


def _unused(tx: Tx, repository_id: int, names: list[str]) -> Iterator[str]:
    """Yield what no tag begins with any more.

    Tags that begin alike are side by side: what a name shares with neither neighbour it
    shares with no other tag.
    """
    for row in tx.all(_SQL.list_neighbours, repository_id=repository_id, names=names):
        name = row["name"]
        shared = max(_shared(name, row["before"]), _shared(name, row["behind"]))
        yield from (name[:length] for length in range(shared + 1, len(name) + 1))


def _shared(name: str, other: str | None) -> int:
    """Return how many characters two names begin with alike."""
    pairs = enumerate(zip(name, other or "", strict=False))
    differing = (at for at, (one, another) in pairs if one != another)
    return next(differing, min(len(name), len(other or "")))


def find_beginnings(
    tx: Tx, repository_id: int, part: str, limit: int
) -> list[str] | None:
    """Return beginnings of all names that have a part; ``None`` for so many or more.

    None of them begins with another.
    """
    low, high = range_of(part)
    reach = {"repository_id": repository_id, "low": low, "high": high}
    sorted_in = tx.all(_SQL.list_beginnings, **reach, limit=MANY)
    if len(sorted_in) == MANY:
        # Counting costs far less than reading them for nothing.
        row = tx.one(_SQL.count_beginnings, **reach, limit=limit)
        if row is None or row["total"] == limit:
            return None
        sorted_in = tx.all(_SQL.list_beginnings, **reach, limit=limit)
    noted = tx.all(
        _SQL.list_changed, repository_id=repository_id, part=part, limit=limit
    )
    found = {row["backwards"][::-1] for row in sorted_in}
    found |= {row["name"] for row in noted}
    return outermost(found) if len(found) < limit else None
