"""Projects, by id and by path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from moorage.domain.access import Principal, RegistryAccess, Role, Visibility, sees
from moorage.domain.errors import ValidationError
from moorage.domain.projects import Namespace, Project
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.namespaces import proper_prefixes
from moorage.store.times import from_us, from_us_or_none, to_us, to_us_or_none

_SQL = load("projects")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFilter:
    """Which projects a list is about, and in which order.

    ``search`` is part of a name, in lower case; ``namespace_ids`` limits the list to
    projects directly in these; ``min_level`` to those where the caller has that role.
    """

    search: str | None = None
    search_namespaces: bool = False
    min_level: Role = Role.NONE
    visibility: Visibility | None = None
    archived: bool | None = None
    namespace_ids: Sequence[int] | None = None
    order_by: str = "created_at"
    ascending: bool = False


def create(
    tx: Tx,
    *,
    namespace: Namespace,
    path: str,
    name: str,
    creator_id: int | None,
    now: datetime,
    visibility: Visibility = Visibility.PRIVATE,
    registry_access: RegistryAccess = RegistryAccess.ENABLED,
    description: str = "",
) -> Project:
    """Make a project.

    Raises:
        ValidationError: The path is taken.
    """
    row = tx.one(
        _SQL.create,
        namespace_id=namespace.id,
        creator_id=creator_id,
        name=name,
        path=path,
        full_path=f"{namespace.full_path}/{path}",
        visibility=visibility,
        registry_access=registry_access,
        description=description,
        now_us=to_us(now),
    )
    assert row is not None  # noqa: S101 (INSERT … RETURNING gives a row or raises)
    project = from_row(row)
    _claim(tx, project.id, project.full_path)
    return project


def find(tx: Tx, project_id: int) -> Project | None:
    """Return a project by id."""
    row = tx.one(_SQL.find, project_id=project_id)
    return None if row is None else from_row(row)


def find_by_path(tx: Tx, full_path: str) -> Project | None:
    """Return a project by full path, in any case."""
    row = tx.one(_SQL.find_by_path, path_key=full_path.lower())
    return None if row is None else from_row(row)


def find_owning(tx: Tx, image_path: str) -> Project | None:
    """Return the project that an image's path belongs to: the longest prefix."""
    path = image_path.lower()
    row = tx.one(_SQL.find_owning, prefixes=[*proper_prefixes(path), path])
    return None if row is None else from_row(row)


def of_namespace(tx: Tx, namespace_id: int) -> list[Project]:
    """Return every project directly in a namespace, oldest first."""
    rows = tx.all(_SQL.of_namespace, namespace_id=namespace_id)
    return [from_row(row) for row in rows]


def update(tx: Tx, project: Project) -> None:
    """Save name, visibility, registry access, description and archival."""
    tx.run(
        _SQL.update,
        project_id=project.id,
        name=project.name,
        visibility=project.visibility,
        registry_access=project.registry_access,
        description=project.description,
        archived_at_us=to_us_or_none(project.archived_at),
    )


def rename(tx: Tx, project: Project, namespace: Namespace, path: str) -> Project:
    """Give a project without repositories another path in its namespace.

    Raises:
        ValidationError: The path is taken.
    """
    full_path = f"{namespace.full_path}/{path}"
    tx.run(_SQL.rename, project_id=project.id, path=path, full_path=full_path)
    tx.run(_SQL.release_route, project_id=project.id)
    _claim(tx, project.id, full_path)
    return replace(project, path=path, full_path=full_path)


def _claim(tx: Tx, project_id: int, full_path: str) -> None:
    path_key = full_path.lower()
    if not tx.run(_SQL.claim_route, path_key=path_key, project_id=project_id):
        taken = ["has already been taken"]
        raise ValidationError(name=taken, path=taken)


def has_repository(tx: Tx, project_id: int) -> bool:
    """Whether any repository, even a deleted one that can come back, is its own."""
    return tx.one(_SQL.has_repository, project_id=project_id) is not None


def delete(tx: Tx, project_id: int) -> bool:
    """Remove a project without repositories, its members, tokens and path."""
    return tx.run(_SQL.delete, project_id=project_id) == 1


def list_page(
    tx: Tx,
    principal: Principal,
    wanted: ProjectFilter,
    *,
    limit: int,
    offset: int,
    now: datetime,
) -> list[Project]:
    """Return projects that a caller sees."""
    rows = tx.all(
        _SQL.list_page,
        **_conditions(principal, wanted, now),
        order_by=wanted.order_by,
        sort="asc" if wanted.ascending else "desc",
        limit=limit,
        offset=offset,
    )
    return [from_row(row) for row in rows]


def count(
    tx: Tx, principal: Principal, wanted: ProjectFilter, *, limit: int, now: datetime
) -> int:
    """Count what ``list_page`` lists, up to the limit."""
    row = tx.one(_SQL.count, **_conditions(principal, wanted, now), limit=limit)
    return 0 if row is None else row["total"]


def _conditions(
    principal: Principal, wanted: ProjectFilter, now: datetime
) -> dict[str, Any]:
    archived = -1 if wanted.archived is None else int(wanted.archived)
    return {
        "account_id": principal.account_id or 0,
        "today": now.date().isoformat(),
        "sees_all": int(principal.admin),
        "sees_internal": int(sees(principal, Visibility.INTERNAL, Role.NONE)),
        "min_level": int(wanted.min_level),
        "in_namespaces": int(wanted.namespace_ids is not None),
        "namespace_ids": list(wanted.namespace_ids or ()),
        "visibility": wanted.visibility,
        "archived": archived,
        "search": wanted.search or None,
        "search_namespaces": int(wanted.search_namespaces),
    }


def from_row(row: Row) -> Project:
    """Read a project out of a row that has its columns."""
    return Project(
        id=row["id"],
        namespace_id=row["namespace_id"],
        creator_id=row["creator_id"],
        name=row["name"],
        path=row["path"],
        full_path=row["full_path"],
        visibility=Visibility(row["visibility"]),
        registry_access=RegistryAccess(row["registry_access"]),
        description=row["description"],
        archived_at=from_us_or_none(row["archived_at_us"]),
        created_at=from_us(row["created_at_us"]),
        last_activity_at=from_us(row["last_activity_at_us"]),
    )
