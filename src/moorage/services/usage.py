"""What repositories, projects and groups take up."""

from __future__ import annotations

from moorage.domain.usage import Usage
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import usage


class UsageReports:
    """Adds up sizes; who may know them is checked before."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def of_repository(self, repository_id: int) -> Usage:
        """Add up what a repository takes up."""
        now = self._clock.now()
        return await self._database.read(
            lambda tx: usage.of_repositories(tx, [repository_id], now=now)
        )

    async def of_project(self, project_id: int) -> Usage:
        """Add up what a project's repositories take up together."""
        now = self._clock.now()

        def body(tx: Tx) -> Usage:
            ids = usage.repositories_of_project(tx, project_id)
            return usage.of_repositories(tx, ids, now=now)

        return await self._database.read(body)

    async def of_group(self, group_id: int) -> Usage:
        """Add up what all repositories below a group take up together."""
        now = self._clock.now()

        def body(tx: Tx) -> Usage:
            ids = usage.repositories_of_namespace(tx, group_id)
            return usage.of_repositories(tx, ids, now=now)

        return await self._database.read(body)
