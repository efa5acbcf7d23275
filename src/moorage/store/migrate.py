"""Schema versions: create, upgrade, refuse. Forward only."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files

from moorage.domain.errors import RegistryError
from moorage.ports.database import Database, Tx
from moorage.ports.query import load, strip_comments
from moorage.store.times import to_us

SCHEMA_VERSION = 14
"""The schema that this code expects."""

OLDEST_READER = 1
"""The oldest code, by the schema version it expects, that works on this schema."""

_SQL = load("migrations")


class SchemaTooNewError(RegistryError):
    """The database was upgraded past what this release can read."""

    message = "the database belongs to a newer release of moorage"


def migrate(database: Database, now: datetime) -> int:
    """Bring the schema to ``SCHEMA_VERSION``; return how many steps that took.

    Every step is in the same transaction: a failure leaves the schema as it was.

    Raises:
        SchemaTooNewError: The database needs a newer release.
    """

    def body(tx: Tx) -> int:
        tx.run(_SQL.lock)
        tx.run(_SQL.create_table)
        current = tx.one(_SQL.current)
        version: int = current["version"] if current else 0
        if current and current["oldest_reader"] > SCHEMA_VERSION:
            raise SchemaTooNewError(schema=version)
        for step in range(version + 1, SCHEMA_VERSION + 1):
            tx.script(_step(step))
            tx.run(
                _SQL.record,
                version=step,
                oldest_reader=OLDEST_READER,
                now_us=to_us(now),
            )
        return max(0, SCHEMA_VERSION - version)

    return database.write_now(body)


def current_version(tx: Tx) -> int:
    """Return the version of the schema that is there."""
    current = tx.one(_SQL.current)
    return current["version"] if current else 0


def _step(number: int) -> str:
    folder = files("moorage.store").joinpath("migrations")
    names = [item.name for item in folder.iterdir()]
    # Exactly one: of two with one number, one would never be applied.
    (name,) = (name for name in names if name.startswith(f"{number:04d}_"))
    return strip_comments(folder.joinpath(name).read_text("utf-8"))
