"""Pages of tags: in any order, and of those whose names have a part in common.

A page costs what is on it, however many tags there are. A search finds its tags by
the beginnings of names that end with what is looked for (``tag_search`` keeps them) and
sorts what it found; what is to be found nearly everywhere is looked for by going
through the list in its order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from moorage.domain.digest import Digest
from moorage.domain.repositories import TagDetail
from moorage.domain.tag_lists import Place, TagList, TagOrder
from moorage.domain.versions import version_key_beginning
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import repositories, sizes
from moorage.store.repositories import COUNT_LIMIT
from moorage.store.tag_search import BEHIND, find_beginnings
from moorage.store.times import from_us, from_us_or_none

MAX_FOR_EXCLUSIVE = 1000
"""Tags of a repository up to which exclusive bytes are worked out for a list: that
takes a look at all of them."""

_FIRST = "!"
"""Sorts before every character of a tag: a name and this is the next text that can be
the beginning of a range."""

_MAX_KEY = (1 << 63) - 1

_SQL = load("tag_lists")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: beginnings of names, of which none begins with another.

    There are none where they would be too many; ``total`` is counted up to
    ``COUNT_LIMIT``.
    """

    beginnings: list[str]
    total: int

    @property
    def few(self) -> bool:
        """Whether all of it can be sorted for a page."""
        return self.total < COUNT_LIMIT


def list_page(
    tx: Tx,
    repository_id: int,
    wanted: TagList,
    after: Place | None,
    offset: int,
    limit: int,
) -> list[Place]:
    """Return places of a list, those behind ``after``."""
    variant = {
        "order": wanted.order,
        "direction": _direction(wanted),
        "search": "part" if wanted.search else "none",
    }
    given: dict[str, str | int] = {"repository_id": repository_id}
    if wanted.search:
        given["part"] = wanted.search
    tied: list[Place] = []
    if after is not None and wanted.order is not TagOrder.NAME:
        query = _SQL.variant("list_ties", **variant)
        rows = tx.all(query, **given, key=after.key, name=after.name, limit=limit)
        tied = _places(rows)
    if len(tied) == limit:
        return tied
    query = _SQL.variant("list_page", **variant)
    key = (after or _end(wanted)).key
    rows = tx.all(query, **given, key=key, offset=offset, limit=limit - len(tied))
    return tied + _places(rows)


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


def find(tx: Tx, repository_id: int, part: str) -> Found:
    """Look for a part of names; count what has it, up to ``COUNT_LIMIT``."""
    found = find_beginnings(tx, repository_id, part, COUNT_LIMIT)
    if found is None:
        return Found([], COUNT_LIMIT)
    beginnings = _outermost(found)
    if not beginnings:
        return Found([], 0)
    row = tx.one(
        _SQL.count_beginning_with,
        repository_id=repository_id,
        beginnings=[(each, each + BEHIND) for each in beginnings],
        limit=COUNT_LIMIT,
    )
    return Found(beginnings, row["total"] if row else 0)


def list_found(
    tx: Tx,
    repository_id: int,
    wanted: TagList,
    found: Found,
    after: Place | None,
    offset: int,
    limit: int,
) -> list[Place]:
    """Return places of a list of the tags that a search found."""
    if wanted.order is TagOrder.NAME and (found.beginnings or found.few):
        return _walk(tx, repository_id, wanted, found, after, offset, limit)
    if not found.few:
        place = after or _beginning(wanted, found)
        return list_page(tx, repository_id, wanted, place, offset, limit)
    place = after or _end(wanted)
    query = _SQL.variant("list_found", order=wanted.order, direction=_direction(wanted))
    rows = tx.all(
        query,
        repository_id=repository_id,
        beginnings=[(each, each + BEHIND) for each in found.beginnings],
        key=place.key,
        name=place.name,
        offset=offset,
        limit=limit,
    )
    return _places(rows)


def _walk(
    tx: Tx,
    repository_id: int,
    wanted: TagList,
    found: Found,
    after: Place | None,
    offset: int,
    limit: int,
) -> list[Place]:
    """Go through the ranges of names that a search found until the page is full."""
    page: list[Place] = []
    for low, high in _ranges(found, wanted, after):
        reach = {"repository_id": repository_id, "low": low, "high": high}
        query = _SQL.variant("list_range", direction=_direction(wanted))
        rows = tx.all(query, **reach, offset=offset, limit=limit - len(page))
        page += _places(rows)
        if len(page) == limit:
            break
        if rows:
            offset = 0
        elif offset:
            count = tx.one(_SQL.count_range, **reach, limit=offset)
            offset -= count["total"] if count else 0
    return page


def _ranges(
    found: Found, wanted: TagList, after: Place | None
) -> Iterator[tuple[str, str]]:
    """Yield ranges of names in order, without what is not behind a place."""
    ranges = [(each, each + BEHIND) for each in found.beginnings]
    if wanted.descending:
        ranges.reverse()
        before = BEHIND if after is None else after.name
        return ((low, min(high, before)) for low, high in ranges if low < before)
    behind = "" if after is None else after.name + _FIRST
    return ((max(low, behind), high) for low, high in ranges if high > behind)


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


def _places(rows: Iterable[Row]) -> list[Place]:
    return [Place(row["key"], row["name"]) for row in rows]


def _direction(wanted: TagList) -> str:
    return "desc" if wanted.descending else "asc"


def _end(wanted: TagList) -> Place:
    """Return the place that a list begins behind."""
    if wanted.descending:
        return Place(BEHIND if wanted.order.by_text else _MAX_KEY, BEHIND)
    return Place("" if wanted.order.by_text else -_MAX_KEY, "")


def _beginning(wanted: TagList, found: Found) -> Place | None:
    """Return a place that all of what was found is behind, where that is known."""
    if wanted.order is not TagOrder.VERSION or not found.beginnings:
        return None
    keys = [version_key_beginning(each) for each in found.beginnings]
    if wanted.descending:
        return Place(max(keys) + BEHIND, BEHIND) if all(keys) else None
    return Place(min(keys), "")


def _outermost(beginnings: Iterable[str]) -> list[str]:
    """Leave out what begins with another of them, which finds the same names."""
    kept: list[str] = []
    for each in sorted(beginnings):
        if not kept or not each.startswith(kept[-1]):
            kept.append(each)
    return kept
