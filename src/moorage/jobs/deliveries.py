"""Deliveries: tells webhooks of events, in order, until they say that they know.

A delivery goes on until its webhook knows everything. One that fails is tried again
after a while, as every job; one that was given up is taken up by ``tidy``, which also
forgets what nobody wanted to hear for a week.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from moorage.domain.events import RegistryEvent
from moorage.domain.webhooks import DeliveryError, Webhook
from moorage.jobs.docker_events import MEDIA_TYPE, Source, render_envelope
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.ports.sender import Sender
from moorage.services.jobs import JobRun
from moorage.store import events, webhooks

BATCH = 100
"""Events in one request."""

KEEP_EVENTS = timedelta(days=7)
KEEP_JOBS = timedelta(hours=1)
"""Deliveries are many, and of no interest once done."""

ACCEPTED = range(200, 400)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The handlers of ``JobKind.DELIVER_EVENTS`` and ``JobKind.TIDY_EVENTS``."""

    database: Database
    clock: Clock
    sender: Sender
    source: Source

    async def deliver(self, run: JobRun) -> Mapping[str, Any]:
        """Tell a webhook everything that it does not know.

        Raises:
            DeliveryError: It did not listen.
        """
        webhook_id: int = run.job.arguments["webhook_id"]
        delivered = 0
        while True:
            webhook, keys, found = await self.database.read(
                lambda tx: _next(tx, webhook_id)
            )
            if webhook is not None and found:
                await self._send(webhook, found)
                await _forget(run, keys)
                delivered += len(keys)
            elif await run.write(
                lambda tx: events.end_delivery(tx, run.job.id, webhook_id)
            ):
                return {"delivered": delivered}

    async def _send(self, webhook: Webhook, found: list[RegistryEvent]) -> None:
        status = await self.sender.post(
            webhook.url,
            MEDIA_TYPE,
            render_envelope(found, self.source),
            anywhere=webhook.project_id is None,
        )
        if status not in ACCEPTED:
            raise DeliveryError(f"webhook answered {status}")

    async def tidy(self, run: JobRun) -> Mapping[str, Any]:
        """Take up what was given up, give up what is old."""
        now = self.clock.now()
        given_up = await run.write(
            lambda tx: events.tidy(
                tx,
                events_before=now - KEEP_EVENTS,
                jobs_before=now - KEEP_JOBS,
                now=now,
            )
        )
        return {"given_up": given_up}


def _next(
    tx: Tx, webhook_id: int
) -> tuple[Webhook | None, list[int], list[RegistryEvent]]:
    return webhooks.find(tx, webhook_id), *events.list_first(tx, webhook_id, BATCH)


async def _forget(run: JobRun, keys: list[int]) -> None:
    await run.write(lambda tx: events.delete(tx, keys))
