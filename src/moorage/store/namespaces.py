"""Namespaces: groups, and the personal ones of users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moorage.domain.access import Role, Visibility
from moorage.domain.accounts import Account
from moorage.domain.errors import NamespaceUnknownError
from moorage.domain.projects import (
    GroupInvalidError,
    Namespace,
    NamespaceKind,
    wider_than,
)
from moorage.ports.database import Row, Tx
from moorage.ports.query import Query, load
from moorage.store import routes
from moorage.store.members import Sight
from moorage.store.times import from_us, to_us

_SQL = load("namespaces")

MAX_DEPTH = 1000
"""How deep groups may lie: a full path of the longest parts has fewer."""

TAKEN = ["has already been taken"]
"""What is said of a path that belongs to something else."""


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

    ``search`` is part of a name, in lower case; ``min_level`` limits the list to groups
    where the caller has that role; ``parent_id`` to those in a group, or with ``deep``
    below it.
    """

    search: str | None = None
    min_level: Role = Role.NONE
    top_level_only: bool = False
    parent_id: int | None = None
    deep: bool = False
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
    if not routes.claim(tx, "namespace", namespace_id, full_path):
        raise GroupInvalidError(path=TAKEN)


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
    row = routes.find(tx, "namespace", full_path)
    return None if row is None else from_row(row)


def find_longest(tx: Tx, path: str) -> Namespace | None:
    """Return the deepest namespace that a path lies properly in."""
    row = routes.find_longest(tx, "namespace", routes.prefixes_of(path)[:-1])
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


def lock(tx: Tx, namespace_id: int) -> Namespace:
    """Return a namespace whose path stays what it is until this transaction ends.

    Raises:
        NamespaceUnknownError: There is none.
    """
    row = tx.one(_SQL.lock, namespace_id=namespace_id)
    if row is None:
        raise NamespaceUnknownError
    return from_row(row)


def move(tx: Tx, namespace: Namespace, parent: Namespace | None, path: str) -> str:
    """Give a namespace alone another parent or path; return its new full path.

    Raises:
        GroupInvalidError: The path is taken.
    """
    full_path = f"{parent.full_path}/{path}" if parent else path
    tx.run(
        _SQL.move,
        namespace_id=namespace.id,
        parent_id=parent.id if parent else None,
        path=path,
        full_path=full_path,
    )
    if not routes.replace(tx, "namespace", namespace.id, full_path):
        raise GroupInvalidError(path=TAKEN)
    return full_path


def follow(tx: Tx, namespace_ids: Sequence[int], old: str, new: str) -> None:
    """Move groups below a path along with it."""
    tx.run(
        _SQL.follow,
        namespace_ids=list(namespace_ids),
        full_path=new,
        rest_from=len(old) + 1,
    )
    routes.follow(tx, "namespace", namespace_ids, old, new)


def narrow(tx: Tx, namespace_ids: Sequence[int], visibility: Visibility) -> None:
    """Hide groups from all who do not see their new parent."""
    tx.run(
        _SQL.narrow,
        namespace_ids=list(namespace_ids),
        visibility=visibility,
        wider=wider_than(visibility),
    )


def holds_wider(tx: Tx, namespace_id: int, visibility: Visibility) -> bool:
    """Whether a group or project directly in it is seen by more people."""
    wider = wider_than(visibility)
    row = tx.one(_SQL.holds_visible, namespace_id=namespace_id, visibilities=wider)
    return row is not None


def holds_anything(tx: Tx, namespace_id: int) -> bool:
    """Whether groups or projects lie directly in it."""
    return tx.one(_SQL.holds_anything, namespace_id=namespace_id) is not None


def delete(tx: Tx, namespace_id: int) -> bool:
    """Remove an empty namespace with its members, tokens and path."""
    return tx.run(_SQL.delete, namespace_id=namespace_id) == 1


def list_groups(
    tx: Tx, sight: Sight, wanted: GroupFilter, *, limit: int, offset: int
) -> list[Namespace]:
    """Return groups that a caller sees."""
    query = _query(
        wanted,
        give="rows",
        order=wanted.order_by,
        direction="asc" if wanted.ascending else "desc",
    )
    rows = tx.all(query, **_conditions(sight, wanted), limit=limit, offset=offset)
    return [from_row(row) for row in rows]


def count_groups(tx: Tx, sight: Sight, wanted: GroupFilter, *, limit: int) -> int:
    """Count what ``list_groups`` lists, up to the limit."""
    query = _query(wanted, give="total", order="id", direction="asc")
    row = tx.one(query, **_conditions(sight, wanted), limit=limit, offset=0)
    return 0 if row is None else row["total"]


def _query(wanted: GroupFilter, **variant: str) -> Query:
    name = "list_groups" if wanted.parent_id is None else "list_below"
    return _SQL.variant(name, **variant)


def _conditions(sight: Sight, wanted: GroupFilter) -> dict[str, Any]:
    found = {
        **sight.parameters,
        "mine": sight.reached,
        "top_level_only": int(wanted.top_level_only),
        "skipped_ids": list(wanted.skipped),
        "search": wanted.search or None,
    }
    if wanted.parent_id is None:
        return found
    depth = MAX_DEPTH if wanted.deep else 1
    return {**found, "parent_id": wanted.parent_id, "depth": depth}


def find_many(tx: Tx, namespace_ids: Iterable[int]) -> list[Namespace]:
    """Return namespaces of both kinds, by id."""
    rows = tx.all(_SQL.find_many, namespace_ids=list(namespace_ids))
    return [from_row(row) for row in rows]


def list_page(
    tx: Tx, search: str | None, *, limit: int, offset: int
) -> list[Namespace]:
    """Return namespaces of both kinds, by id; ``search`` is part of a full path."""
    query = _SQL.variant("list_page", give="rows")
    rows = tx.all(query, search=search or None, limit=limit, offset=offset)
    return [from_row(row) for row in rows]


def count(tx: Tx, search: str | None, *, limit: int) -> int:
    """Count what ``list_page`` lists, up to the limit."""
    query = _SQL.variant("list_page", give="total")
    row = tx.one(query, search=search or None, limit=limit, offset=0)
    return 0 if row is None else row["total"]


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
