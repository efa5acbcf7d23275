"""Projects: showing, making, changing and removing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from moorage.domain.access import (
    Principal,
    RegistryAccess,
    Role,
    Visibility,
)
from moorage.domain.errors import (
    ForbiddenError,
    NamespaceUnknownError,
    UnauthenticatedError,
    ValidationError,
)
from moorage.domain.projects import (
    Namespace,
    NamespaceKind,
    Project,
    is_wider,
    path_complaints,
    path_from_name,
)
from moorage.domain.texts import (
    MAX_DESCRIPTION_LENGTH,
    length_complaints,
    name_complaints,
    only_complaints,
)
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import policies, rights
from moorage.services.authorization import PROJECT_CREATOR
from moorage.services.moving import move_project
from moorage.services.namespaces import namespace_for
from moorage.services.project_views import ProjectView, views
from moorage.services.removal import remove_project
from moorage.services.rights import NumberOrPath, VisibleProject
from moorage.store import namespaces, projects, repositories


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRequest:
    """What a new project shall be: it needs a name or a path.

    Without a namespace it goes into the caller's own.
    """

    name: str | None = None
    path: str | None = None
    namespace_id: int | None = None
    visibility: Visibility = Visibility.PRIVATE
    registry_access: RegistryAccess = RegistryAccess.ENABLED
    description: str = ""
    cleanup_policy: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChanges:
    """What changes about a project; ``None`` stays as it is.

    ``cleanup_policy`` has the fields of the policy that change.
    """

    name: str | None = None
    path: str | None = None
    visibility: Visibility | None = None
    registry_access: RegistryAccess | None = None
    description: str | None = None
    archived: bool | None = None
    cleanup_policy: Mapping[str, Any] = field(default_factory=dict)


class Projects:
    """Shows, makes, changes and removes projects."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def visible(
        self, principal: Principal, reference: NumberOrPath
    ) -> VisibleProject:
        """Return a project and what the caller is in it.

        Raises:
            ProjectUnknownError: There is none that the caller sees.
        """
        now = self._clock.now()
        return await self._database.quick(
            lambda tx: rights.project_for(tx, principal, reference, now)
        )

    async def get(self, principal: Principal, reference: NumberOrPath) -> ProjectView:
        """Return a project with all that is shown of it.

        Raises:
            ProjectUnknownError: There is none that the caller sees.
        """
        now = self._clock.now()

        def body(tx: Tx) -> ProjectView:
            seen = rights.project_for(tx, principal, reference, now)
            return views(tx, principal, [seen.project], now)[0]

        return await self._database.quick(body)

    async def create(self, principal: Principal, wanted: ProjectRequest) -> ProjectView:
        """Make a project.

        Raises:
            UnauthenticatedError: Nobody signed in.
            NamespaceUnknownError: There is no such namespace for the caller.
            ForbiddenError: The caller may not make projects there.
            ValidationError: The path is taken, or something is not acceptable.
        """
        if principal.anonymous:
            raise UnauthenticatedError
        name, path = _name_and_path(wanted)
        now = self._clock.now()

        def body(tx: Tx) -> ProjectView:
            namespace = _namespace_to_create_in(tx, principal, wanted, now)
            _check_visibility(wanted.visibility, namespace)
            project = projects.create(
                tx,
                namespace=namespace,
                path=path,
                name=name,
                creator_id=principal.account_id,
                visibility=wanted.visibility,
                registry_access=wanted.registry_access,
                description=wanted.description,
                now=now,
            )
            _change_cleanup_policy(tx, project, wanted.cleanup_policy, now)
            return views(tx, principal, [project], now)[0]

        return await self._database.write(body)

    async def update(
        self, principal: Principal, reference: NumberOrPath, changes: ProjectChanges
    ) -> ProjectView:
        """Change a project: a Maintainer most of it, an Owner who sees it too.

        Raises:
            ProjectUnknownError: There is none that the caller sees.
            ForbiddenError: The caller's role is too low.
            ValidationError: Something is not acceptable.
        """
        now = self._clock.now()

        def body(tx: Tx) -> ProjectView:
            seen = rights.project_for(tx, principal, reference, now)
            rights.require(principal, seen.access.level, _needed(seen, changes))
            namespace = namespaces.lock(tx, seen.project.namespace_id)
            before = projects.lock(tx, seen.project.id) or seen.project
            project = _changed(before, changes, now)
            _check_visibility(project.visibility, namespace)
            projects.update(tx, project)
            if project.registry_access is not before.registry_access:
                repositories.show(tx, [project.id])
            _change_cleanup_policy(tx, project, changes.cleanup_policy, now)
            if changes.path is not None and changes.path != project.path:
                project = _renamed(tx, project, namespace, changes.path)
            return views(tx, principal, [project], now)[0]

        return await self._database.write(body)

    async def delete(self, principal: Principal, reference: NumberOrPath) -> None:
        """Remove a project with its repositories.

        Raises:
            ProjectUnknownError: There is none that the caller sees.
            ForbiddenError: The caller does not own it.
            HeldError: Something in a repository is held.
            ProtectedRepositoryError, ProtectedTagError, ImmutableTagError: A rule
                keeps one.
        """
        now = self._clock.now()

        def body(tx: Tx) -> None:
            seen = rights.project_for(tx, principal, reference, now)
            rights.require(principal, seen.access.level, Role.OWNER)
            remove_project(tx, principal, seen.project, now=now)

        await self._database.write(body)


def _name_and_path(wanted: ProjectRequest) -> tuple[str, str]:
    name = wanted.name if wanted.name is not None else wanted.path or ""
    path = wanted.path if wanted.path is not None else path_from_name(name)
    complaints = only_complaints(
        name=name_complaints(name),
        path=path_complaints(path),
        description=_description_complaints(wanted.description),
    )
    if complaints:
        raise ValidationError(**complaints)
    return name, path


def _description_complaints(text: str) -> list[str]:
    return length_complaints(text, MAX_DESCRIPTION_LENGTH)


def _namespace_to_create_in(
    tx: Tx, principal: Principal, wanted: ProjectRequest, now: datetime
) -> Namespace:
    if wanted.namespace_id is None:
        own = namespaces.find_of_account(tx, principal.account_id or 0)
        if own is None:
            raise NamespaceUnknownError
        namespace = own
    else:
        namespace = namespace_for(tx, principal, wanted.namespace_id, now)
    if principal.external and not principal.admin:
        raise ForbiddenError
    level = rights.namespace_level(tx, principal, namespace.id, now)
    rights.require(principal, level, PROJECT_CREATOR)
    return namespaces.lock(tx, namespace.id)


def _check_visibility(visibility: Visibility, namespace: Namespace) -> None:
    if namespace.kind is NamespaceKind.GROUP and is_wider(
        visibility, namespace.visibility
    ):
        complaint = f"{visibility} is not allowed in a {namespace.visibility} group."
        raise ValidationError(visibility_level=[complaint])


def _renamed(tx: Tx, project: Project, namespace: Namespace, path: str) -> Project:
    if wrong := path_complaints(path):
        raise ValidationError(path=wrong)
    return move_project(tx, project, namespace, path)


def _change_cleanup_policy(
    tx: Tx, project: Project, changes: Mapping[str, Any], now: datetime
) -> None:
    """Change GitLab's policy of a project, whose row this transaction has written."""
    if not changes:
        return
    current = policies.cleanup_policies(tx, {project.id: project.created_at})
    changed = current[project.id].changed(changes, now)
    complaints = changed.complaints()
    if complaints:
        raise ValidationError(**complaints)
    policies.save_cleanup_policy(tx, project.id, changed, now=now)


def _needed(seen: VisibleProject, changes: ProjectChanges) -> Role:
    project = seen.project
    exposes = changes.visibility not in (None, project.visibility)
    # As GitLab does, whether or not it changes anything.
    if exposes or changes.archived is not None:
        return Role.OWNER
    return Role.MAINTAINER


def _changed(project: Project, changes: ProjectChanges, now: datetime) -> Project:
    name = project.name if changes.name is None else changes.name
    description = changes.description
    complaints = only_complaints(
        name=name_complaints(name),
        description=_description_complaints(description or ""),
    )
    if complaints:
        raise ValidationError(**complaints)
    archived_at = project.archived_at
    if changes.archived is not None:
        archived_at = (archived_at or now) if changes.archived else None
    return replace(
        project,
        name=name,
        visibility=changes.visibility or project.visibility,
        registry_access=changes.registry_access or project.registry_access,
        description=project.description if description is None else description,
        archived_at=archived_at,
    )
