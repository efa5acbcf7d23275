"""What few rules look at about images: platforms, labels, whether others refer to them.

Kept apart, and read only for rules that ask for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from moorage.domain.cleanup import NO_TRAITS, Rules, TagFacts, Traits
from moorage.domain.digest import Digest
from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store import tags

_SQL = load("traits")


def put_labels(tx: Tx, manifest_id: int, labels: Mapping[str, str]) -> None:
    """Remember what an image's labels and annotations say; most have none."""
    if labels:
        tx.run(_SQL.put_labels, manifest_id=manifest_id, labels=json.dumps(labels))


def shared_labels(
    tx: Tx, repository_id: int, digests: Sequence[Digest]
) -> Mapping[str, str]:
    """Return what the labels of several images have in common."""
    rows = tx.all(
        _SQL.list_labels,
        repository_id=repository_id,
        digests=[str(digest) for digest in digests],
    )
    if not rows or len(rows) < len(set(digests)):
        return {}
    first, *others = [set(json.loads(row["labels"]).items()) for row in rows]
    return dict(first.intersection(*others))


def list_facts(
    tx: Tx, repository_id: int, rules: Rules, *, now: datetime
) -> list[TagFacts]:
    """Return every tag of a repository with what the rules look at, in no order."""
    facts = tags.list_facts(tx, repository_id, now=now)
    return _with_traits(tx, repository_id, facts) if rules.needs_traits else facts


def _with_traits(
    tx: Tx, repository_id: int, facts: Iterable[TagFacts]
) -> list[TagFacts]:
    subjects = tx.all(_SQL.list_subjects, repository_id=repository_id)
    referred = {row["digest"] for row in subjects}
    found = {
        row["id"]: Traits(
            platforms=tuple(json.loads(row["platforms"])),
            labels=json.loads(row["labels"] or "{}"),
            referred=row["digest"] in referred,
        )
        for row in tx.all(_SQL.list_all, repository_id=repository_id)
    }
    return [tag._replace(traits=found.get(tag.manifest_id, NO_TRAITS)) for tag in facts]
