"""Lists of projects: all that a caller sees, in a group, of somebody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from moorage.domain.access import Principal
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.pages import Listed, Window, cut
from moorage.services.project_views import ProjectView, views
from moorage.services.rights import NumberOrPath
from moorage.store import members, namespaces, projects, shares
from moorage.store.projects import ProjectFilter


class ProjectLists:
    """Lists projects."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_page(
        self, principal: Principal, wanted: ProjectFilter, window: Window
    ) -> Listed[ProjectView]:
        """Return projects that the caller sees."""
        now = self._clock.now()
        return await self._database.read(
            lambda tx: _list(tx, principal, wanted, window, now)
        )

    async def list_in_group(
        self,
        principal: Principal,
        reference: NumberOrPath,
        wanted: ProjectFilter,
        window: Window,
        *,
        deep: bool = False,
        shared: bool = False,
    ) -> Listed[ProjectView]:
        """Return the projects in a group, or in it and all groups below.

        With ``shared`` those that the group was invited to are among them.

        Raises:
            GroupUnknownError: There is no such group that the caller sees.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[ProjectView]:
            group = rights.group_for(tx, principal, reference, now).group
            below = namespaces.descendant_ids(tx, group.id) if deep else [group.id]
            limited = replace(
                wanted,
                namespace_ids=below,
                shared_ids=shares.project_ids(tx, group.id, now) if shared else (),
            )
            return _list(tx, principal, limited, window, now)

        return await self._database.read(body)

    async def list_invited(
        self,
        principal: Principal,
        reference: NumberOrPath,
        wanted: ProjectFilter,
        window: Window,
    ) -> Listed[ProjectView]:
        """Return the projects that a group was invited to.

        Raises:
            GroupUnknownError: There is no such group that the caller sees.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[ProjectView]:
            group = rights.group_for(tx, principal, reference, now).group
            ids = shares.project_ids(tx, group.id, now)
            limited = replace(wanted, namespace_ids=(), shared_ids=ids)
            return _list(tx, principal, limited, window, now)

        return await self._database.read(body)

    async def list_of_account(
        self,
        principal: Principal,
        account_id: int,
        wanted: ProjectFilter,
        window: Window,
    ) -> Listed[ProjectView]:
        """Return the projects in somebody's personal namespace."""
        now = self._clock.now()

        def body(tx: Tx) -> Listed[ProjectView]:
            own = namespaces.find_of_account(tx, account_id)
            limited = replace(wanted, namespace_ids=[own.id] if own else [])
            return _list(tx, principal, limited, window, now)

        return await self._database.read(body)


def _list(
    tx: Tx, principal: Principal, wanted: ProjectFilter, window: Window, now: datetime
) -> Listed[ProjectView]:
    sight = members.sight_of(tx, principal, wanted.min_level, now)
    found = cut(
        window,
        partial(projects.list_page, tx, sight, wanted),
        partial(projects.count, tx, sight, wanted),
    )
    return found.shown_as(views(tx, principal, found.items, now))
