"""Pages of tags: in any order, and what is told of each.

A page costs what is on it, however many tags there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from moorage.domain.digest import Digest
from moorage.domain.repositories import TagDetail
from moorage.domain.tag_lists import Place, TagList, TagOrder
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import repositories, sizes
from moorage.store.beginnings import BEHIND
from moorage.store.times import from_us, from_us_or_none

MAX_FOR_EXCLUSIVE = 1000
"""Tags of a repository up to which exclusive bytes are worked out for a list: that
takes a look at all of them."""

_MAX_KEY = (1 << 63) - 1

_SQL = load("tag_lists")


def list_page(
    tx: Tx,
    repository_id: int,
    wanted: TagList,
    after: Place | None,
    offset: int,
    limit: int,
) -> list[Place]:
    """Return places of a list of all tags, those behind ``after``."""
    tied: list[Place] = []
    if after is not None and wanted.order is not TagOrder.NAME:
        tied = list_ties(tx, repository_id, wanted, after, 0, limit)
    if len(tied) == limit:
        return tied
    key, left = (after or end(wanted)).key, limit - len(tied)
    return tied + list_behind(tx, repository_id, wanted, key, offset, left)


def list_behind(
    tx: Tx, repository_id: int, wanted: TagList, key: str | int, offset: int, limit: int
) -> list[Place]:
    """Return places with keys that come after one."""
    rows = tx.all(
        _SQL.variant("list_page", **variant(wanted)),
        repository_id=repository_id,
        key=key,
        offset=offset,
        limit=limit,
    )
    return places(rows)


def list_ties(
    tx: Tx, repository_id: int, wanted: TagList, after: Place, offset: int, limit: int
) -> list[Place]:
    """Return places with the same key as ``after``, and behind it."""
    rows = tx.all(
        _SQL.variant("list_ties", **variant(wanted)),
        repository_id=repository_id,
        key=after.key,
        name=after.name,
        offset=offset,
        limit=limit,
    )
    return places(rows)


def list_numbered(
    tx: Tx, repository_id: int, wanted: TagList, offset: int, limit: int
) -> list[Place]:
    """Return places of a list of all tags, behind so many, from its nearer end."""
    left = repositories.count_tags(tx, repository_id) - offset
    if left > offset:
        return list_page(tx, repository_id, wanted, None, offset, limit)
    if left <= 0:
        return []
    turned = replace(wanted, descending=not wanted.descending)
    behind = max(0, left - limit)
    return list_page(tx, repository_id, turned, None, behind, min(limit, left))[::-1]


def list_details(
    tx: Tx, repository_id: int, names: list[str]
) -> Mapping[str, TagDetail]:
    """Look tags up by name, with what they point to."""
    rows = tx.all(_SQL.list_details, repository_id=repository_id, names=names)
    return {row["name"]: detail(row) for row in rows}


def exclusive_bytes(
    tx: Tx, repository_id: int, names: Iterable[str]
) -> Mapping[str, int]:
    """Return what comes free when one tag goes and all others stay, for some tags.

    It costs as much as there are tags in the repository.
    """
    rows = tx.all(_SQL.list_pointers, repository_id=repository_id)
    places = {row["name"]: at for at, row in enumerate(rows)}
    wanted = {name: places[name] for name in names if name in places}
    graph = sizes.keeping(tx, repository_id)
    pointers = [row["manifest_id"] for row in rows]
    freed = sizes.exclusive_bytes(tx, repository_id, graph, pointers, wanted.values())
    return {name: freed.get(at, 0) for name, at in wanted.items()}


def detail(row: Row) -> TagDetail:
    """Read a tag and what it points to."""
    config = row["config_digest"]
    return TagDetail(
        name=row["name"],
        digest=Digest.parse(row["digest"]),
        media_type=row["media_type"],
        config_digest=None if config is None else Digest.parse(config),
        created_at=from_us(row["created_at_us"]),
        pushed_at=from_us(row["pushed_at_us"]),
        total_bytes=row["total_bytes"],
        artifact_type=row["artifact_type"],
        platforms=tuple(json.loads(row["platforms"])),
        pulled_at=from_us_or_none(row["pulled_at_us"]),
        pull_count=row["pull_count"],
    )


def places(rows: Iterable[Row]) -> list[Place]:
    """Read where tags stand in a list."""
    return [Place(row["key"], row["name"]) for row in rows]


def variant(wanted: TagList) -> Mapping[str, str]:
    """Choose the statement of a list's order."""
    direction = "desc" if wanted.descending else "asc"
    return {"order": wanted.order, "direction": direction}


def end(wanted: TagList) -> Place:
    """Return the place that a list begins behind."""
    if wanted.descending:
        return Place(BEHIND if wanted.order.by_text else _MAX_KEY, BEHIND)
    return Place("" if wanted.order.by_text else -_MAX_KEY, "")
