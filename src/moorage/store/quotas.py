"""Quotas of projects and groups, and what the repositories under them take up.

That is added up when a quota is made, and kept by whoever folds changes into sums (see
``usage_sums``): to ask costs the same however many repositories there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from moorage.domain.projects import Scope
from moorage.domain.quotas import Quota
from moorage.domain.usage import Sums
from moorage.ports.database import Row, Tx
from moorage.ports.query import load

MANY = 10
"""Quotas that are added up at a time."""

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


def find_sums(tx: Tx, scope: Scope) -> Sums:
    """Return what the repositories under a quota take up, each for itself.

    What was written since the last folding may be missing where it made less of it.
    """
    return _folded(tx, scope).plus(_unfolded(tx, scope))


def add(tx: Tx, changes: Mapping[int, Sums]) -> None:
    """Add changes of repositories, by their ids, to the quotas that these are under.

    In the turn of those who fold.
    """
    rows = tx.all(_SQL.list_over_repositories, repository_ids=sorted(changes))
    added: dict[int, Sums] = defaultdict(Sums)
    for row in rows:
        change = changes[row["repository_id"]]
        added[row["quota_id"]] = added[row["quota_id"]].plus(change)
    if added:
        tx.run(_SQL.add, added=[(each, *added[each]) for each in sorted(added)])


def has_uncounted(tx: Tx) -> bool:
    """Whether ``add_up`` would find anything."""
    return tx.one(_SQL.any_uncounted) is not None


def add_up(tx: Tx) -> None:
    """Add up what is under some quotas of which that is not known.

    In the turn of those who fold.
    """
    for row in tx.all(_SQL.lock_uncounted, limit=MANY):
        sums = _add_up(tx, Scope(row["project_id"], row["namespace_id"]))
        tx.run(_SQL.set_sums, id=row["id"], **sums._asdict())


def forget_sums(tx: Tx, namespace_ids: Sequence[int | None]) -> None:
    """Have it added up anew what is under the quotas of groups and of all around them.

    In the transaction that takes projects away from there, or brings some.
    """
    ids = [each for each in namespace_ids if each is not None]
    tx.run(_SQL.forget, namespace_ids=ids)


def forget_all_sums(tx: Tx) -> None:
    """Have it added up anew what is under every quota."""
    tx.run(_SQL.forget_all)


def _folded(tx: Tx, scope: Scope) -> Sums:
    if scope.project_id is not None:
        row = tx.one(_SQL.sums_of_project, project_id=scope.project_id)
    else:
        row = tx.one(_SQL.sums_of_namespace, namespace_id=scope.namespace_id)
    if row is None or row["unique_bytes"] is None:
        return _add_up(tx, scope)
    return _sums(row)


def _add_up(tx: Tx, scope: Scope) -> Sums:
    if scope.project_id is not None:
        return _sums(tx.one(_SQL.add_up_project, project_id=scope.project_id))
    return _sums(tx.one(_SQL.add_up_namespace, namespace_id=scope.namespace_id))


def _unfolded(tx: Tx, scope: Scope) -> Sums:
    if scope.project_id is not None:
        return _sums(tx.one(_SQL.unfolded_of_project, project_id=scope.project_id))
    row = tx.one(_SQL.unfolded_of_namespace, namespace_id=scope.namespace_id)
    return _sums(row)


def _sums(row: Row | None) -> Sums:
    return Sums() if row is None else Sums(row["listed_bytes"], row["unique_bytes"])
