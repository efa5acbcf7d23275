"""Whether the parts answer that every request stands on."""

from __future__ import annotations

from moorage.ports.database import Database
from moorage.store import migrate


class Health:
    """Asks the database, by reading something that is always there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self) -> None:
        """Return if requests can be served.

        Raises:
            UnavailableError: The database does not answer.
        """
        await self._database.quick(migrate.current_version)
