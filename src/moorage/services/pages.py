"""Pages of lists that are cut by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

COUNT_LIMIT = 10_001
"""No list is counted further: GitLab's API leaves totals out above 10,000."""

Item = TypeVar("Item")


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
