"""``moorage migrate``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from moorage.cli.settings import make_data_folder, settings_from
from moorage.ports.clock import SystemClock
from moorage.store import migrate as schema
from moorage.wiring import open_database


def migrate(*, config: Path | None = None, **settings: str) -> None:
    """Bring the database's schema to this release, as ``serve`` does at its start.

    Args:
        config: A TOML file of settings.
        settings: Any setting, by name.
    """
    chosen = settings_from(settings, config)
    make_data_folder(chosen)
    database = open_database(chosen)
    steps = schema.migrate(database, SystemClock().now())
    asyncio.run(database.close())
    sys.stdout.write(f"schema {schema.SCHEMA_VERSION}, {steps} steps taken\n")
