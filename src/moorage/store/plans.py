"""Stored plans and their items."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from moorage.domain.plans import Plan, PlanItem, PlanSummary, Verdict
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.job_items import Planned
from moorage.store.times import from_us, from_us_or_none, to_us, to_us_or_none

REASON = "The plan says so."

_SQL = load("plans")


def create(tx: Tx, plan: Plan, *, actor: str, expires_at: datetime) -> int:
    """Begin to store a plan; return its id. Nobody finds it until it is complete."""
    row = tx.one(
        _SQL.create,
        repository_id=plan.repository_id,
        parameters=json.dumps(plan.parameters),
        warnings=json.dumps(plan.warnings),
        actor=actor,
        created_at_us=to_us(plan.created_at),
        expires_at_us=to_us(expires_at),
    )
    if row is None:
        raise AssertionError
    plan_id: int = row["id"]
    return plan_id


def add_items(tx: Tx, plan_id: int, first: int, items: Iterable[PlanItem]) -> None:
    """Store some of its items, in their order; ``first`` of them are stored."""
    columns = [_columns(item) for item in items]
    tx.run(_SQL.add_items, plan_id=plan_id, first=first, items=columns)


def complete(tx: Tx, plan_id: int, summary: PlanSummary) -> None:
    """Let a plan be found, all of whose items are stored."""
    tx.run(_SQL.complete, id=plan_id, summary=json.dumps(asdict(summary)))


def find(tx: Tx, repository_id: int, plan_id: int) -> Plan | None:
    """Look up a plan of a repository."""
    row = tx.one(_SQL.find, id=plan_id, repository_id=repository_id)
    return None if row is None else _plan(row)


def lock(tx: Tx, repository_id: int, plan_id: int) -> Plan | None:
    """Look up a plan that nobody else may apply before this transaction ends."""
    row = tx.one(_SQL.lock, id=plan_id, repository_id=repository_id)
    return None if row is None else _plan(row)


def mark_applied(tx: Tx, plan_id: int, job_id: int) -> None:
    """Record which job applies a plan."""
    tx.run(_SQL.mark_applied, id=plan_id, job_id=job_id)


def list_items(
    tx: Tx, plan_id: int, verdict: Verdict | None, *, offset: int, limit: int
) -> list[PlanItem]:
    """List some of a plan's items in order, all or those of one verdict."""
    if verdict is None:
        rows = tx.all(
            _SQL.list_items, plan_id=plan_id, offset=offset, last=offset + limit
        )
    else:
        rows = tx.all(
            _SQL.list_items_of,
            plan_id=plan_id,
            decision=verdict,
            offset=offset,
            limit=limit,
        )
    return [_item(row) for row in rows]


def list_deletions(tx: Tx, plan_id: int) -> list[Planned]:
    """Return what a plan deletes as a job's items, in their order."""
    rows = tx.all(_SQL.list_deletions, plan_id=plan_id)
    return [(row["name"], row["digest"], REASON) for row in rows]


def delete_expired(tx: Tx, *, before: datetime) -> bool:
    """Forget a plan that expired before a time; return whether there was one."""
    return tx.run(_SQL.delete_expired, before_us=to_us(before)) == 1


def _columns(item: PlanItem) -> tuple[str, str, str, str]:
    facts = (
        item.rule,
        item.reason,
        to_us(item.created_at),
        to_us(item.pushed_at),
        to_us_or_none(item.last_pulled_at),
        item.total_bytes,
        item.exclusive_bytes,
    )
    return item.verdict.value, item.name, item.digest, json.dumps(facts)


def _item(row: Row) -> PlanItem:
    rule, reason, created, pushed, pulled, total, exclusive = json.loads(row["facts"])
    return PlanItem(
        name=row["name"],
        digest=row["digest"],
        verdict=Verdict(row["decision"]),
        rule=rule,
        reason=reason,
        created_at=from_us(created),
        pushed_at=from_us(pushed),
        last_pulled_at=from_us_or_none(pulled),
        total_bytes=total,
        exclusive_bytes=exclusive,
    )


def _plan(row: Row) -> Plan:
    return Plan(
        id=row["id"],
        repository_id=row["repository_id"],
        parameters=json.loads(row["parameters"]),
        warnings=json.loads(row["warnings"]),
        summary=PlanSummary(**json.loads(row["summary"])),
        created_at=from_us(row["created_at_us"]),
        expires_at=from_us(row["expires_at_us"]),
        job_id=row["job_id"],
    )
