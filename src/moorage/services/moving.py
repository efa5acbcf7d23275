"""Projects and groups that get another path, and take everything along.

Repositories, their deleted ones, and rules for their paths follow in the transaction:
nothing is ever half moved. A project's former path leads to it until something else
takes the path. What moves below something that fewer people see is hidden from the
others.
"""

from __future__ import annotations

from moorage.domain.projects import (
    GroupInvalidError,
    Namespace,
    NamespaceKind,
    Project,
)
from moorage.ports.database import Tx
from moorage.store import (
    namespaces,
    projects,
    protection,
    quotas,
    repositories,
    routes,
)


def move_project(tx: Tx, project: Project, namespace: Namespace, path: str) -> Project:
    """Give a project another path, in its namespace or in another.

    Raises:
        ValidationError: The path is taken, an image's name too long, or two rules the
            same.
    """
    # Somebody else may have moved it since it was looked up.
    project = projects.lock(tx, project.id) or project
    routes.remember(tx, [project.id])
    moved = projects.move(tx, project, namespace, path)
    if namespace.kind is NamespaceKind.GROUP:
        projects.narrow(tx, [project.id], namespace.visibility)
    protection.follow(tx, [project.id], project.full_path, moved.full_path)
    repositories.move(tx, [project.id])
    quotas.forget_sums(tx, [project.namespace_id, namespace.id])
    return projects.find(tx, project.id) or moved


def move_namespace(
    tx: Tx, namespace: Namespace, parent: Namespace | None, path: str
) -> Namespace:
    """Give a namespace another path, in its parent or in another.

    Raises:
        GroupInvalidError: The path is taken, or below the namespace itself.
        ValidationError: An image's name would be too long, or two rules the same.
    """
    namespace = namespaces.lock(tx, namespace.id)
    below = namespaces.descendant_ids(tx, namespace.id)
    if parent is not None and parent.id in below:
        raise GroupInvalidError(parent_id=["is the group itself or lies in it"])
    project_ids = projects.ids_in(tx, below)
    routes.remember(tx, project_ids)
    old, new = namespace.full_path, namespaces.move(tx, namespace, parent, path)
    namespaces.follow(tx, [id_ for id_ in below if id_ != namespace.id], old, new)
    projects.follow(tx, project_ids, old, new)
    protection.follow(tx, project_ids, old, new)
    if parent is not None:
        namespaces.narrow(tx, below, parent.visibility)
        projects.narrow(tx, project_ids, parent.visibility)
    repositories.move(tx, project_ids)
    quotas.forget_sums(tx, [namespace.parent_id, parent.id if parent else None])
    return namespaces.get(tx, namespace.id)
