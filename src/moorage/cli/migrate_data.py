"""``moorage migrate-data``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from moorage.cli.settings import settings_from
from moorage.config import Settings, load_settings
from moorage.ports.clock import SystemClock
from moorage.services.relocation import Moved, Relocation
from moorage.store import migrate as schema
from moorage.wiring import open_database, open_store, rows_to_move


def migrate_data(
    *,
    to_database_url: str,
    to_storage_url: str | None = None,
    config: Path | None = None,
    **settings: str,
) -> None:
    """Copy everything from SQLite to PostgreSQL, and blobs to another store.

    May run while the source serves, and be cut off and run again: blobs that arrived
    are not copied twice. The last run is with the source stopped.

    Args:
        to_database_url: The new metadata database.
        to_storage_url: The new blob store; without one blobs stay where they are.
        config: A TOML file of the source's settings.
        settings: Any setting of the source, by name.
    """
    source = settings_from(settings, config)
    given = {"data_dir": str(source.data_dir), "database_url": to_database_url}
    if to_storage_url is not None:
        given["storage_url"] = to_storage_url
    target = load_settings(given, {})
    moved = asyncio.run(_move(source, target, blobs=to_storage_url is not None))
    sys.stdout.write(
        f"{moved.blobs} blobs copied, {moved.size_bytes} bytes; "
        f"{moved.there} were there; all rows copied\n"
    )


async def _move(source: Settings, target: Settings, *, blobs: bool) -> Moved:
    rows = rows_to_move(source, target)
    database = open_database(target)
    await asyncio.to_thread(schema.migrate, database, SystemClock().now())
    await database.close()
    stores = (open_store(source), open_store(target)) if blobs else None
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    try:
        with Progress(
            *columns,
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ) as progress:
            task = progress.add_task("copying blobs", total=None)

            def show(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total or None)

            return await Relocation(rows, stores, show).run()
    finally:
        rows.close()
        for store in stores or ():
            await store.close()
