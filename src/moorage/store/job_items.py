"""The tags that a job is about, in order, and what became of each.

Many share a row: a run of a hundred thousand tags would else spend most of its time on
writing down what it does. What became of one is told by how far the job is, which it
records as it goes (``jobs.set_progress``); only what it passed over has a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from moorage.domain.jobs import ItemOutcome, JobItem
from moorage.ports.database import Row, Tx
from moorage.ports.query import load

TOGETHER = 1000
"""Items that share a row at most."""

Planned: TypeAlias = tuple[str, str, str]
"""A name, the digest that was seen there, and the reason."""

_SQL = load("job_items")


@dataclass(frozen=True, slots=True)
class Packed:
    """Items as they are stored: made before the transaction that stores them."""

    total: int
    batches: Sequence[Mapping[str, int | str]]


def pack(planned: Sequence[Planned]) -> Packed:
    """Prepare items to be stored in this order."""
    batches: list[Mapping[str, int | str]] = [
        {
            "first_position": start + 1,
            "size": len(planned[start : start + TOGETHER]),
            "items": json.dumps(planned[start : start + TOGETHER]),
        }
        for start in range(0, len(planned), TOGETHER)
    ]
    return Packed(len(planned), batches)


def add(tx: Tx, job_id: int, packed: Packed, outcome: ItemOutcome) -> None:
    """Store the items of a job that has none; ``outcome`` is what it does to them."""
    given = {"job_id": job_id, "outcome": outcome.value}
    tx.run_many(_SQL.add, [{**given, **batch} for batch in packed.batches])


def list_page(tx: Tx, job_id: int, after: int, limit: int) -> list[JobItem]:
    """List a job's items, those behind position ``after``."""
    reach = {"job_id": job_id, "last": after + limit}
    rows = tx.all(_SQL.list_batches, before=after - TOGETHER, **reach)
    if not rows:
        return []
    skipped = tx.all(_SQL.list_skipped, after=after, **reach)
    reasons = {row["position"]: row["reason"] for row in skipped}
    return [
        item
        for row in rows
        for item in _items(row, reasons)
        if after < item.position <= after + limit
    ]


def _items(row: Row, skipped: Mapping[int, str]) -> Iterator[JobItem]:
    done, outcome = row["done"], ItemOutcome(row["outcome"])
    numbered = enumerate(json.loads(row["items"]), row["first_position"])
    for position, (name, digest, reason) in numbered:
        if position in skipped:
            passed_over = skipped[position]
            yield JobItem(position, name, digest, ItemOutcome.SKIPPED, passed_over)
        else:
            became = outcome if position <= done else ItemOutcome.PLANNED
            yield JobItem(position, name, digest, became, reason)


def skip(tx: Tx, job_id: int, positions: list[int], *, reason: str) -> None:
    """Record that nothing is done about some items."""
    if positions:
        tx.run(_SQL.skip, job_id=job_id, positions=positions, reason=reason)


def count(tx: Tx, job_id: int) -> int:
    """Count a job's items."""
    row = tx.one(_SQL.count, job_id=job_id)
    return int(row["total"]) if row else 0


def count_skipped(tx: Tx, job_id: int) -> int:
    """Count those that the job passed over so far."""
    row = tx.one(_SQL.count_skipped, job_id=job_id)
    return row["total"] if row else 0
