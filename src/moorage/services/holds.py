"""Holds on tags and digests."""

from __future__ import annotations

from moorage.domain.errors import ParameterError
from moorage.domain.holds import Hold, HoldUnknownError, NewHold
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import holds


class Holds:
    """What callers do to holds; who may is checked before."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_page(
        self, repository_id: int, *, offset: int, limit: int
    ) -> tuple[list[Hold], int]:
        """Return some of a repository's holds, oldest first, and how many there are."""
        now = self._clock.now()

        def body(tx: Tx) -> tuple[list[Hold], int]:
            items = holds.list_page(
                tx, repository_id, offset=offset, limit=limit, now=now
            )
            return items, holds.count(tx, repository_id, now=now)

        return await self._database.read(body)

    async def create(self, new: NewHold) -> Hold:
        """Hold a tag and what it points to, or a digest.

        Raises:
            ParameterError: It would be over already.
            TagUnknownError, ManifestUnknownError: There is nothing to hold.
            ConflictError: The repository is being deleted.
        """
        now = self._clock.now()
        if new.expires_at is not None and new.expires_at <= now:
            raise ParameterError("expires_at must be in the future")
        return await self._database.write(lambda tx: holds.create(tx, new, now=now))

    async def delete(self, repository_id: int, hold_id: int) -> None:
        """End a hold.

        Raises:
            HoldUnknownError: The repository has none of this id.
        """
        now = self._clock.now()
        if not await self._database.write(
            lambda tx: holds.delete(tx, repository_id, hold_id, now=now)
        ):
            raise HoldUnknownError(id=hold_id)
