"""Pages of lists that are cut by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

COUNT_LIMIT = 10_001
"""No list is counted further: GitLab's API leaves totals out above 10,000."""

Item = TypeVar("Item")
Item_co = TypeVar("Item_co", covariant=True)
Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Window:
    """Which items of a list are wanted, and whether their total is."""

    limit: int
    offset: int = 0
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Listed(Generic[Item]):
    """Items of a list, and how many it has, counted up to ``COUNT_LIMIT``."""

    items: Sequence[Item]
    total: int

    def shown_as(self, items: Sequence[Shown]) -> Listed[Shown]:
        """Put others in the place of the items, as many."""
        return Listed(items, self.total)


class Find(Protocol[Item_co]):
    """Reads items of a list."""

    def __call__(self, *, limit: int, offset: int) -> Sequence[Item_co]:
        """Return so many, after so many."""


class Count(Protocol):
    """Counts a list."""

    def __call__(self, *, limit: int) -> int:
        """Return how many there are, up to the limit."""


def cut(window: Window, find: Find[Item], count: Count) -> Listed[Item]:
    """Read what a window shows of a list, and count the list if that is wanted."""
    found = find(limit=window.limit, offset=window.offset)
    return Listed(found, count(limit=COUNT_LIMIT) if window.counted else 0)


def cut_short(window: Window, everything: Sequence[Item]) -> Listed[Item]:
    """Show what a window shows of a list that is at hand as a whole."""
    end = window.offset + window.limit
    return Listed(everything[window.offset : end], len(everything))
