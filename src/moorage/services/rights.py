"""What of the tree a caller sees, and what they may do there, inside a transaction.

What a caller may not see does not exist: it is reported like what never was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn, TypeAlias

from moorage.domain.access import Principal, ProjectAccess, Role, sees
from moorage.domain.errors import (
    ForbiddenError,
    GroupUnknownError,
    ProjectUnknownError,
    UnauthenticatedError,
)
from moorage.domain.members import Share
from moorage.domain.projects import (
    Namespace,
    NamespaceKind,
    Project,
    ProjectMovedError,
)
from moorage.ports.database import Tx
from moorage.services.identity import access_to
from moorage.store import members, namespaces, projects

NumberOrPath: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class VisibleProject:
    """A project that the caller sees, and what they are in it."""

    project: Project
    access: ProjectAccess


@dataclass(frozen=True, slots=True)
class VisibleGroup:
    """A group that the caller sees, and their role in it."""

    group: Namespace
    level: Role


def project_for(
    tx: Tx, principal: Principal, reference: NumberOrPath, now: datetime
) -> VisibleProject:
    """Find a project by id or full path.

    Raises:
        ProjectUnknownError: There is none that the caller sees.
        ProjectMovedError: The path is a former one.
    """
    if isinstance(reference, int):
        project = projects.find(tx, reference)
    else:
        project = projects.find_by_path(tx, reference)
        if project is None:
            _moved(tx, principal, reference, now)
    if project is None:
        raise ProjectUnknownError
    level = project_level(tx, principal, project, now)
    if not sees(principal, project.visibility, level):
        raise ProjectUnknownError
    return VisibleProject(project, access_to(project, level))


def _moved(tx: Tx, principal: Principal, full_path: str, now: datetime) -> NoReturn:
    project = projects.find_former(tx, full_path)
    if project is None:
        raise ProjectUnknownError
    seen = project_for(tx, principal, project.id, now)
    raise ProjectMovedError(project_id=seen.project.id)


def group_for(
    tx: Tx, principal: Principal, reference: NumberOrPath, now: datetime
) -> VisibleGroup:
    """Find a group by id or full path.

    Raises:
        GroupUnknownError: There is none that the caller sees.
    """
    if isinstance(reference, int):
        group = namespaces.find(tx, reference)
    else:
        group = namespaces.find_by_path(tx, reference)
    if group is None or group.kind is not NamespaceKind.GROUP:
        raise GroupUnknownError
    level = namespace_level(tx, principal, group.id, now)
    if not sees(principal, group.visibility, level):
        raise GroupUnknownError
    return VisibleGroup(group, level)


def project_level(
    tx: Tx, principal: Principal, project: Project, now: datetime
) -> Role:
    """Return the caller's role in a project."""
    if principal.account_id is None:
        return Role.NONE
    return members.project_level(tx, project, principal.account_id, now)


def namespace_level(
    tx: Tx, principal: Principal, namespace_id: int, now: datetime
) -> Role:
    """Return the caller's role in a namespace."""
    if principal.account_id is None:
        return Role.NONE
    return members.group_level(tx, namespace_id, principal.account_id, now)


def visible_shares(
    tx: Tx, principal: Principal, found: Iterable[Share], now: datetime
) -> list[Share]:
    """Leave out the invited groups that the caller does not see."""
    return [
        share
        for share in found
        if sees(
            principal,
            share.group.visibility,
            namespace_level(tx, principal, share.group.id, now),
        )
    ]


def require(principal: Principal, level: Role, minimum: Role) -> None:
    """Let pass who has a role, and administrators.

    Raises:
        UnauthenticatedError: Nobody signed in.
        ForbiddenError: The role is too low.
    """
    if principal.anonymous:
        raise UnauthenticatedError
    if not principal.admin and level < minimum:
        raise ForbiddenError
