"""Projects, by id and by path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from moorage.domain.access import RegistryAccess, Role, Visibility
from moorage.domain.errors import ValidationError
from moorage.domain.projects import Namespace, Project, wider_than
from moorage.ports.database import Row, Tx
from moorage.ports.query import Query, load
from moorage.store import routes
from moorage.store.ids import MAX_ID
from moorage.store.members import Sight
from moorage.store.namespaces import TAKEN
from moorage.store.times import from_us, from_us_or_none, to_us, to_us_or_none

_SQL = load("projects")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFilter:
    """Which projects a list is about, and in which order.

    ``search`` is part of a name, in lower case; ``namespace_ids`` limits the list to
    projects directly in these, beside ``shared_ids``; ``min_level`` to those where the
    caller has that role; ``above`` and ``below`` to ids between these.
    """

    search: str | None = None
    search_namespaces: bool = False
    min_level: Role = Role.NONE
    visibility: Visibility | None = None
    archived: bool | None = None
    namespace_ids: Sequence[int] | None = None
    shared_ids: Sequence[int] = ()
    above: int = 0
    below: int = MAX_ID
    order_by: Literal["id", "name", "path"] = "id"
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
    if not routes.claim(tx, "project", project.id, project.full_path):
        raise ValidationError(name=TAKEN, path=TAKEN)
    return project


def find(tx: Tx, project_id: int) -> Project | None:
    """Return a project by id."""
    row = tx.one(_SQL.find, project_id=project_id)
    return None if row is None else from_row(row)


def find_by_path(tx: Tx, full_path: str) -> Project | None:
    """Return a project by full path, in any case."""
    row = routes.find(tx, "project", full_path)
    return None if row is None else from_row(row)


def find_owning(tx: Tx, image_path: str) -> Project | None:
    """Return the project that an image's path belongs to: the longest prefix."""
    row = routes.find_longest(tx, "project", routes.prefixes_of(image_path))
    return None if row is None else from_row(row)


def find_former(tx: Tx, full_path: str) -> Project | None:
    """Return the project that had a path before it moved, in any case."""
    row = routes.find_former(tx, [full_path.lower()])
    return None if row is None else from_row(row)


def was_owned(tx: Tx, image_path: str) -> bool:
    """Whether an image's path belongs to a project that has moved away."""
    return routes.find_former(tx, routes.prefixes_of(image_path)) is not None


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


def lock(tx: Tx, project_id: int) -> Project | None:
    """Return a project whose path stays what it is until this transaction ends."""
    row = tx.one(_SQL.lock, project_id=project_id)
    return None if row is None else from_row(row)


def move(tx: Tx, project: Project, namespace: Namespace, path: str) -> Project:
    """Give a project alone another namespace or path.

    Raises:
        ValidationError: The path is taken.
    """
    full_path = f"{namespace.full_path}/{path}"
    tx.run(
        _SQL.move,
        project_id=project.id,
        namespace_id=namespace.id,
        path=path,
        full_path=full_path,
    )
    if not routes.replace(tx, "project", project.id, full_path):
        raise ValidationError(name=TAKEN, path=TAKEN)
    return replace(project, namespace_id=namespace.id, path=path, full_path=full_path)


def follow(tx: Tx, project_ids: Sequence[int], old: str, new: str) -> None:
    """Move projects below a path along with it."""
    tx.run(
        _SQL.follow,
        project_ids=list(project_ids),
        full_path=new,
        rest_from=len(old) + 1,
    )
    routes.follow(tx, "project", project_ids, old, new)


def narrow(tx: Tx, project_ids: Sequence[int], visibility: Visibility) -> None:
    """Hide projects from all who do not see the group that they came into."""
    tx.run(
        _SQL.narrow,
        project_ids=list(project_ids),
        visibility=visibility,
        wider=wider_than(visibility),
    )


def archived(tx: Tx, project_ids: Iterable[int]) -> set[int]:
    """Return which of some projects are archived."""
    rows = tx.all(_SQL.archived, project_ids=sorted(set(project_ids)))
    return {row["id"] for row in rows}


def ids_in(tx: Tx, namespace_ids: Sequence[int]) -> list[int]:
    """List the ids of the projects directly in some namespaces."""
    rows = tx.all(_SQL.ids_in, namespace_ids=list(namespace_ids))
    return [row["id"] for row in rows]


def delete(tx: Tx, project_id: int) -> bool:
    """Remove a project without repositories, its members, tokens and path."""
    return tx.run(_SQL.delete, project_id=project_id) == 1


def list_page(
    tx: Tx, sight: Sight, wanted: ProjectFilter, *, limit: int, offset: int
) -> list[Project]:
    """Return projects that a caller sees."""
    query = _query(
        wanted,
        give="rows",
        order=wanted.order_by,
        direction="asc" if wanted.ascending else "desc",
    )
    rows = tx.all(query, **_conditions(sight, wanted), limit=limit, offset=offset)
    return [from_row(row) for row in rows]


def count(tx: Tx, sight: Sight, wanted: ProjectFilter, *, limit: int) -> int:
    """Count what ``list_page`` lists, up to the limit."""
    query = _query(wanted, give="total", order="id", direction="asc")
    row = tx.one(query, **_conditions(sight, wanted), limit=limit, offset=0)
    return 0 if row is None else row["total"]


def _query(wanted: ProjectFilter, **variant: str) -> Query:
    name = "list_page" if wanted.namespace_ids is None else "list_in"
    return _SQL.variant(name, **variant)


def _conditions(sight: Sight, wanted: ProjectFilter) -> dict[str, Any]:
    found = {
        **sight.parameters,
        "reached": sight.reached,
        "apart": sight.apart,
        "above": wanted.above,
        "below": wanted.below,
        "visibility": wanted.visibility,
        "archived": -1 if wanted.archived is None else int(wanted.archived),
        "search": wanted.search or None,
        "search_namespaces": int(wanted.search_namespaces),
    }
    if wanted.namespace_ids is None:
        return found
    return {
        **found,
        "namespace_ids": list(wanted.namespace_ids),
        "shared_ids": list(wanted.shared_ids),
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
