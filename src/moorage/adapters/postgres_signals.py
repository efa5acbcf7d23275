"""Wake-ups between processes that share a PostgreSQL database.

A job is announced by the transaction that queues it, so the server delivers the word
when there is something to claim. A word that is lost costs the pause of a worker that
looks by itself, no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import psycopg
import structlog

from moorage.adapters.postgres import JOBS_CHANNEL
from moorage.adapters.postgres_connections import connecting
from moorage.ports.signals import JobSignal

RECONNECT_SECONDS = 1
"""Pause before a connection that was lost is made again."""

log = structlog.get_logger(__name__)


class PostgresListener:
    """Passes announced jobs on to the signals of this process."""

    def __init__(self, url: str, signals: Sequence[JobSignal]) -> None:
        self._url = url
        self._signals = signals

    async def listen(self, stop: asyncio.Event) -> None:
        """Listen until told to stop, on one connection after another."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                hearing = asyncio.create_task(self._hear())
                await asyncio.wait(
                    {hearing, stopping}, return_when=asyncio.FIRST_COMPLETED
                )
                await self._end(hearing)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RECONNECT_SECONDS)
        finally:
            stopping.cancel()

    async def _hear(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            **connecting(self._url), autocommit=True
        )
        async with connection:
            await connection.execute(f"LISTEN {JOBS_CHANNEL}")
            # What was announced before could not be heard.
            self._wake()
            async for _ in connection.notifies():
                self._wake()

    async def _end(self, hearing: asyncio.Task[None]) -> None:
        hearing.cancel()
        try:
            await hearing
        except asyncio.CancelledError:
            pass
        except psycopg.Error as error:
            log.warning("wake-ups interrupted", error=str(error))

    def _wake(self) -> None:
        for signal in self._signals:
            signal.notify()
