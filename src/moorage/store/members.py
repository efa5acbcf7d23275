"""Memberships, direct and inherited, and the role that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from moorage.domain.access import Role
from moorage.domain.members import Member
from moorage.domain.projects import Project
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import accounts
from moorage.store.times import from_us, to_us

_SQL = load("members")


def project_level(tx: Tx, project: Project, account_id: int, now: datetime) -> Role:
    """Return the highest role in the project or in any group above it.

    Who owns the personal namespace that it lies in has ``Role.OWNER``.
    """
    row = tx.one(
        _SQL.project_level,
        project_id=project.id,
        namespace_id=project.namespace_id,
        account_id=account_id,
        today=_today(now),
    )
    return _role(row)


def group_level(tx: Tx, namespace_id: int, account_id: int, now: datetime) -> Role:
    """Return the highest role in a namespace or in any group above it."""
    row = tx.one(
        _SQL.group_level,
        namespace_id=namespace_id,
        account_id=account_id,
        today=_today(now),
    )
    return _role(row)


def _role(row: Row | None) -> Role:
    return Role((row["level"] if row else None) or Role.NONE)


def direct_levels(
    tx: Tx, project_ids: Sequence[int], account_id: int, now: datetime
) -> dict[int, Role]:
    """Return the roles of direct memberships, by project."""
    rows = tx.all(
        _SQL.direct_levels,
        project_ids=list(project_ids),
        account_id=account_id,
        today=_today(now),
    )
    return {row["project_id"]: Role(row["access_level"]) for row in rows}


def of_project(tx: Tx, project_id: int, now: datetime) -> list[Member]:
    """Return the direct members of a project, by account."""
    rows = tx.all(_SQL.project_members, project_id=project_id, today=_today(now))
    return [_from_row(row) for row in rows]


def of_group(tx: Tx, namespace_id: int, now: datetime) -> list[Member]:
    """Return the direct members of a group, by account."""
    rows = tx.all(_SQL.group_members, namespace_id=namespace_id, today=_today(now))
    return [_from_row(row) for row in rows]


def above(tx: Tx, namespace_id: int, now: datetime) -> list[Member]:
    """Return the members of a namespace and of every group above, in no order.

    An account may occur several times.
    """
    rows = tx.all(_SQL.inherited_members, namespace_id=namespace_id, today=_today(now))
    return [_from_row(row) for row in rows]


def put_in_project(
    tx: Tx,
    project_id: int,
    account_id: int,
    level: Role,
    *,
    now: datetime,
    expires_on: date | None = None,
    created_by_id: int | None = None,
) -> None:
    """Make somebody a member of a project, or change their membership."""
    tx.run(
        _SQL.put_project_member,
        project_id=project_id,
        account_id=account_id,
        access_level=int(level),
        expires_on=None if expires_on is None else expires_on.isoformat(),
        created_by_id=created_by_id,
        now_us=to_us(now),
    )


def put_in_group(
    tx: Tx,
    namespace_id: int,
    account_id: int,
    level: Role,
    *,
    now: datetime,
    expires_on: date | None = None,
    created_by_id: int | None = None,
) -> None:
    """Make somebody a member of a group, or change their membership."""
    tx.run(
        _SQL.put_group_member,
        namespace_id=namespace_id,
        account_id=account_id,
        access_level=int(level),
        expires_on=None if expires_on is None else expires_on.isoformat(),
        created_by_id=created_by_id,
        now_us=to_us(now),
    )


def delete_from_project(tx: Tx, project_id: int, account_id: int) -> bool:
    """End a direct membership."""
    touched = tx.run(
        _SQL.delete_project_member, project_id=project_id, account_id=account_id
    )
    return touched == 1


def delete_from_group(tx: Tx, namespace_id: int, account_id: int) -> bool:
    """End a direct membership."""
    touched = tx.run(
        _SQL.delete_group_member, namespace_id=namespace_id, account_id=account_id
    )
    return touched == 1


def _today(now: datetime) -> str:
    return now.date().isoformat()


def _from_row(row: Row) -> Member:
    expires_on = row["expires_on"]
    return Member(
        account=accounts.from_row(row),
        level=Role(row["access_level"]),
        expires_on=None if expires_on is None else date.fromisoformat(expires_on),
        created_by_id=row["created_by_id"],
        created_at=from_us(row["member_since_us"]),
    )
