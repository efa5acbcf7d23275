"""Lists of groups: all that a caller sees, below one, and what relates to another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal, TypeAlias

from moorage.domain.access import Principal, Role, sees
from moorage.domain.members import Share
from moorage.domain.projects import Namespace, NamespaceKind
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.authorization import PROJECT_CREATOR
from moorage.services.group_views import GroupView, views
from moorage.services.groups import SUBGROUP_CREATOR
from moorage.services.members import FoundPlace, Place, find_place, manager_of
from moorage.services.pages import Listed, Window, cut, cut_short
from moorage.services.rights import NumberOrPath
from moorage.store import members, namespaces, shares
from moorage.store.namespaces import GroupFilter

Relation: TypeAlias = Literal["direct", "inherited"]
"""Whether a group was invited to the thing itself, or to a group above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which of a few groups are wanted: ``text`` is part of a name, in lower case."""

    text: str = ""
    skipped: Sequence[int] = ()

    def finds(self, group: Namespace) -> bool:
        """Whether a group is among them."""
        named = self.text in group.name.lower() or self.text in group.path.lower()
        return named and group.id not in self.skipped


class GroupLists:
    """Lists groups."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_page(
        self, principal: Principal, wanted: GroupFilter, window: Window
    ) -> Listed[GroupView]:
        """Return groups that the caller sees."""
        now = self._clock.now()
        return await self._database.read(
            lambda tx: _list(tx, principal, wanted, window, now)
        )

    async def list_below(
        self,
        principal: Principal,
        reference: NumberOrPath,
        wanted: GroupFilter,
        window: Window,
        *,
        deep: bool,
    ) -> Listed[GroupView]:
        """Return the groups in a group, or all below it.

        Raises:
            GroupUnknownError: There is no such group that the caller sees.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[GroupView]:
            parent = rights.group_for(tx, principal, reference, now).group
            limited = replace(wanted, parent_id=parent.id, deep=deep)
            return _list(tx, principal, limited, window, now)

        return await self._database.read(body)

    # What relates to another, as far as the caller sees it

    async def list_above(
        self,
        principal: Principal,
        reference: NumberOrPath,
        search: Search,
        window: Window,
        *,
        invited: bool,
    ) -> Listed[GroupView]:
        """Return the groups that a project lies in, and on request those invited.

        Raises:
            ProjectUnknownError: There is none that the caller sees.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[GroupView]:
            project = rights.project_for(tx, principal, reference, now).project
            parent_id = project.namespace_id
            found = list(namespaces.chains(tx, [parent_id])[parent_id])
            if invited:
                shared = shares.of_projects(tx, [project.id], now)
                found += [share.group for share in shared.get(project.id, ())]
            return _few(tx, principal, found, search, window, now)

        return await self._database.read(body)

    async def list_invited(
        self,
        principal: Principal,
        place: Place,
        search: Search,
        window: Window,
        *,
        relations: Collection[Relation],
    ) -> Listed[GroupView]:
        """Return the groups that were invited to a project or group, or above it.

        Raises:
            NotFoundError: There is none that the caller sees.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[GroupView]:
            seen = find_place(tx, principal, place, now)
            found = shares.of(tx, seen.scope, now) if "direct" in relations else []
            if "inherited" in relations:
                found += _invited_above(tx, seen, now)
            groups = [share.group for share in found]
            return _few(tx, principal, groups, search, window, now)

        return await self._database.read(body)

    async def list_inviting(
        self,
        principal: Principal,
        reference: NumberOrPath,
        search: Search,
        window: Window,
    ) -> Listed[GroupView]:
        """Return the groups that a group was invited to.

        Raises:
            GroupUnknownError: There is no such group that the caller sees.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[GroupView]:
            group = rights.group_for(tx, principal, reference, now).group
            ids = shares.namespace_ids(tx, group.id, now)
            found = namespaces.find_many(tx, ids)
            return _few(tx, principal, found, search, window, now)

        return await self._database.read(body)

    # Where something can go

    async def list_new_parents(
        self,
        principal: Principal,
        reference: NumberOrPath,
        wanted: GroupFilter,
        window: Window,
    ) -> Listed[GroupView]:
        """Return the groups that the caller can move a group into.

        Raises:
            GroupUnknownError: There is no such group that the caller sees.
            ForbiddenError: The caller does not own it.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[GroupView]:
            seen = rights.group_for(tx, principal, reference, now)
            rights.require(principal, seen.level, Role.OWNER)
            within = namespaces.descendant_ids(tx, seen.group.id)
            limited = _limited(
                principal, wanted, SUBGROUP_CREATOR, [*within, seen.group.parent_id]
            )
            return _list(tx, principal, limited, window, now)

        return await self._database.read(body)

    async def list_new_namespaces(
        self,
        principal: Principal,
        reference: NumberOrPath,
        wanted: GroupFilter,
        window: Window,
    ) -> Listed[GroupView]:
        """Return the groups that the caller can move a project into.

        Raises:
            ProjectUnknownError: There is none that the caller sees.
            ForbiddenError: The caller does not own it.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[GroupView]:
            seen = rights.project_for(tx, principal, reference, now)
            rights.require(principal, seen.access.level, Role.OWNER)
            current = [seen.project.namespace_id]
            limited = _limited(principal, wanted, PROJECT_CREATOR, current)
            return _list(tx, principal, limited, window, now)

        return await self._database.read(body)

    async def list_invitable(
        self, principal: Principal, place: Place, wanted: GroupFilter, window: Window
    ) -> Listed[GroupView]:
        """Return the caller's groups that can be invited to a project.

        Raises:
            NotFoundError: There is none that the caller sees.
            ForbiddenError: The caller's role is too low.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[GroupView]:
            found = find_place(tx, principal, place, now)
            rights.require(principal, found.level, manager_of(found))
            above = _ids_above(tx, found)
            invited = [share.group.id for share in shares.of(tx, found.scope, now)]
            limited = _limited(principal, wanted, Role.GUEST, [*above, *invited])
            return _list(tx, principal, limited, window, now)

        return await self._database.read(body)


def _ids_above(tx: Tx, found: FoundPlace) -> list[int]:
    parent_id = found.parent_id
    if parent_id is None:
        return []
    return [one.id for one in namespaces.chains(tx, [parent_id])[parent_id]]


def _invited_above(tx: Tx, found: FoundPlace, now: datetime) -> list[Share]:
    by_group = shares.of_groups(tx, _ids_above(tx, found), now)
    return [share for invited in by_group.values() for share in invited]


def _limited(
    principal: Principal,
    wanted: GroupFilter,
    least: Role,
    skipped: Iterable[int | None],
) -> GroupFilter:
    """Leave out some groups, and those where the caller has too low a role."""
    return replace(
        wanted,
        min_level=Role.NONE if principal.admin else least,
        skipped=[*wanted.skipped, *(one for one in skipped if one is not None)],
    )


def _few(
    tx: Tx,
    principal: Principal,
    found: Sequence[Namespace],
    search: Search,
    window: Window,
    now: datetime,
) -> Listed[GroupView]:
    """Show groups that are few, each at most once, as far as the caller sees them."""
    seen = [
        group
        for group in dict.fromkeys(found)
        if group.kind is NamespaceKind.GROUP
        and search.finds(group)
        and sees(
            principal,
            group.visibility,
            rights.namespace_level(tx, principal, group.id, now),
        )
    ]
    listed = cut_short(window, seen)
    return listed.shown_as(views(tx, listed.items))


def _list(
    tx: Tx, principal: Principal, wanted: GroupFilter, window: Window, now: datetime
) -> Listed[GroupView]:
    sight = members.sight_of(tx, principal, wanted.min_level, now)
    found = cut(
        window,
        partial(namespaces.list_groups, tx, sight, wanted),
        partial(namespaces.count_groups, tx, sight, wanted),
    )
    return found.shown_as(views(tx, found.items))
