from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from moorage import wiring
from moorage.config import load_settings
from moorage.jobs import supervision
from moorage.jobs.supervision import keep_going
from moorage.ports.clock import SystemClock
from moorage.store.migrate import migrate
from moorage.wiring import Application, open_database

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "RESTART_SECONDS", 0)


async def test_what_breaks_is_told_and_begun_again() -> None:
    begun: list[int] = []

    async def work() -> None:
        begun.append(len(begun))
        if len(begun) < 3:
            raise LookupError

    with capture_logs() as logs:
        await keep_going("work", work, asyncio.Event())
    assert begun == [0, 1, 2]
    told = [(entry["log_level"], entry["work"]) for entry in logs]
    assert told == [("error", "work")] * 2


async def test_what_breaks_when_it_is_to_end_ends() -> None:
    stop = asyncio.Event()

    async def work() -> None:
        stop.set()
        raise LookupError

    await keep_going("work", work, stop)


@pytest.mark.parametrize(
    "name", ["run_schedule", "run_collector", "run_upkeep", "run_uses"]
)
async def test_a_server_goes_on_with_what_broke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    settings = load_settings({"data_dir": str(tmp_path)}, {})
    database = open_database(settings)
    migrate(database, SystemClock().now())
    await database.close()
    broken, again = False, asyncio.Event()

    async def break_once(*_: object) -> None:
        nonlocal broken
        if not broken:
            broken = True
            raise LookupError
        again.set()

    monkeypatch.setattr(wiring, name, break_once)
    application = Application(settings)
    await application.start()
    async with asyncio.timeout(30):
        await again.wait()
    await application.stop()
