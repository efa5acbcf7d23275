"""What repositories take up, computed from what is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from moorage.domain import sizes
from moorage.domain.usage import Usage
from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store.times import to_us

_SQL = load("usage")


def repositories_of_project(tx: Tx, project_id: int) -> list[int]:
    """List the ids of a project's repositories, those of deleted ones as well."""
    rows = tx.all(_SQL.repositories_of_project, project_id=project_id)
    return [row["id"] for row in rows]


def repositories_of_namespace(tx: Tx, namespace_id: int) -> list[int]:
    """List the ids of all repositories below a group, deleted ones as well."""
    rows = tx.all(_SQL.repositories_of_namespace, namespace_id=namespace_id)
    return [row["id"] for row in rows]


def of_repositories(tx: Tx, repository_ids: Sequence[int], *, now: datetime) -> Usage:
    """Add up what some repositories take up together."""
    ids = list(repository_ids)
    counts = tx.one(_SQL.counts, ids=ids)
    roots = tx.all(_SQL.roots, ids=ids, now_us=to_us(now))
    edges = tx.all(_SQL.kept, ids=ids)
    graph = sizes.keeping(((row["keeper"], row["kept"]) for row in edges), ())
    reached = sizes.reach((row["id"] for row in roots), graph.kept_by)
    blobs = tx.one(_SQL.blobs, ids=ids, reached=list(reached))
    if counts is None or blobs is None:
        raise AssertionError
    return Usage(
        listed_bytes=counts["listed_bytes"],
        unique_bytes=blobs["unique_bytes"],
        exclusive_bytes=blobs["exclusive_bytes"],
        pending_bytes=blobs["pending_bytes"],
        repositories=counts["repositories"],
        tags=counts["tags"],
        manifests=counts["manifests"],
        blobs=blobs["blobs"],
    )
