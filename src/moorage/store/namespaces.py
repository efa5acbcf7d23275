"""Namespaces: groups, and the personal ones of users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from moorage.domain.access import Principal, Role, Visibility, sees
from moorage.domain.accounts import Account
from moorage.domain.errors import NamespaceUnknownError
from moorage.domain.projects import (
    GroupInvalidError,
    Namespace,
    NamespaceKind,
    is_wider,
)
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.times import from_us, to_us

_SQL = load("namespaces")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGroup:
    """What a group starts with."""

    name: str
    path: str
    parent: Namespace | None = None
    visibility: Visibility = Visibility.PRIVATE
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFilter:
    """Which groups a list is about, and in which order.

    ``search`` is part of a name, in lower case; ``among`` limits the list to some ids;
    ``min_level`` to groups where the caller has that role.
    """

    search: str | None = None
    min_level: Role = Role.NONE
    top_level_only: bool = False
    parent_id: int | None = None
    among: Sequence[int] | None = None
    skipped: Sequence[int] = ()
    order_by: str = "name"
    ascending: bool = True


def create_group(tx: Tx, new: NewGroup, *, now: datetime) -> Namespace:
    """Make a group.

    Raises:
        GroupInvalidError: The path is taken.
    """
    return _create(
        tx,
        kind=NamespaceKind.GROUP,
        parent_id=new.parent.id if new.parent else None,
        owner_id=None,
        name=new.name,
        path=new.path,
        full_path=f"{new.parent.full_path}/{new.path}" if new.parent else new.path,
        visibility=new.visibility,
        description=new.description,
        now_us=to_us(now),
    )


def create_personal(tx: Tx, account: Account, *, now: datetime) -> Namespace:
    """Make the namespace that is named like its owner.

    Raises:
        GroupInvalidError: A group has that path.
    """
    return _create(
        tx,
        kind=NamespaceKind.USER,
        parent_id=None,
        owner_id=account.id,
        name=account.name,
        path=account.username,
        full_path=account.username,
        visibility=Visibility.PUBLIC,
        description="",
        now_us=to_us(now),
    )


def _create(tx: Tx, **columns: str | int | None) -> Namespace:
    row = tx.one(_SQL.create, **columns)
    assert row is not None  # noqa: S101 (INSERT … RETURNING gives a row or raises)
    namespace = from_row(row)
    _claim(tx, namespace.id, namespace.full_path)
    return namespace


def _claim(tx: Tx, namespace_id: int, full_path: str) -> None:
    path_key = full_path.lower()
    if not tx.run(_SQL.claim_route, path_key=path_key, namespace_id=namespace_id):
        raise GroupInvalidError(path=["has already been taken"])


def find(tx: Tx, namespace_id: int) -> Namespace | None:
    """Return a namespace by id."""
    row = tx.one(_SQL.find, namespace_id=namespace_id)
    return None if row is None else from_row(row)


def get(tx: Tx, namespace_id: int) -> Namespace:
    """Return a namespace by id.

    Raises:
        NamespaceUnknownError: There is none.
    """
    namespace = find(tx, namespace_id)
    if namespace is None:
        raise NamespaceUnknownError
    return namespace


def find_by_path(tx: Tx, full_path: str) -> Namespace | None:
    """Return a namespace by full path, in any case."""
    row = tx.one(_SQL.find_by_path, path_key=full_path.lower())
    return None if row is None else from_row(row)


def find_longest(tx: Tx, path: str) -> Namespace | None:
    """Return the deepest namespace that a path lies properly in."""
    row = tx.one(_SQL.find_longest, prefixes=proper_prefixes(path.lower()))
    return None if row is None else from_row(row)


def find_of_account(tx: Tx, account_id: int) -> Namespace | None:
    """Return an account's personal namespace; bots have none."""
    row = tx.one(_SQL.find_of_account, account_id=account_id)
    return None if row is None else from_row(row)


def chains(tx: Tx, namespace_ids: Sequence[int]) -> dict[int, list[Namespace]]:
    """Return, for each id, its namespace with all ancestors, topmost first."""
    found: dict[int, list[Namespace]] = {}
    for row in tx.all(_SQL.chains, namespace_ids=sorted(set(namespace_ids))):
        found.setdefault(row["start_id"], []).append(from_row(row))
    return found


def update(tx: Tx, namespace: Namespace) -> None:
    """Save name, visibility and description."""
    tx.run(
        _SQL.update,
        namespace_id=namespace.id,
        name=namespace.name,
        visibility=namespace.visibility,
        description=namespace.description,
    )


def descendant_ids(tx: Tx, namespace_id: int) -> list[int]:
    """Return its id and those of all groups below, deepest first."""
    rows = tx.all(_SQL.descendant_ids, namespace_id=namespace_id)
    return [row["id"] for row in rows]


def rename(
    tx: Tx, namespace: Namespace, parent: Namespace | None, path: str
) -> Namespace:
    """Give an empty namespace another path in the same parent.

    Raises:
        GroupInvalidError: The path is taken.
    """
    full_path = f"{parent.full_path}/{path}" if parent else path
    tx.run(_SQL.rename, namespace_id=namespace.id, path=path, full_path=full_path)
    tx.run(_SQL.release_route, namespace_id=namespace.id)
    _claim(tx, namespace.id, full_path)
    return replace(namespace, path=path, full_path=full_path)


def holds_wider(tx: Tx, namespace_id: int, visibility: Visibility) -> bool:
    """Whether a group or project directly in it is seen by more people."""
    wider = [one.value for one in Visibility if is_wider(one, visibility)]
    row = tx.one(_SQL.holds_visible, namespace_id=namespace_id, visibilities=wider)
    return row is not None


def holds_anything(tx: Tx, namespace_id: int) -> bool:
    """Whether groups or projects lie directly in it."""
    return tx.one(_SQL.holds_anything, namespace_id=namespace_id) is not None


def delete(tx: Tx, namespace_id: int) -> bool:
    """Remove an empty namespace with its members, tokens and path."""
    return tx.run(_SQL.delete, namespace_id=namespace_id) == 1


def list_groups(
    tx: Tx,
    principal: Principal,
    wanted: GroupFilter,
    *,
    limit: int,
    offset: int,
    now: datetime,
) -> list[Namespace]:
    """Return groups that a caller sees."""
    rows = tx.all(
        _SQL.list_groups,
        **_conditions(principal, wanted, now),
        order_by=wanted.order_by,
        sort="asc" if wanted.ascending else "desc",
        limit=limit,
        offset=offset,
    )
    return [from_row(row) for row in rows]


def count_groups(
    tx: Tx, principal: Principal, wanted: GroupFilter, *, limit: int, now: datetime
) -> int:
    """Count what ``list_groups`` lists, up to the limit."""
    row = tx.one(_SQL.count_groups, **_conditions(principal, wanted, now), limit=limit)
    return 0 if row is None else row["total"]


def of_member(tx: Tx, account_id: int, now: datetime) -> list[Namespace]:
    """Return an account's own namespace and the groups it belongs to, by id."""
    today = now.date().isoformat()
    rows = tx.all(_SQL.of_member, account_id=account_id, today=today)
    return [from_row(row) for row in rows]


def everything(tx: Tx, *, limit: int, offset: int) -> list[Namespace]:
    """Return namespaces of both kinds, by id."""
    return [
        from_row(row) for row in tx.all(_SQL.everything, limit=limit, offset=offset)
    ]


def _conditions(
    principal: Principal, wanted: GroupFilter, now: datetime
) -> dict[str, Any]:
    return {
        "account_id": principal.account_id or 0,
        "today": now.date().isoformat(),
        "sees_all": int(principal.admin),
        "sees_internal": int(sees(principal, Visibility.INTERNAL, Role.NONE)),
        "min_level": int(wanted.min_level),
        "top_level_only": int(wanted.top_level_only),
        "parent_id": wanted.parent_id,
        "among": int(wanted.among is not None),
        "namespace_ids": list(wanted.among or ()),
        "skipped_ids": list(wanted.skipped),
        "search": wanted.search or None,
    }


def proper_prefixes(path: str) -> list[str]:
    """Return every path above this one, shortest first."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def from_row(row: Row) -> Namespace:
    """Read a namespace out of a row that has its columns."""
    return Namespace(
        id=row["id"],
        kind=NamespaceKind(row["kind"]),
        parent_id=row["parent_id"],
        owner_id=row["owner_id"],
        name=row["name"],
        path=row["path"],
        full_path=row["full_path"],
        visibility=Visibility(row["visibility"]),
        description=row["description"],
        created_at=from_us(row["created_at_us"]),
    )
