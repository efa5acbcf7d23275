from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from moorage.adapters.sqlite import SqliteDatabase
from moorage.jobs.pace import BREATH, COURTESY, Pace, QueuedDatabase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from moorage.ports.database import Tx


def clock(*readings: float) -> Callable[[], float]:
    return iter(readings).__next__


async def test_who_works_alone_rests_for_a_share_of_the_work(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "db")
    # Begins, asks to write, gets its turn at once, and is done.
    queued = QueuedDatabase(database, clock(10, 11, 11, 14))
    pace = Pace(queued, asyncio.Event())
    pace.begin()
    await queued.write(lambda _tx: None)
    assert pace.owed_seconds() == 4 * BREATH
    await database.close()


async def test_who_waits_for_others_rests_for_as_long(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "db")
    queued = QueuedDatabase(database, clock(10, 11, 19, 20))
    pace = Pace(queued, asyncio.Event())
    pace.begin()

    def body(_tx: Tx) -> str:
        return "done"

    assert await queued.write(body) == "done"
    assert pace.owed_seconds() == 8 * COURTESY
    await database.close()


async def test_nobody_rests_when_it_is_time_to_stop(tmp_path: Path) -> None:
    stop = asyncio.Event()
    stop.set()
    database = SqliteDatabase(tmp_path / "db")
    await Pace(QueuedDatabase(database, clock()), stop).sleep(3600)
    await database.close()
