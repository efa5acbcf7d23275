"""Members of projects and groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import TypeAlias

from moorage.domain.access import Principal, Role
from moorage.domain.accounts import Account
from moorage.domain.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    UserUnknownError,
    ValidationError,
)
from moorage.domain.members import GRANTABLE, Member
from moorage.domain.projects import Scope
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.pages import Listed, Window, cut
from moorage.services.rights import NumberOrPath
from moorage.store import accounts, members, namespaces
from moorage.store.members import Line, MemberFilter

FindAccount: TypeAlias = Callable[[Tx], Account | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A project or a group, as a caller names it."""

    is_group: bool
    reference: NumberOrPath


@dataclass(frozen=True, slots=True)
class Membership:
    """What somebody is to become. ``expires_on`` is the first day without it."""

    level: int
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class AddedMembers:
    """How many of several are members now, and by user name what hindered the rest."""

    number: int
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A place that the caller sees, and their role there."""

    scope: Scope
    parent_id: int | None
    level: Role

    @property
    def is_group(self) -> bool:
        """Whether it is no project."""
        return self.scope.namespace_id is not None

    @property
    def line(self) -> Line:
        """Where members of above come from."""
        namespace_id = self.scope.namespace_id or self.parent_id or 0
        return Line(self.scope.project_id or 0, namespace_id)


class Members:
    """Lists, adds, changes and removes members."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_page(
        self,
        principal: Principal,
        place: Place,
        wanted: MemberFilter,
        window: Window,
        *,
        inherited: bool,
    ) -> Listed[Member]:
        """Return members, by account: of the place itself, or those of above too.

        Whoever is one several times has the highest of the roles.

        Raises:
            NotFoundError: The caller sees no such project or group.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[Member]:
            found = find_place(tx, principal, place, now)
            if inherited:
                find = partial(members.list_all, tx, found.line, wanted, now=now)
                count = partial(members.count_all, tx, found.line, wanted, now=now)
                return cut(window, find, count)
            return cut(
                window,
                partial(members.list_direct, tx, found.scope, wanted, now=now),
                partial(members.count_direct, tx, found.scope, wanted, now=now),
            )

        return await self._database.read(body)

    async def get(
        self, principal: Principal, place: Place, account_id: int, *, inherited: bool
    ) -> Member:
        """Return one member.

        Raises:
            NotFoundError: There is none, or as for ``list_page``.
        """
        wanted = MemberFilter(account_ids=[account_id])
        window = Window(1, counted=False)
        found = await self.list_page(
            principal, place, wanted, window, inherited=inherited
        )
        if not found.items:
            raise NotFoundError
        return found.items[0]

    async def add(
        self,
        principal: Principal,
        place: Place,
        find_account: FindAccount,
        wanted: Membership,
    ) -> Member:
        """Make somebody a member.

        Raises:
            NotFoundError: The caller sees no such project or group.
            ForbiddenError: The caller's role is too low.
            UserUnknownError: There is nobody to add.
            ConflictError: They are a member already.
            ValidationError: The role or the date is not acceptable.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Member:
            found = _managed(tx, principal, place, wanted, now)
            account = find_account(tx)
            if account is None:
                raise UserUnknownError
            if members.find(tx, found.scope, account.id, now) is not None:
                raise ConflictError("Member already exists")
            return _put(tx, principal, found, account, wanted, now)

        return await self._database.write(body)

    async def add_several(
        self,
        principal: Principal,
        place: Place,
        named: Sequence[FindAccount],
        wanted: Membership,
    ) -> AddedMembers:
        """Make several people members, or change what they are already.

        Who is refused stays as they were; accounts that are not there are passed over.

        Raises:
            NotFoundError: The caller sees no such project or group.
            ForbiddenError: The caller's role is too low.
            ValidationError: The role or the date is not acceptable.
        """
        now = self._clock.now()

        def body(tx: Tx) -> AddedMembers:
            found = _managed(tx, principal, place, wanted, now)
            accounts_found = [account for find in named if (account := find(tx))]
            refused: dict[str, str] = {}
            for account in accounts_found:
                try:
                    _admit(tx, principal, found, account, wanted, now)
                except ForbiddenError:
                    refused[account.username] = "not authorized to update member"
                except ValidationError as error:
                    refused[account.username] = _sentences(error)
            return AddedMembers(len(accounts_found) - len(refused), refused)

        return await self._database.write(body)

    async def update(
        self,
        principal: Principal,
        place: Place,
        account_id: int,
        wanted: Membership,
    ) -> Member:
        """Change a membership.

        Raises:
            NotFoundError: There is no such direct member, project or group.
            ForbiddenError: The caller's role is too low, or it is the last owner's.
            ValidationError: The role or the date is not acceptable.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Member:
            found = _managed(tx, principal, place, wanted, now)
            member = _direct(tx, found, account_id, now)
            return _admit(tx, principal, found, member.account, wanted, now)

        return await self._database.write(body)

    async def remove(self, principal: Principal, place: Place, account_id: int) -> None:
        """End a membership; everybody may end their own.

        Raises:
            NotFoundError: There is no such direct member, project or group.
            ForbiddenError: The caller's role is too low, or it is the last owner's.
        """
        now = self._clock.now()

        def body(tx: Tx) -> None:
            found = find_place(tx, principal, place, now)
            if principal.account_id != account_id:
                rights.require(principal, found.level, manager_of(found))
            member = _direct(tx, found, account_id, now)
            if principal.account_id != account_id:
                _check_rank(principal, found, member)
            _check_not_last(tx, found, member, now)
            members.delete(tx, found.scope, account_id)

        await self._database.write(body)


def by_id(account_id: int) -> FindAccount:
    """Name an account by id."""
    return lambda tx: accounts.find(tx, account_id)


def by_username(username: str) -> FindAccount:
    """Name an account by user name."""
    return lambda tx: accounts.find_by_username(tx, username)


def find_place(tx: Tx, principal: Principal, place: Place, now: datetime) -> FoundPlace:
    """Find a project or group.

    Raises:
        NotFoundError: There is none that the caller sees.
    """
    if place.is_group:
        seen = rights.group_for(tx, principal, place.reference, now)
        return FoundPlace(
            scope=Scope(namespace_id=seen.group.id),
            parent_id=seen.group.parent_id,
            level=seen.level,
        )
    found = rights.project_for(tx, principal, place.reference, now)
    return FoundPlace(
        scope=Scope(project_id=found.project.id),
        parent_id=found.project.namespace_id,
        level=found.access.level,
    )


def manager_of(found: FoundPlace) -> Role:
    """Return the role that may manage members.

    Source: GitLab docs, "Permissions and roles", "Manage project members".
    """
    return Role.OWNER if found.is_group else Role.MAINTAINER


def _managed(
    tx: Tx, principal: Principal, place: Place, wanted: Membership, now: datetime
) -> FoundPlace:
    found = find_place(tx, principal, place, now)
    rights.require(principal, found.level, manager_of(found))
    _check(wanted, now)
    if wanted.level > found.level and not principal.admin:
        raise ForbiddenError
    return found


def _check(wanted: Membership, now: datetime) -> None:
    complaints: dict[str, list[str]] = {}
    if wanted.level not in GRANTABLE:
        complaints["access_level"] = ["is not included in the list"]
    if wanted.expires_on is not None and wanted.expires_on <= now.date():
        complaints["expires_at"] = ["cannot be a date in the past"]
    if complaints:
        raise ValidationError(**complaints)


def _check_rank(principal: Principal, found: FoundPlace, member: Member) -> None:
    """Keep a Maintainer from changing an Owner."""
    if member.level > found.level and not principal.admin:
        raise ForbiddenError


def _check_not_last(tx: Tx, found: FoundPlace, member: Member, now: datetime) -> None:
    """Keep a top-level group from being left without an owner."""
    group_id = found.scope.namespace_id
    if group_id is None or found.parent_id is not None or member.level < Role.OWNER:
        return
    if not members.has_other_owner(tx, group_id, member.account.id, now):
        raise ForbiddenError


def _direct(tx: Tx, found: FoundPlace, account_id: int, now: datetime) -> Member:
    member = members.find(tx, found.scope, account_id, now)
    if member is None:
        raise NotFoundError
    return member


def _admit(
    tx: Tx,
    principal: Principal,
    found: FoundPlace,
    account: Account,
    wanted: Membership,
    now: datetime,
) -> Member:
    """Make somebody a member, or change what they are already."""
    member = members.find(tx, found.scope, account.id, now)
    if member is not None:
        _check_rank(principal, found, member)
        if wanted.level < Role.OWNER:
            _check_not_last(tx, found, member, now)
    return _put(tx, principal, found, account, wanted, now)


def _sentences(error: ValidationError) -> str:
    """Say what is wrong with each field, as GitLab joins it."""
    return " and ".join(
        f"{field.replace('_', ' ').capitalize()} {text}"
        for field, texts in error.detail.items()
        for text in texts
    )


def _put(
    tx: Tx,
    principal: Principal,
    found: FoundPlace,
    account: Account,
    wanted: Membership,
    now: datetime,
) -> Member:
    _check_not_below_inherited(tx, found, account, wanted, now)
    members.put(
        tx,
        found.scope,
        account.id,
        Role(wanted.level),
        now=now,
        expires_on=wanted.expires_on,
        created_by_id=principal.account_id,
    )
    return _direct(tx, found, account.id, now)


def _check_not_below_inherited(
    tx: Tx, found: FoundPlace, account: Account, wanted: Membership, now: datetime
) -> None:
    if found.parent_id is None:
        return
    level = members.group_level(tx, found.parent_id, account.id, now)
    if level <= wanted.level:
        return
    parent = namespaces.find(tx, found.parent_id)
    group = parent.name if parent else ""
    complaint = (
        f"should be greater than or equal to {level.name.title()} inherited "
        f"membership from group {group}"
    )
    raise ValidationError(access_level=[complaint])
