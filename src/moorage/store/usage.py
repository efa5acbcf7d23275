"""What repositories take up, computed from what is there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from moorage.domain import sizes
from moorage.domain.digest import Digest
from moorage.domain.usage import Usage
from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store import usage_sums
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
    sums = usage_sums.of_each(tx, ids).values()
    reached = _reach(tx, ids, roots(tx, ids, now=now))
    blobs = tx.one(_SQL.blobs, ids=ids, reached=list(reached))
    if counts is None or blobs is None:
        raise AssertionError
    return Usage(
        listed_bytes=sum(each.listed_bytes for each in sums),
        unique_bytes=blobs["unique_bytes"],
        exclusive_bytes=blobs["exclusive_bytes"],
        pending_bytes=blobs["pending_bytes"],
        repositories=counts["repositories"],
        tags=counts["tags"],
        manifests=counts["manifests"],
        blobs=blobs["blobs"],
    )


def roots(tx: Tx, repository_ids: Sequence[int], *, now: datetime) -> set[int]:
    """Return the manifests that tags and holds keep of themselves."""
    rows = tx.all(_SQL.roots, ids=list(repository_ids), now_us=to_us(now))
    return {row["id"] for row in rows}


def manifests_of(tx: Tx, repository_id: int, digests: Sequence[Digest]) -> set[int]:
    """Return the ids of manifests of one repository."""
    rows = tx.all(
        _SQL.manifests_of,
        repository_id=repository_id,
        digests=[str(digest) for digest in digests],
    )
    return {row["id"] for row in rows}


def used_bytes(
    tx: Tx,
    repository_ids: Sequence[int],
    kept: Iterable[int],
    more: Sequence[Digest],
) -> int:
    """Add up the blobs that manifests reach, and some more, each once."""
    row = tx.one(
        _SQL.used,
        reached=list(_reach(tx, repository_ids, kept)),
        digests=[str(digest) for digest in more],
    )
    return row["total"] if row else 0


def _reach(tx: Tx, repository_ids: Sequence[int], kept: Iterable[int]) -> set[int]:
    edges = tx.all(_SQL.kept, ids=list(repository_ids))
    graph = sizes.keeping(((row["keeper"], row["kept"]) for row in edges), ())
    return sizes.reach(kept, graph.kept_by)
