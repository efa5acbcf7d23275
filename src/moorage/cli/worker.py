"""``moorage worker``."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from moorage.cli.settings import make_data_folder, settings_from
from moorage.config import Settings
from moorage.observe.logs import configure_logs
from moorage.ports.clock import SystemClock
from moorage.store import migrate as schema
from moorage.wiring import build, open_database


def worker(*, config: Path | None = None, **settings: str) -> None:
    """Do what goes on beside requests, without serving any: jobs, schedule, collection.

    In any number, beside any number of ``moorage serve``.

    Args:
        config: A TOML file of settings.
        settings: Any setting, by name.
    """
    chosen = settings_from(settings, config)
    configure_logs()
    make_data_folder(chosen)
    asyncio.run(_work(chosen))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    database = open_database(settings)
    await asyncio.to_thread(schema.migrate, database, SystemClock().now())
    services = await build(settings, database)
    await asyncio.gather(*services.background(stop))
    await services.store.close()
    await services.database.close()
