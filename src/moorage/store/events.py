"""Events that webhooks are still to be told of, written where things change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from moorage.domain.digest import Digest
from moorage.domain.events import (
    Action,
    Change,
    Occasion,
    RegistryEvent,
    RequestFacts,
    Subject,
    events_of,
)
from moorage.domain.jobs import JobKind, NewJob
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import jobs
from moorage.store.times import from_us, to_us

ACTOR = "notifications"
"""Who delivers, as jobs name it."""

_SQL = load("events")


def record(
    tx: Tx,
    repository_id: int,
    changes: Iterable[Change],
    occasion: Occasion,
    *,
    at: datetime,
) -> None:
    """Have those told who want to know of a repository's changes.

    Where nobody listens to anything this is one look at a table. It belongs at the end
    of a transaction: on PostgreSQL those that tell the same webhook wait for one
    another.
    """
    if not has_listeners(tx):
        return
    listeners = tx.all(_SQL.listeners, repository_id=repository_id)
    if not listeners:
        return
    path = tx.one(_SQL.repository_path, id=repository_id)
    events = events_of(path["path"] if path else "", changes, occasion, at)
    contents = [json.dumps(_content(event)) for event in events]
    tx.run_many(
        _SQL.add,
        [
            {"webhook_id": row["id"], "content": content, "now_us": to_us(at)}
            for row in listeners
            for content in contents
        ],
    )
    for row in listeners:
        _have_delivered(tx, row, now=at)


def _have_delivered(tx: Tx, webhook: Row, *, now: datetime) -> None:
    webhook_id = webhook["id"]
    job = NewJob(
        kind=JobKind.DELIVER_EVENTS,
        arguments={"webhook_id": webhook_id, "project_id": webhook["project_id"]},
        actor=ACTOR,
        dedup_key=f"{JobKind.DELIVER_EVENTS}:{webhook_id}",
    )
    while tx.one(_SQL.lock_delivery, id=jobs.enqueue(tx, job, now=now)) is None:
        pass


def has_listeners(tx: Tx) -> bool:
    """Say whether anybody wants to know of anything."""
    return tx.one(_SQL.any_listener) is not None


def is_heard(tx: Tx, repository_id: int) -> bool:
    """Say whether anybody wants to know of a repository."""
    return bool(tx.all(_SQL.listeners, repository_id=repository_id))


def tags_of_manifest(tx: Tx, manifest_id: int) -> list[str]:
    """List the tags that go with a manifest."""
    rows = tx.all(_SQL.tags_of_manifest, manifest_id=manifest_id)
    return [row["name"] for row in rows]


def list_first(
    tx: Tx, webhook_id: int, limit: int
) -> tuple[list[int], list[RegistryEvent]]:
    """Return the keys of what a webhook is to be told next, and the events."""
    rows = tx.all(_SQL.list_first, webhook_id=webhook_id, limit=limit)
    return [row["id"] for row in rows], [_event(row["content"]) for row in rows]


def delete(tx: Tx, keys: Sequence[int]) -> None:
    """Forget events: their webhook was told."""
    tx.run(_SQL.delete, ids=list(keys))


def end_delivery(tx: Tx, job_id: int, webhook_id: int) -> bool:
    """Let the next event queue a new delivery, if this one has told everything."""
    if tx.all(_SQL.list_first, webhook_id=webhook_id, limit=1):
        return False
    jobs.release_key(tx, job_id)
    return True


def tidy(
    tx: Tx, *, events_before: datetime, jobs_before: datetime, now: datetime
) -> int:
    """Give old events up, take up deliveries that were given up; return how many."""
    given_up = tx.run(_SQL.delete_older, before_us=to_us(events_before))
    tx.run(_SQL.delete_deliveries, before_us=to_us(jobs_before))
    for webhook in tx.all(_SQL.list_waiting):
        _have_delivered(tx, webhook, now=now)
    return given_up


def _content(event: RegistryEvent) -> dict[str, Any]:
    change, request = event.change, event.occasion.request
    return {
        "id": event.id,
        "at_us": to_us(event.at),
        "repository": event.repository,
        "change": {
            "action": change.action,
            "subject": change.subject,
            "digest": None if change.digest is None else str(change.digest),
            "media_type": change.media_type,
            "size_bytes": change.size_bytes,
            "tag": change.tag,
            "from_repository": change.from_repository,
        },
        "actor": event.occasion.actor,
        "request": None
        if request is None
        else {
            "id": request.id,
            "address": request.address,
            "host": request.host,
            "method": request.method,
            "user_agent": request.user_agent,
            "base_url": request.base_url,
        },
    }


def _event(text: str) -> RegistryEvent:
    content: Mapping[str, Any] = json.loads(text)
    change, request = content["change"], content["request"]
    digest = change["digest"]
    return RegistryEvent(
        id=content["id"],
        at=from_us(content["at_us"]),
        repository=content["repository"],
        change=Change(
            **{
                **change,
                "action": Action(change["action"]),
                "subject": Subject(change["subject"]),
                "digest": None if digest is None else Digest.parse(digest),
            }
        ),
        occasion=Occasion(
            content["actor"], None if request is None else RequestFacts(**request)
        ),
    )
