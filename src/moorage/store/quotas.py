"""Quotas of projects and groups."""

from __future__ import annotations

from moorage.domain.projects import Scope
from moorage.domain.quotas import Quota
from moorage.ports.database import Tx
from moorage.ports.query import load

_SQL = load("quotas")


def put(tx: Tx, scope: Scope, limit_bytes: int | None) -> None:
    """Set a quota; ``None`` takes it away."""
    project = {"project_id": scope.project_id}
    namespace = {"namespace_id": scope.namespace_id}
    if scope.project_id is not None and limit_bytes is None:
        tx.run(_SQL.delete_project, **project)
    elif scope.project_id is not None:
        tx.run(_SQL.put_project, limit_bytes=limit_bytes, **project)
    elif limit_bytes is None:
        tx.run(_SQL.delete_namespace, **namespace)
    else:
        tx.run(_SQL.put_namespace, limit_bytes=limit_bytes, **namespace)


def find(tx: Tx, scope: Scope) -> int | None:
    """Return the quota of a project or group, if it has one of its own."""
    if scope.project_id is not None:
        row = tx.one(_SQL.find_project, project_id=scope.project_id)
    else:
        row = tx.one(_SQL.find_namespace, namespace_id=scope.namespace_id)
    return None if row is None else row["limit_bytes"]


def list_over_project(tx: Tx, project_id: int) -> list[Quota]:
    """Return the quotas that a push to a project has to keep to."""
    return [
        Quota(
            Scope(row["project_id"], row["namespace_id"]),
            row["full_path"],
            row["limit_bytes"],
        )
        for row in tx.all(_SQL.list_over_project, project_id=project_id)
    ]
