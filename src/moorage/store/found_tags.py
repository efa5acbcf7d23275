"""Pages of the tags whose names have a part in common, in any order.

What names begin with (``tag_search`` keeps it) leads to few tags: they are counted, and
sorted for a page. Many are found soon by going through the list in its order; where the
first of them come late in it, those are sorted as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from moorage.domain.tag_lists import Place, TagList, TagOrder
from moorage.domain.versions import version_key_beginning
from moorage.ports.database import Tx
from moorage.ports.query import Query, load
from moorage.store import tag_lists, tag_search, totals
from moorage.store.beginnings import BEHIND, ranges

WALK = 20_000
"""As many tags are gone through for a page before what there is to be found is sorted:
that takes about as long for a few thousand."""

SORTED = 10_000
"""Where there are more to be found the list is gone through to its end."""

_ENDLESS = (1 << 62) - 1

_FIRST = "!"
"""Sorts before every character of a tag: a name and this is the next text that can be
the beginning of a range."""

_SQL = load("found_tags")


class Page(NamedTuple):
    """Places of tags that were found; ``total`` counts all, if that is not too much."""

    places: list[Place]
    total: int | None


def page(
    tx: Tx,
    repository_id: int,
    wanted: TagList,
    after: Place | None,
    offset: int,
    limit: int,
) -> Page:
    """Return places of a list of the tags whose names have what is looked for."""
    here, window = _List(tx, repository_id, wanted), _Window(after, offset, limit)
    beginnings = here.find_beginnings(totals.MOST)
    if beginnings is not None:
        few = here.sort(window, beginnings, totals.MOST)
        if few.total is not None:
            return few
    return Page(_page_of_many(here, window, beginnings or []), None)


def _page_of_many(
    here: _List, window: _Window, beginnings: Sequence[str]
) -> list[Place]:
    by_name = here.wanted.order is TagOrder.NAME
    if by_name and beginnings:
        return here.list_ranges(window, beginnings)
    walked = here.walk(window, beginnings, budget=WALK)
    if walked is not None:
        return walked
    everything = beginnings or here.find_beginnings(SORTED)
    if by_name and everything is not None:
        return here.list_ranges(window, everything)
    if everything is not None:
        found = here.sort(window, everything, SORTED)
        if found.total is not None:
            return found.places
    return here.walk(window, beginnings, budget=None) or []


@dataclass(frozen=True, slots=True)
class _Window:
    """Which part of a list: behind a place, or a number of tags."""

    after: Place | None
    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class _List:
    """A list of tags that have a part, and three ways to make a page of it."""

    tx: Tx
    repository_id: int
    wanted: TagList

    def find_beginnings(self, most: int) -> list[str] | None:
        """Return what the names begin with that have the part, if not too much."""
        here = self.tx, self.repository_id, self.wanted.search
        return tag_search.find_beginnings(*here, most + 1)

    def sort(self, window: _Window, beginnings: Sequence[str], most: int) -> Page:
        """Look at all tags with names that begin so, if they are not too many."""
        if not beginnings:
            return Page([], 0)
        place = window.after or tag_lists.end(self.wanted)
        rows = self.tx.all(
            self._query("list_found"),
            repository_id=self.repository_id,
            beginnings=ranges(beginnings),
            most=most + 1,
            key=place.key,
            name=place.name,
            offset=window.offset,
            limit=window.limit,
        )
        total: int = rows[0]["total"]
        if total > most:
            return Page([], None)
        return Page(tag_lists.places(row for row in rows if row["name"]), total)

    def walk(
        self, window: _Window, beginnings: Sequence[str], *, budget: int | None
    ) -> list[Place] | None:
        """Go through the list; ``None`` is a page that so many tags did not fill."""
        place = window.after or _beginning(self.wanted, beginnings)
        limit, page = window.limit, list[Place]()
        if place is not None and self.wanted.order is not TagOrder.NAME:
            at = {"key": place.key, "name": place.name}
            page = self._walk("walk_ties", budget, **at, limit=limit)
            if len(page) < limit and self._has_ties_behind(place, budget):
                return None
        if len(page) == limit:
            return page
        key, offset = (place or tag_lists.end(self.wanted)).key, window.offset
        at = {"key": key, "offset": offset}
        page += self._walk("walk_page", budget, **at, limit=limit - len(page))
        return None if len(page) < limit and self._has_behind(key, budget) else page

    def _walk(
        self, statement: str, budget: int | None, **given: str | int
    ) -> list[Place]:
        rows = self.tx.all(
            self._query(statement),
            repository_id=self.repository_id,
            part=self.wanted.search,
            budget=_ENDLESS if budget is None else budget,
            **given,
        )
        return tag_lists.places(rows)

    def _has_ties_behind(self, place: Place, budget: int | None) -> bool:
        here = self.tx, self.repository_id, self.wanted, place
        return budget is not None and bool(tag_lists.list_ties(*here, budget, 1))

    def _has_behind(self, key: str | int, budget: int | None) -> bool:
        here = self.tx, self.repository_id, self.wanted, key
        return budget is not None and bool(tag_lists.list_behind(*here, budget, 1))

    def list_ranges(self, window: _Window, beginnings: Sequence[str]) -> list[Place]:
        """Go through the ranges of names that were found."""
        page: list[Place] = []
        direction = tag_lists.variant(self.wanted)["direction"]
        query, offset = _SQL.variant("list_range", direction=direction), window.offset
        for low, high in _ranges(beginnings, self.wanted, window.after):
            reach = {"repository_id": self.repository_id, "low": low, "high": high}
            left = window.limit - len(page)
            rows = self.tx.all(query, **reach, offset=offset, limit=left)
            page += tag_lists.places(rows)
            if len(page) == window.limit:
                break
            if rows:
                offset = 0
            elif offset:
                count = self.tx.one(_SQL.count_range, **reach, limit=offset)
                offset -= count["total"] if count else 0
        return page

    def _query(self, statement: str) -> Query:
        return _SQL.variant(statement, **tag_lists.variant(self.wanted))


def _ranges(
    beginnings: Sequence[str], wanted: TagList, after: Place | None
) -> Iterator[tuple[str, str]]:
    """Yield ranges of names in order, without what is not behind a place."""
    found_in = ranges(beginnings)
    if wanted.descending:
        before = BEHIND if after is None else after.name
        return (
            (low, min(high, before)) for low, high in reversed(found_in) if low < before
        )
    behind = "" if after is None else after.name + _FIRST
    return ((max(low, behind), high) for low, high in found_in if high > behind)


def _beginning(wanted: TagList, beginnings: Sequence[str]) -> Place | None:
    """Return a place that all that begins so is behind, where that is known."""
    if wanted.order is not TagOrder.VERSION or not beginnings:
        return None
    keys = [version_key_beginning(each) for each in beginnings]
    if wanted.descending:
        return Place(max(keys) + BEHIND, BEHIND) if all(keys) else None
    return Place(min(keys), "")
