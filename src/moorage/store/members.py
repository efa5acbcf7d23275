"""Memberships, direct and inherited, and the role that follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from moorage.domain.access import Principal, Role, Visibility, sees
from moorage.domain.accounts import Account
from moorage.domain.members import JoinedPlace, Member
from moorage.domain.projects import Project, Scope
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import accounts
from moorage.store.times import from_us, to_us

_SQL = load("members")

SourceType: TypeAlias = Literal["Project", "Namespace"]
"""What somebody can be a member of, in GitLab's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFilter:
    """Which members a list is about; ``search`` is part of a name, in lower case."""

    search: str | None = None
    account_ids: Sequence[int] | None = None
    skipped: Sequence[int] = ()


ALL_MEMBERS = MemberFilter()


@dataclass(frozen=True, slots=True)
class Line:
    """A project with the namespace that it lies in, or with id 0 a group alone."""

    project_id: int
    namespace_id: int

    @property
    def parameters(self) -> dict[str, int]:
        """What statements take."""
        return {"project_id": self.project_id, "namespace_id": self.namespace_id}


@dataclass(frozen=True, slots=True)
class Reach:
    """Where an account has a role: namespaces, and projects apart from these."""

    namespaces: Mapping[int, Role]
    projects: Mapping[int, Role]


NOWHERE = Reach({}, {})


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller sees in lists: all that is open, and where they have some role."""

    open: frozenset[Visibility]
    reach: Reach
    min_level: Role

    @property
    def parameters(self) -> dict[str, int]:
        """What the statements of lists take."""
        return {
            "min_level": int(self.min_level),
            **{f"open_{one}": int(one in self.open) for one in Visibility},
        }

    @property
    def reached(self) -> list[tuple[int, int]]:
        """The namespaces where they have a role, with that."""
        return [(id_, int(level)) for id_, level in self.reach.namespaces.items()]

    @property
    def apart(self) -> list[tuple[int, int]]:
        """The projects where they have a role beside that of the namespace."""
        return [(id_, int(level)) for id_, level in self.reach.projects.items()]


def sight_of(tx: Tx, principal: Principal, min_level: Role, now: datetime) -> Sight:
    """Return what a caller sees; with a least role, what they have that role in."""
    everything = principal.admin and min_level is Role.NONE
    found = NOWHERE
    if principal.account_id is not None and not everything:
        found = reach(tx, principal.account_id, now)
    if min_level is not Role.NONE:
        return Sight(frozenset(), found, min_level)
    seen = (one for one in Visibility if sees(principal, one, Role.NONE))
    return Sight(frozenset(seen), found, min_level)


def project_level(tx: Tx, project: Project, account_id: int, now: datetime) -> Role:
    """Return the highest role in the project or in any group above it.

    Who owns the personal namespace that it lies in has ``Role.OWNER``. Members of an
    invited group have their role there, up to what the group was given.
    """
    return _level(tx, project.id, project.namespace_id, account_id, now)


def group_level(tx: Tx, namespace_id: int, account_id: int, now: datetime) -> Role:
    """Return the highest role in a namespace or in any group above it."""
    return _level(tx, 0, namespace_id, account_id, now)


def _level(
    tx: Tx, project_id: int, namespace_id: int, account_id: int, now: datetime
) -> Role:
    row = tx.one(
        _SQL.level,
        project_id=project_id,
        namespace_id=namespace_id,
        account_id=account_id,
        today=_today(now),
    )
    return _role(row)


def reach(tx: Tx, account_id: int, now: datetime) -> Reach:
    """Return everything in which an account has a role, and which."""
    namespaces: dict[int, Role] = {}
    projects: dict[int, Role] = {}
    for row in tx.all(_SQL.reach, account_id=account_id, today=_today(now)):
        if row["project_id"] is None:
            namespaces[row["namespace_id"]] = Role(row["level"])
        else:
            projects[row["project_id"]] = Role(row["level"])
    return Reach(namespaces, projects)


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


def find(tx: Tx, of: Scope, account_id: int, now: datetime) -> Member | None:
    """Return a direct member of a project or group."""
    kind, id_ = of.place
    query = _SQL.variant("find", of=kind)
    rows = tx.all(query, id=id_, account_id=account_id, today=_today(now))
    return next(iter(_from_rows(tx, rows)), None)


def has_other_owner(tx: Tx, namespace_id: int, account_id: int, now: datetime) -> bool:
    """Whether somebody else is a direct owner of a group."""
    row = tx.one(
        _SQL.other_owner,
        namespace_id=namespace_id,
        account_id=account_id,
        today=_today(now),
    )
    return row is not None


def list_direct(
    tx: Tx, of: Scope, wanted: MemberFilter, *, now: datetime, limit: int, offset: int
) -> list[Member]:
    """Return direct members of a project or group, by account."""
    kind, id_ = of.place
    query = _SQL.variant("list_direct", of=kind, give="rows")
    conditions = _conditions(wanted, now)
    rows = tx.all(query, id=id_, **conditions, limit=limit, offset=offset)
    return _from_rows(tx, rows)


def count_direct(
    tx: Tx, of: Scope, wanted: MemberFilter, *, now: datetime, limit: int
) -> int:
    """Count what ``list_direct`` lists, up to the limit."""
    kind, id_ = of.place
    query = _SQL.variant("list_direct", of=kind, give="total")
    row = tx.one(query, id=id_, **_conditions(wanted, now), limit=limit, offset=0)
    return 0 if row is None else row["total"]


def list_all(
    tx: Tx, of: Line, wanted: MemberFilter, *, now: datetime, limit: int, offset: int
) -> list[Member]:
    """Return members by account, of groups above and invited ones too.

    Each account has its highest role.
    """
    query = _SQL.variant("list_all", give="rows")
    conditions = {**of.parameters, **_conditions(wanted, now)}
    return _from_rows(tx, tx.all(query, **conditions, limit=limit, offset=offset))


def count_all(
    tx: Tx, of: Line, wanted: MemberFilter, *, now: datetime, limit: int
) -> int:
    """Count what ``list_all`` lists, up to the limit."""
    query = _SQL.variant("list_all", give="total")
    conditions = {**of.parameters, **_conditions(wanted, now)}
    row = tx.one(query, **conditions, limit=limit, offset=0)
    return 0 if row is None else row["total"]


def _conditions(wanted: MemberFilter, now: datetime) -> dict[str, Any]:
    return {
        "search": wanted.search or None,
        "anybody": int(wanted.account_ids is None),
        "account_ids": list(wanted.account_ids or ()),
        "skipped_ids": list(wanted.skipped),
        "today": _today(now),
    }


def list_joined(
    tx: Tx,
    account_id: int,
    kind: SourceType | None,
    *,
    now: datetime,
    limit: int,
    offset: int,
) -> list[JoinedPlace]:
    """Return what somebody is a direct member of: projects, then groups."""
    rows = tx.all(
        _SQL.variant("list_joined", give="rows"),
        account_id=account_id,
        kind=kind,
        today=_today(now),
        limit=limit,
        offset=offset,
    )
    return [
        JoinedPlace(
            Scope(row["project_id"], row["namespace_id"]),
            row["name"],
            Role(row["access_level"]),
        )
        for row in rows
    ]


def count_joined(
    tx: Tx, account_id: int, kind: SourceType | None, *, now: datetime, limit: int
) -> int:
    """Count what ``list_joined`` lists, up to the limit."""
    row = tx.one(
        _SQL.variant("list_joined", give="total"),
        account_id=account_id,
        kind=kind,
        today=_today(now),
        limit=limit,
        offset=0,
    )
    return 0 if row is None else row["total"]


def put(
    tx: Tx,
    of: Scope,
    account_id: int,
    level: Role,
    *,
    now: datetime,
    expires_on: date | None = None,
    created_by_id: int | None = None,
) -> None:
    """Make somebody a member of a project or group, or change their membership."""
    kind, id_ = of.place
    tx.run(
        _SQL.variant("put", of=kind),
        id=id_,
        account_id=account_id,
        access_level=int(level),
        expires_on=None if expires_on is None else expires_on.isoformat(),
        created_by_id=created_by_id,
        now_us=to_us(now),
    )


def delete(tx: Tx, of: Scope, account_id: int) -> bool:
    """End a direct membership."""
    kind, id_ = of.place
    query = _SQL.variant("delete", of=kind)
    return tx.run(query, id=id_, account_id=account_id) == 1


def _today(now: datetime) -> str:
    return now.date().isoformat()


def _from_rows(tx: Tx, rows: Sequence[Row]) -> list[Member]:
    makers = {row["created_by_id"] for row in rows} - {None}
    found = accounts.find_many(tx, sorted(makers))
    return [_from_row(row, found.get(row["created_by_id"] or 0)) for row in rows]


def _from_row(row: Row, created_by: Account | None) -> Member:
    expires_on = row["expires_on"]
    return Member(
        account=accounts.from_row(row),
        level=Role(row["access_level"]),
        expires_on=None if expires_on is None else date.fromisoformat(expires_on),
        created_by=created_by,
        created_at=from_us(row["member_since_us"]),
    )
