"""The history of tags, to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from moorage.domain.errors import TagInvalidError, TagUnknownError
from moorage.domain.history import PastTag, TagEvent
from moorage.domain.names import TagName
from moorage.ports.database import Database, Tx
from moorage.store import history

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class HistoryPage(Generic[Item]):
    """Some of a list; ``total`` counts all of it, if that is not too much."""

    items: Sequence[Item]
    total: int | None


class History:
    """What became of tags; who may read it is checked before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_tag(
        self, repository_id: int, name: str, *, offset: int, limit: int
    ) -> HistoryPage[TagEvent]:
        """Return the moves of a tag, newest first.

        Raises:
            TagUnknownError: There never was one of this name.
        """
        try:
            tag = TagName.parse(name)
        except TagInvalidError:
            raise TagUnknownError(tag=name[:200]) from None

        def body(tx: Tx) -> HistoryPage[TagEvent]:
            total = history.count_of_tag(tx, repository_id, tag)
            if total == 0:
                raise TagUnknownError(tag=name)
            items = history.list_of_tag(
                tx, repository_id, tag, offset=offset, limit=limit
            )
            return HistoryPage(items, total)

        return await self._database.read(body)

    async def of_repository(
        self, repository_id: int, *, offset: int, limit: int
    ) -> HistoryPage[TagEvent]:
        """Return the moves of all tags of a repository, newest first."""

        def body(tx: Tx) -> HistoryPage[TagEvent]:
            items = history.list_of_repository(
                tx, repository_id, offset=offset, limit=limit
            )
            return HistoryPage(items, history.count_of_repository(tx, repository_id))

        return await self._database.read(body)

    async def tags_at(
        self, repository_id: int, at: datetime, *, offset: int, limit: int
    ) -> HistoryPage[PastTag]:
        """Return the tags as they were at a time, by name."""

        def body(tx: Tx) -> HistoryPage[PastTag]:
            items = history.tags_at(tx, repository_id, at, offset=offset, limit=limit)
            return HistoryPage(items, history.count_tags_at(tx, repository_id, at))

        return await self._database.read(body)
