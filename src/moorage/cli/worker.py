"""``moorage worker``."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from moorage.cli.settings import settings_from
from moorage.config import Settings
from moorage.observe.logs import configure_logs
from moorage.wiring import build, open_database


def worker(*, config: Path | None = None, **settings: str) -> None:
    """Work off jobs without serving requests.

    Args:
        config: A TOML file of settings.
        settings: Any setting, by name.
    """
    chosen = settings_from(settings, config)
    configure_logs()
    asyncio.run(_work(chosen))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    services = await build(settings, open_database(settings))
    await asyncio.gather(services.worker.run(stop), services.messenger.run(stop))
    await services.store.close()
    await services.database.close()
