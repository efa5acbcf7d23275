"""Groups: showing, making, changing and removing them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from moorage.domain.access import CredentialKind, Principal, Role, Visibility
from moorage.domain.errors import ForbiddenError, UnauthenticatedError
from moorage.domain.projects import (
    GroupInvalidError,
    Namespace,
    Scope,
    group_path_complaints,
    is_wider,
)
from moorage.domain.texts import (
    MAX_SHORT_DESCRIPTION_LENGTH,
    length_complaints,
    name_complaints,
    only_complaints,
)
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.group_views import GroupView, views
from moorage.services.moving import move_namespace
from moorage.services.removal import remove_project
from moorage.services.rights import NumberOrPath, VisibleGroup
from moorage.store import members, namespaces, projects, shares
from moorage.store.namespaces import NewGroup

SUBGROUP_CREATOR = Role.MAINTAINER
"""The role in a group that may create groups in it."""

_BOTS = frozenset({CredentialKind.PROJECT, CredentialKind.GROUP})


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRequest:
    """What a new group shall be; without a visibility it takes its parent's."""

    name: str
    path: str
    parent_id: int | None = None
    visibility: Visibility | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChanges:
    """What changes about a group; ``None`` stays as it is."""

    name: str | None = None
    path: str | None = None
    visibility: Visibility | None = None
    description: str | None = None


class Groups:
    """Shows, makes, changes and removes groups."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def visible(
        self, principal: Principal, reference: NumberOrPath
    ) -> VisibleGroup:
        """Return a group and the caller's role in it.

        Raises:
            GroupUnknownError: There is none that the caller sees.
        """
        now = self._clock.now()
        return await self._database.quick(
            lambda tx: rights.group_for(tx, principal, reference, now)
        )

    async def get(self, principal: Principal, reference: NumberOrPath) -> GroupView:
        """Return a group.

        Raises:
            GroupUnknownError: There is none that the caller sees.
        """
        now = self._clock.now()

        def body(tx: Tx) -> GroupView:
            seen = rights.group_for(tx, principal, reference, now)
            view = views(tx, [seen.group])[0]
            invited = shares.of_groups(tx, [seen.group.id], now)
            found = invited.get(seen.group.id, ())
            return replace(
                view, shares=rights.visible_shares(tx, principal, found, now)
            )

        return await self._database.quick(body)

    async def create(self, principal: Principal, wanted: GroupRequest) -> GroupView:
        """Make a group that the caller owns.

        Raises:
            UnauthenticatedError: Nobody signed in.
            GroupUnknownError: There is no such parent that the caller sees.
            ForbiddenError: The caller may not make groups there.
            GroupInvalidError: The path is taken, or something is not acceptable.
        """
        account_id, now = principal.account_id, self._clock.now()
        if account_id is None:
            raise UnauthenticatedError

        def body(tx: Tx) -> GroupView:
            parent = parent_for(tx, principal, wanted.parent_id, now)
            if parent is not None:
                parent = namespaces.lock(tx, parent.id)
            new = _new_group(wanted, parent)
            group = namespaces.create_group(tx, new, now=now)
            members.put(
                tx,
                Scope(namespace_id=group.id),
                account_id,
                Role.OWNER,
                now=now,
                created_by_id=account_id,
            )
            return views(tx, [group])[0]

        return await self._database.write(body)

    async def update(
        self, principal: Principal, reference: NumberOrPath, changes: GroupChanges
    ) -> GroupView:
        """Change a group.

        Raises:
            GroupUnknownError: There is none that the caller sees.
            ForbiddenError: The caller does not own it.
            GroupInvalidError: Something is not acceptable.
        """
        now = self._clock.now()

        def body(tx: Tx) -> GroupView:
            seen = rights.group_for(tx, principal, reference, now)
            rights.require(principal, seen.level, Role.OWNER)
            group = _changed(seen.group, changes)
            parent = namespaces.find(tx, group.parent_id) if group.parent_id else None
            _check_visibility(group.visibility, parent)
            _check_contents(tx, group)
            namespaces.update(tx, group)
            if changes.path is not None and changes.path != group.path:
                group = _renamed(tx, group, parent, changes.path)
            return views(tx, [group])[0]

        return await self._database.write(body)

    async def delete(self, principal: Principal, reference: NumberOrPath) -> None:
        """Remove a group with all groups and projects below it.

        Raises:
            GroupUnknownError: There is none that the caller sees.
            ForbiddenError: The caller does not own it.
            HeldError: Something in a project below it is held.
            ProtectedRepositoryError, ProtectedTagError, ImmutableTagError: A rule
                keeps a repository.
        """
        now = self._clock.now()

        def body(tx: Tx) -> None:
            seen = rights.group_for(tx, principal, reference, now)
            rights.require(principal, seen.level, Role.OWNER)
            for namespace_id in namespaces.descendant_ids(tx, seen.group.id):
                for project in projects.of_namespace(tx, namespace_id):
                    remove_project(tx, principal, project, now=now)
                namespaces.delete(tx, namespace_id)

        await self._database.write(body)


def parent_for(
    tx: Tx, principal: Principal, parent: NumberOrPath | None, now: datetime
) -> Namespace | None:
    """Return the group that the caller may make groups in; ``None`` is the top.

    Raises:
        GroupUnknownError: There is none that the caller sees.
        ForbiddenError: The caller may not make groups there.
    """
    if parent is None:
        outsider = principal.external or principal.kind in _BOTS
        if outsider and not principal.admin:
            raise ForbiddenError
        return None
    seen = rights.group_for(tx, principal, parent, now)
    rights.require(principal, seen.level, SUBGROUP_CREATOR)
    return seen.group


def _new_group(wanted: GroupRequest, parent: Namespace | None) -> NewGroup:
    default = parent.visibility if parent else Visibility.PRIVATE
    complaints = only_complaints(
        name=name_complaints(wanted.name),
        path=group_path_complaints(wanted.path),
        description=_description_complaints(wanted.description),
    )
    if complaints:
        raise GroupInvalidError(**complaints)
    visibility = wanted.visibility or default
    _check_visibility(visibility, parent)
    return NewGroup(
        name=wanted.name,
        path=wanted.path,
        parent=parent,
        visibility=visibility,
        description=wanted.description,
    )


def _check_visibility(visibility: Visibility, parent: Namespace | None) -> None:
    if parent is not None and is_wider(visibility, parent.visibility):
        complaint = (
            f"{visibility} is not allowed since the parent group has a "
            f"{parent.visibility} visibility."
        )
        raise GroupInvalidError(visibility_level=[complaint])


def _check_contents(tx: Tx, group: Namespace) -> None:
    if namespaces.holds_wider(tx, group.id, group.visibility):
        complaint = (
            f"{group.visibility} is not allowed since this group contains projects "
            "or groups with higher visibility."
        )
        raise GroupInvalidError(visibility_level=[complaint])


def _renamed(
    tx: Tx, group: Namespace, parent: Namespace | None, path: str
) -> Namespace:
    if wrong := group_path_complaints(path):
        raise GroupInvalidError(path=wrong)
    return move_namespace(tx, group, parent, path)


def _changed(group: Namespace, changes: GroupChanges) -> Namespace:
    name = group.name if changes.name is None else changes.name
    description = changes.description
    complaints = only_complaints(
        name=name_complaints(name),
        description=_description_complaints(description or ""),
    )
    if complaints:
        raise GroupInvalidError(**complaints)
    return replace(
        group,
        name=name,
        visibility=changes.visibility or group.visibility,
        description=group.description if description is None else description,
    )


def _description_complaints(text: str) -> list[str]:
    return length_complaints(text, MAX_SHORT_DESCRIPTION_LENGTH)
