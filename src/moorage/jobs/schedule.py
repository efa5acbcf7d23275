"""Queues the jobs and policies that come round, each once however many servers run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

import structlog

from moorage.domain.errors import UnavailableError
from moorage.domain.jobs import JobKind, NewJob
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import policies
from moorage.store import jobs, schedules

LOOK_SECONDS = 30

EVERY: Mapping[JobKind, timedelta] = {
    JobKind.EXPIRE_UPLOADS: timedelta(minutes=10),
    JobKind.TIDY_EVENTS: timedelta(minutes=10),
    JobKind.VERIFY_USAGE: timedelta(days=1),
    JobKind.FORGET_JOBS: timedelta(hours=1),
}

ACTOR = "schedule"
"""Who the history says did what nobody asked for."""

log = structlog.get_logger()


async def run_schedule(database: Database, clock: Clock, stop: asyncio.Event) -> None:
    """Queue what is due, again and again, until told to stop."""
    while not stop.is_set():
        try:
            await queue_due(database, clock)
        except UnavailableError:
            log.warning("schedule unavailable")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)


async def queue_due(database: Database, clock: Clock) -> None:
    """Queue one job of each kind that is due, and the runs of due policies."""
    now = clock.now()

    def body(tx: Tx) -> None:
        for kind, every in EVERY.items():
            if schedules.claim(tx, kind, every, now=now):
                jobs.enqueue(tx, NewJob(kind, {}, ACTOR, dedup_key=kind), now=now)

    await database.write(body)
    while await database.write(lambda tx: policies.queue_due(tx, now=now)):
        pass
