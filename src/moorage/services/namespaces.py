"""Namespaces in general: groups, and what somebody's own projects are below."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from moorage.domain.access import Principal, sees
from moorage.domain.errors import NamespaceUnknownError
from moorage.domain.projects import Namespace, NamespaceKind
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.pages import Listed, Window, cut, cut_short
from moorage.services.rights import NumberOrPath
from moorage.store import members, namespaces

_MAX_NUMBER = 100


class Namespaces:
    """Lists namespaces, and tells which paths are taken."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_page(
        self, principal: Principal, search: str | None, window: Window
    ) -> Listed[Namespace]:
        """Return the caller's own namespace and the groups they belong to, by id.

        Administrators get all there are. ``search`` is part of a full path, in lower
        case.
        """
        now = self._clock.now()
        return await self._database.read(
            lambda tx: _list(tx, principal, search, window, now)
        )

    async def get(self, principal: Principal, reference: NumberOrPath) -> Namespace:
        """Return a namespace of either kind.

        Raises:
            NamespaceUnknownError: There is none that is for the caller to know.
        """
        now = self._clock.now()
        return await self._database.quick(
            lambda tx: namespace_for(tx, principal, reference, now)
        )

    async def free_instead(
        self, principal: Principal, path: str, parent_id: int | None
    ) -> list[str] | None:
        """Return what is free instead of a path that is taken; ``None`` if it is free.

        Everybody may know of paths at the top, because two groups cannot have one. In a
        group those count as free that belong to what the caller does not see.
        """
        now = self._clock.now()

        def body(tx: Tx) -> list[str] | None:
            def is_taken(name: str) -> bool:
                if parent_id is None:
                    return namespaces.find_by_path(tx, name) is not None
                return _find_in(tx, principal, parent_id, name, now) is not None

            if "/" in path or not is_taken(path):
                return None
            numbered = (f"{path}{number}" for number in range(1, _MAX_NUMBER))
            free = next((name for name in numbered if not is_taken(name)), None)
            return [] if free is None else [free]

        return await self._database.quick(body)


def namespace_for(
    tx: Tx, principal: Principal, reference: NumberOrPath, now: datetime
) -> Namespace:
    """Find a group that the caller sees, or their own namespace.

    Raises:
        NamespaceUnknownError: It is neither.
    """
    found = _visible(tx, principal, reference, now)
    if found is None:
        raise NamespaceUnknownError
    return found


def _visible(
    tx: Tx, principal: Principal, reference: NumberOrPath, now: datetime
) -> Namespace | None:
    if isinstance(reference, int):
        found = namespaces.find(tx, reference)
    else:
        found = namespaces.find_by_path(tx, reference)
    if found is None:
        return None
    if found.kind is NamespaceKind.USER:
        own = found.owner_id == principal.account_id
        return found if principal.admin or own else None
    level = rights.namespace_level(tx, principal, found.id, now)
    return found if sees(principal, found.visibility, level) else None


def _find_in(
    tx: Tx, principal: Principal, parent_id: int, name: str, now: datetime
) -> Namespace | None:
    parent = _visible(tx, principal, parent_id, now)
    if parent is None:
        return None
    return _visible(tx, principal, f"{parent.full_path}/{name}", now)


def _list(
    tx: Tx, principal: Principal, search: str | None, window: Window, now: datetime
) -> Listed[Namespace]:
    if principal.admin:
        return cut(
            window,
            partial(namespaces.list_page, tx, search),
            partial(namespaces.count, tx, search),
        )
    mine = members.reach(tx, principal.account_id or 0, now).namespaces
    all_mine = [
        one
        for one in namespaces.find_many(tx, mine)
        if search is None or search in one.full_path.lower()
    ]
    return cut_short(window, all_mine)
