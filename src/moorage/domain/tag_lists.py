"""How a list of tags is asked for, and where in it somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from moorage.domain.repositories import TagDetail


class TagOrder(StrEnum):
    """What tags are ordered by; names break ties."""

    NAME = "name"
    VERSION = "version"
    CREATED = "created"
    PUSHED = "pushed"
    PUBLISHED = "published"
    PULLED = "pulled"
    SIZE = "size"

    @property
    def by_text(self) -> bool:
        """Whether the key is a text, not a number."""
        return self in (TagOrder.NAME, TagOrder.VERSION)


@dataclass(frozen=True, slots=True)
class TagList:
    """Which tags are asked for, in which order.

    ``search`` is a part of the name, in its case. A tag that was never pulled comes
    before all that were.
    """

    order: TagOrder = TagOrder.NAME
    descending: bool = False
    search: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tag stands in a list: its key in that order, and its name."""

    key: str | int
    name: str


@dataclass(frozen=True, slots=True)
class ListedTag:
    """A tag of a list with all that is told about it.

    ``exclusive_bytes`` are missing where to know them would cost too much.
    """

    detail: TagDetail
    exclusive_bytes: int | None
    protected: bool
    immutable: bool
    held: bool
