"""Tags of a repository: look into, remove."""

from __future__ import annotations

from datetime import timedelta

from moorage.domain.access import Principal
from moorage.domain.errors import TagInvalidError, TagUnknownError
from moorage.domain.events import UNKNOWN, Occasion, tags_deleted
from moorage.domain.history import Cause
from moorage.domain.names import TagName
from moorage.domain.repositories import TagDetail
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import guards
from moorage.store import events, tags


class Tags:
    """What callers do to tags; who may is checked before."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        undo_window: timedelta = timedelta(0),
    ) -> None:
        self._database = database
        self._clock = clock
        self._undo_window = undo_window

    async def get(self, repository_id: int, name: str) -> TagDetail:
        """Return a tag and what it points to.

        Raises:
            TagUnknownError: There is none of exactly this name.
        """
        tag = _parse(name)
        found = await self._database.quick(
            lambda tx: tags.find_detail(tx, repository_id, tag)
        )
        if found is None:
            raise TagUnknownError(tag=name)
        return found

    async def delete(
        self,
        repository_id: int,
        name: str,
        principal: Principal,
        occasion: Occasion = UNKNOWN,
    ) -> None:
        """Remove one tag; what it pointed to, and other tags of that, stay.

        Raises:
            TagUnknownError: There is none of exactly this name.
        """
        tag, now = _parse(name), self._clock.now()
        cause = Cause(principal.actor, now, now + self._undo_window)

        def body(tx: Tx) -> bool:
            if not tags.delete(tx, repository_id, tag, cause=cause):
                return False
            guard = guards.of_repository(tx, principal, repository_id, now)
            guard.check_deletion(tag)
            events.record(tx, repository_id, tags_deleted([tag]), occasion, at=now)
            return True

        if not await self._database.write(body):
            raise TagUnknownError(tag=name)


def _parse(name: str) -> TagName:
    """Read a name; what cannot be a tag is one that is not there."""
    try:
        return TagName.parse(name)
    except TagInvalidError:
        raise TagUnknownError(tag=name[:200]) from None
