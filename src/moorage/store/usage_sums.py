"""Listed and unique bytes of repositories, kept by the writes that change them.

Every such write adds a row in its own transaction; ``fold`` puts the rows into sums,
and who asks adds up both. Additions can be made in any order: nobody locks a sum to
push.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from moorage.domain.usage import Sums
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import quotas, repository_keys, schedules

TURN = "fold_usage"
"""The turn of those who fold, or add up what is folded: two at once could each miss
what the other is about to write."""

_SQL = load("usage_sums")


def note(tx: Tx, repository_id: int, change: Sums) -> None:
    """Remember by how much a repository changed, in the transaction that did it.

    By nothing, if it was another of the things that lists of repositories go by.
    """
    tx.run(_SQL.note, repository_id=repository_id, **change._asdict())


def note_link(tx: Tx, repository_id: int, blob_id: int) -> None:
    """Remember that a repository holds a blob from now on."""
    tx.run(_SQL.note_link, repository_id=repository_id, blob_id=blob_id)


def note_links_of(tx: Tx, repository_id: int) -> None:
    """Remember all that a repository was made with."""
    tx.run(_SQL.note_links_of, repository_id=repository_id)


def note_unlinked(tx: Tx, link_ids: Sequence[int]) -> None:
    """Remember that links are about to go, whose rows are locked."""
    tx.run(_SQL.note_unlinked, ids=list(link_ids))


def has_changes(tx: Tx) -> bool:
    """Whether there is anything to fold, or to add up."""
    return tx.one(_SQL.any_change) is not None or quotas.has_uncounted(tx)


def fold(tx: Tx, limit: int, *, now: datetime) -> int:
    """Put changes into sums, those of quotas as well; let lists of repositories follow.

    Returns how many; none while somebody else has the turn.
    """
    if not schedules.claim(tx, TURN, timedelta(0), now=now):
        return 0
    rows = tx.all(_SQL.take, limit=limit)
    sums = _by_repository(rows)
    if sums:
        tx.run(_SQL.add, added=[(each, *sums[each]) for each in sorted(sums)])
        quotas.add(tx, sums)
    quotas.add_up(tx)
    # Last: whoever pushes waits for the rows of repositories that this changes.
    repository_keys.follow(tx, sorted(sums))
    return len(rows)


def list_changed(tx: Tx, limit: int) -> list[int]:
    """Return repositories of which there are changes to fold."""
    return [row["repository_id"] for row in tx.all(_SQL.list_changed, limit=limit)]


def of_each(tx: Tx, repository_ids: Sequence[int]) -> dict[int, Sums]:
    """Return what repositories take up, each by its id."""
    sums = _by_repository(tx.all(_SQL.list_sums, ids=list(repository_ids)))
    return {each: sums.get(each, Sums()) for each in repository_ids}


def recount(tx: Tx, repository_ids: Sequence[int]) -> dict[int, Sums]:
    """Add the same up from tags and links."""
    return _by_repository(tx.all(_SQL.recount, ids=list(repository_ids)))


def list_repositories(tx: Tx, after: int, limit: int) -> list[int]:
    """List ids of repositories, deleted ones too, those behind ``after``."""
    rows = tx.all(_SQL.list_repositories, after=after, limit=limit)
    return [row["id"] for row in rows]


def _by_repository(rows: Sequence[Row]) -> dict[int, Sums]:
    found: dict[int, Sums] = {}
    for row in rows:
        change = Sums(row["listed_bytes"], row["unique_bytes"])
        known = found.get(row["repository_id"], Sums())
        found[row["repository_id"]] = known.plus(change)
    return found
