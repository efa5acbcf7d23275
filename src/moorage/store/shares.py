"""Groups that were invited to projects and to other groups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from moorage.domain.access import Role
from moorage.domain.members import Share
from moorage.domain.projects import OwnerKind, Scope
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import namespaces
from moorage.store.times import to_us

_SQL = load("shares")


def create(
    tx: Tx,
    of: Scope,
    group_id: int,
    level: Role,
    *,
    expires_on: date | None,
    now: datetime,
) -> int | None:
    """Invite a group; return the invitation's id, ``None`` if there is one already."""
    kind, id_ = of.place
    row = tx.one(
        _SQL.variant("create", of=kind),
        id=id_,
        group_id=group_id,
        access_level=int(level),
        expires_on=None if expires_on is None else expires_on.isoformat(),
        now_us=to_us(now),
    )
    return None if row is None else row["id"]


def delete(tx: Tx, of: Scope, group_id: int) -> bool:
    """Take an invitation back."""
    kind, id_ = of.place
    return tx.run(_SQL.variant("delete", of=kind), id=id_, group_id=group_id) == 1


def of_projects(
    tx: Tx, project_ids: Sequence[int], now: datetime
) -> dict[int, list[Share]]:
    """Return the groups that were invited, by project."""
    return _list(tx, "project", project_ids, now)


def of_groups(
    tx: Tx, group_ids: Sequence[int], now: datetime
) -> dict[int, list[Share]]:
    """Return the groups that were invited, by group."""
    return _list(tx, "namespace", group_ids, now)


def of(tx: Tx, scope: Scope, now: datetime) -> list[Share]:
    """Return the groups that were invited to one project or group."""
    kind, id_ = scope.place
    return _list(tx, kind, [id_], now).get(id_, [])


def namespace_ids(tx: Tx, group_id: int, now: datetime) -> list[int]:
    """List the groups that a group was invited to."""
    today = now.date().isoformat()
    rows = tx.all(_SQL.namespace_ids, group_id=group_id, today=today)
    return [row["namespace_id"] for row in rows]


def project_ids(tx: Tx, group_id: int, now: datetime) -> list[int]:
    """List the projects that a group was invited to."""
    today = now.date().isoformat()
    rows = tx.all(_SQL.project_ids, group_id=group_id, today=today)
    return [row["project_id"] for row in rows]


def _list(
    tx: Tx, kind: OwnerKind, ids: Sequence[int], now: datetime
) -> dict[int, list[Share]]:
    query = _SQL.variant("list_shares", of=kind)
    found: dict[int, list[Share]] = {}
    for row in tx.all(query, ids=list(ids), today=now.date().isoformat()):
        found.setdefault(row["scope_id"], []).append(_from_row(row, kind))
    return found


def _from_row(row: Row, kind: OwnerKind) -> Share:
    expires_on = row["expires_on"]
    id_ = row["scope_id"]
    project = kind == "project"
    return Share(
        id=row["share_id"],
        scope=Scope(project_id=id_) if project else Scope(namespace_id=id_),
        group=namespaces.from_row(row),
        level=Role(row["access_level"]),
        expires_on=None if expires_on is None else date.fromisoformat(expires_on),
    )
