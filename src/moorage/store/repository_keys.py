"""What lists of repositories go by, as it is and as the lists have it.

The lists' own copy follows the writes when their changes are folded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from moorage.ports.database import Tx
from moorage.ports.query import load

_SQL = load("repository_keys")


class Keys(NamedTuple):
    """A repository, and what it is ordered by: what never happened is 0."""

    id: int
    tags_key: int
    pushed_key: int
    pulled_key: int
    size_key: int


def list_keys(tx: Tx, repository_ids: Sequence[int]) -> list[Keys]:
    """Return what repositories are ordered by, as it is now."""
    if not repository_ids:
        return []
    rows = tx.all(_SQL.list_keys, ids=list(repository_ids))
    return [Keys(**row) for row in rows]


def follow(tx: Tx, repository_ids: Sequence[int]) -> None:
    """Bring the lists up to date; who folds has the turn, so nobody is overtaken."""
    keys = list_keys(tx, repository_ids)
    for table in ("namespace_repository", "repository") if keys else ():
        tx.run(_SQL.variant("set_keys", table=table), keys=keys)


def list_stale(tx: Tx, repository_ids: Sequence[int]) -> list[int]:
    """Return repositories that lists have wrong, with no change noted to follow."""
    keys = list_keys(tx, repository_ids)
    return [row["id"] for row in tx.all(_SQL.list_stale, keys=keys)]
