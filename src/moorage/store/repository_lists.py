"""Lists of the repositories of a project or group: in any order, and searched.

A page is a range of an index, and a search looks up what paths begin with. What the
orders go by is kept behind the writes, by ``follow``; what changed since is put in its
place for each list, so that a list is right at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from moorage.domain.repositories import (
    ALL_REPOSITORIES,
    Repository,
    RepositoryList,
    RepositoryOrder,
    RepositoryOwner,
)
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import path_search, repositories, repository_keys, totals, usage_sums
from moorage.store.beginnings import ranges

COUNT_LIMIT = 10_001
"""No list is counted further: GitLab's API leaves totals out above 10,000."""

CHANGED = 1000
"""So many that changed are put in their places; there are as many only for a moment."""

_COLUMNS = {
    RepositoryOrder.CREATED: "id",
    RepositoryOrder.NAME: "path",
    RepositoryOrder.TAGS: "tags_key",
    RepositoryOrder.PUSHED: "pushed_key",
    RepositoryOrder.PULLED: "pulled_key",
    RepositoryOrder.SIZE: "size_key",
}

_SQL = load("repository_lists")


class Page(NamedTuple):
    """Repositories in order; ``total`` counts all pages, if that is not too much."""

    items: list[Repository]
    total: int | None


def page(
    tx: Tx, owner: RepositoryOwner, wanted: RepositoryList, offset: int, limit: int
) -> Page:
    """Return a page of a list, and how long the list is.

    ``search`` is a part of the name below a project, of the whole path in a group.
    """
    if not wanted.search:
        items = list_page(tx, owner, offset, limit, wanted)
        return Page(items, count(tx, owner))
    part = {"part": wanted.search.lower()}
    if _count(tx, owner, totals.limit()) < totals.limit():
        ids = _list_ids(tx, owner, wanted, offset, limit)
        total: int | None = _count(tx, owner, totals.limit(), **part)
    elif (found := _find(tx, owner, **part)) is not None:
        ids = _in_order(tx, found, wanted)[offset : offset + limit]
        total = len(found)
    else:
        ids, total = _list_ids(tx, owner, wanted, offset, limit), None
    return Page(_whole(tx, ids), total)


def list_page(
    tx: Tx,
    owner: RepositoryOwner,
    offset: int,
    limit: int,
    wanted: RepositoryList = ALL_REPOSITORIES,
) -> list[Repository]:
    """Return a page of a list of all repositories there are."""
    return _whole(tx, _list_ids(tx, owner, wanted, offset, limit))


def count(tx: Tx, owner: RepositoryOwner) -> int:
    """Count repositories, up to ``COUNT_LIMIT``."""
    return _count(tx, owner, COUNT_LIMIT)


def _count(tx: Tx, owner: RepositoryOwner, limit: int, **part: str) -> int:
    search = "part" if part else "none"
    query = _SQL.variant("count", owner=owner.kind, search=search)
    row = tx.one(query, owner_id=owner.id, limit=limit, **part)
    return row["total"] if row else 0


def _list_ids(
    tx: Tx, owner: RepositoryOwner, wanted: RepositoryList, offset: int, limit: int
) -> list[int]:
    chosen = {
        "owner": owner.kind,
        "order": wanted.order,
        "direction": "desc" if wanted.descending else "asc",
        "search": "part" if wanted.search else "none",
    }
    given = {"owner_id": owner.id, "offset": offset, "limit": limit}
    part = {"part": wanted.search.lower()} if wanted.search else {}
    changed = _list_changed(tx, wanted.order)
    if not changed:
        query = _SQL.variant("list_ids", **chosen)
        return _ids(tx.all(query, **given, **part))
    query = _SQL.variant("list_ids_since", **chosen)
    reach = offset + limit
    return _ids(tx.all(query, changed=changed, reach=reach, **given, **part))


def _list_changed(tx: Tx, order: RepositoryOrder) -> list[tuple[int, int]]:
    """Return what an order goes by for those that changed since it was followed."""
    if order in (RepositoryOrder.CREATED, RepositoryOrder.NAME):
        return []
    ids = usage_sums.list_changed(tx, CHANGED)
    keys = repository_keys.list_keys(tx, ids)
    return [(each.id, getattr(each, _COLUMNS[order])) for each in keys]


def _find(tx: Tx, owner: RepositoryOwner, part: str) -> list[Row] | None:
    """Look repositories up by a part of their paths; ``None`` is too many."""
    beginnings = path_search.find_beginnings(tx, part, totals.limit())
    if beginnings is None:
        return None
    found = tx.all(
        _SQL.variant("list_found", owner=owner.kind),
        owner_id=owner.id,
        part=part,
        beginnings=ranges(beginnings),
        limit=totals.limit(),
    )
    return found if len(found) < totals.limit() else None


def _in_order(tx: Tx, found: Sequence[Row], wanted: RepositoryList) -> list[int]:
    """Sort what was found."""
    keys = {row["id"]: row[_COLUMNS[wanted.order]] for row in found}
    changed = dict(_list_changed(tx, wanted.order))
    keys |= {id_: changed[id_] for id_ in changed.keys() & keys.keys()}
    return sorted(keys, key=lambda id_: (keys[id_], id_), reverse=wanted.descending)


def _whole(tx: Tx, ids: Sequence[int]) -> list[Repository]:
    if not ids:
        return []
    rows = tx.all(_SQL.list_whole, ids=list(ids))
    found = {row["id"]: repositories.read(row) for row in rows}
    return [found[id_] for id_ in ids]


def _ids(rows: Iterable[Row]) -> list[int]:
    return [row["id"] for row in rows]
