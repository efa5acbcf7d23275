"""Webhooks: where events are sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from moorage.domain.webhooks import Webhook
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.times import from_us, to_us

_SQL = load("webhooks")


def create(tx: Tx, project_id: int, url: str, *, now: datetime) -> Webhook | None:
    """Make a project's webhook; return ``None`` if it has one of this address."""
    row = tx.one(_SQL.create, project_id=project_id, url=url, now_us=to_us(now))
    return None if row is None else _webhook(row)


def find(tx: Tx, webhook_id: int) -> Webhook | None:
    """Look up a webhook."""
    row = tx.one(_SQL.find, id=webhook_id)
    return None if row is None else _webhook(row)


def list_by_project(tx: Tx, project_id: int) -> list[Webhook]:
    """List a project's own webhooks, oldest first."""
    return [_webhook(r) for r in tx.all(_SQL.list_by_project, project_id=project_id)]


def delete(tx: Tx, project_id: int, webhook_id: int) -> bool:
    """Remove a project's webhook and what it was not told; return if it was there."""
    return tx.run(_SQL.delete, id=webhook_id, project_id=project_id) == 1


def set_of_instance(tx: Tx, urls: Sequence[str], *, now: datetime) -> None:
    """Have events of every project sent to these addresses and to no others."""
    there = {row["url"]: row["id"] for row in tx.all(_SQL.list_of_instance)}
    gone = [webhook_id for url, webhook_id in there.items() if url not in urls]
    if gone:
        tx.run(_SQL.delete_many, ids=gone)
    for url in dict.fromkeys(urls):
        if url not in there:
            tx.run(_SQL.create_of_instance, url=url, now_us=to_us(now))


def _webhook(row: Row) -> Webhook:
    return Webhook(
        id=row["id"],
        project_id=row["project_id"],
        url=row["url"],
        created_at=from_us(row["created_at_us"]),
    )
