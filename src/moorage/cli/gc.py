"""``moorage gc``."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from moorage.cli.settings import settings_from
from moorage.config import Settings
from moorage.services.garbage import Collected
from moorage.services.garbage_queue import CollectionPausedError
from moorage.wiring import Services, build, open_database


def gc(
    *,
    json_output: Annotated[bool, Parameter(name="--json")] = False,
    config: Path | None = None,
    **settings: str,
) -> None:
    """Collect now what nothing reaches, beside a running server or without one.

    Args:
        json_output: Print one JSON object and nothing else.
        config: A TOML file of settings.
        settings: Any setting, by name.
    """
    collected = asyncio.run(
        _collect(settings_from(settings, config), quiet=json_output)
    )
    if json_output:
        sys.stdout.write(json.dumps(asdict(collected)) + "\n")
    else:
        sys.stdout.write(_sentence(collected))
    if collected.failed:
        sys.exit(1)


async def _collect(settings: Settings, *, quiet: bool) -> Collected:
    services = await build(settings, open_database(settings))
    try:
        if await services.garbage.is_paused():
            raise CollectionPausedError
        return await _show(services, quiet=quiet)
    finally:
        await services.database.close()


async def _show(services: Services, *, quiet: bool) -> Collected:
    console = Console(stderr=True)
    with Progress(console=console, disable=quiet, transient=True) as progress:
        task = progress.add_task("collecting", total=None)

        async def advance(collected: Collected) -> None:
            due = await services.garbage_queue.count_due()
            done = collected.looked_at
            progress.update(task, completed=done, total=done + due)

        return await services.garbage.collect(advance)


def _sentence(collected: Collected) -> str:
    text = (
        f"{collected.manifests} manifests, {collected.links} links and "
        f"{collected.blobs} blobs removed, {collected.freed_bytes} bytes freed\n"
    )
    if collected.failed:
        text += f"{collected.failed} objects could not be deleted and are tried later\n"
    return text
