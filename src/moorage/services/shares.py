"""Groups invited, as a whole, to projects and to other groups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from moorage.domain.access import Principal, Role
from moorage.domain.errors import ConflictError, ForbiddenError, ValidationError
from moorage.domain.members import Share, ShareUnknownError
from moorage.domain.projects import Scope
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.members import Place, find_place, manager_of
from moorage.store import shares


@dataclass(frozen=True, slots=True)
class Invitation:
    """Which group is invited. ``expires_on`` is the first day without it."""

    group_id: int
    level: Role
    expires_on: date | None = None


class Shares:
    """Invites groups and takes invitations back."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self, principal: Principal, place: Place, wanted: Invitation
    ) -> Share:
        """Invite a group.

        Raises:
            NotFoundError: The caller sees no such project or group, or not the
                invited one.
            ForbiddenError: The caller's role is too low.
            ConflictError: It was invited already.
            ValidationError: A group is to be invited to itself, or for no time.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Share:
            found = find_place(tx, principal, place, now)
            rights.require(principal, found.level, manager_of(found))
            invited = rights.group_for(tx, principal, wanted.group_id, now).group
            if wanted.level > found.level and not principal.admin:
                raise ForbiddenError
            _check(found.scope, wanted, now)
            made = shares.create(
                tx,
                found.scope,
                invited.id,
                wanted.level,
                expires_on=wanted.expires_on,
                now=now,
            )
            if made is None:
                raise ConflictError("Group already shared with this group")
            return Share(made, found.scope, invited, wanted.level, wanted.expires_on)

        return await self._database.write(body)

    async def delete(self, principal: Principal, place: Place, group_id: int) -> None:
        """Take an invitation back.

        Raises:
            NotFoundError: The caller sees no such project or group.
            ForbiddenError: The caller's role is too low.
            ShareUnknownError: The group was not invited.
        """
        now = self._clock.now()

        def body(tx: Tx) -> None:
            found = find_place(tx, principal, place, now)
            rights.require(principal, found.level, manager_of(found))
            if not shares.delete(tx, found.scope, group_id):
                raise ShareUnknownError

        await self._database.write(body)


def _check(of: Scope, wanted: Invitation, now: datetime) -> None:
    complaints: dict[str, list[str]] = {}
    if of.namespace_id == wanted.group_id:
        complaints["shared_with_group"] = ["cannot be the group itself"]
    if wanted.expires_on is not None and wanted.expires_on <= now.date():
        complaints["expires_at"] = ["cannot be a date in the past"]
    if complaints:
        raise ValidationError(**complaints)
