"""Moving projects and groups from one namespace to another."""

from __future__ import annotations

from moorage.domain.access import Principal, Role
from moorage.domain.errors import ValidationError
from moorage.domain.projects import GroupInvalidError, TransferRefusedError
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import groups, rights
from moorage.services.authorization import PROJECT_CREATOR
from moorage.services.group_views import GroupView
from moorage.services.group_views import views as group_views
from moorage.services.moving import move_namespace, move_project
from moorage.services.namespaces import namespace_for
from moorage.services.project_views import ProjectView, views
from moorage.services.rights import NumberOrPath
from moorage.store import namespaces


class Transfers:
    """Moves projects and groups with all that is in them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def move_project(
        self, principal: Principal, reference: NumberOrPath, to: NumberOrPath
    ) -> ProjectView:
        """Move a project into another namespace.

        Raises:
            ProjectUnknownError: There is none that the caller sees.
            NamespaceUnknownError: There is no such namespace for the caller.
            ForbiddenError: The caller does not own the project, or may not make
                projects there.
            TransferRefusedError: It is there already, or something has its path.
        """
        now = self._clock.now()

        def body(tx: Tx) -> ProjectView:
            seen = rights.project_for(tx, principal, reference, now)
            rights.require(principal, seen.access.level, Role.OWNER)
            found = namespace_for(tx, principal, to, now)
            namespace = namespaces.lock(tx, found.id)
            level = rights.namespace_level(tx, principal, namespace.id, now)
            rights.require(principal, level, PROJECT_CREATOR)
            if namespace.id == seen.project.namespace_id:
                raise TransferRefusedError("Project is already in this namespace.")
            try:
                moved = move_project(tx, seen.project, namespace, seen.project.path)
            except ValidationError as error:
                if "path" not in error.detail:
                    raise
                raise TransferRefusedError(
                    "Project with same name or path in target namespace already exists"
                ) from error
            return views(tx, principal, [moved], now)[0]

        return await self._database.write(body)

    async def move_group(
        self, principal: Principal, reference: NumberOrPath, to: NumberOrPath | None
    ) -> GroupView:
        """Move a group into another, or with ``None`` to the top.

        Raises:
            GroupUnknownError: There is none that the caller sees.
            ForbiddenError: The caller does not own it, or may not make groups there.
            TransferRefusedError: It is there already, something has its path, or it
                would lie in itself.
        """
        now = self._clock.now()

        def body(tx: Tx) -> GroupView:
            seen = rights.group_for(tx, principal, reference, now)
            rights.require(principal, seen.level, Role.OWNER)
            found = groups.parent_for(tx, principal, to, now)
            parent = None if found is None else namespaces.lock(tx, found.id)
            if seen.group.parent_id == (parent.id if parent else None):
                where = "in this group" if parent else "a top-level group"
                raise TransferRefusedError(f"The group is already {where}.")
            try:
                moved = move_namespace(tx, seen.group, parent, seen.group.path)
            except GroupInvalidError as error:
                raise TransferRefusedError(_refusal(error)) from error
            return group_views(tx, [moved])[0]

        return await self._database.write(body)


def _refusal(error: GroupInvalidError) -> str:
    if "parent_id" in error.detail:
        return "The parent group is the group itself or lies in it."
    return "The parent group already has a subgroup or a project with the same path."
