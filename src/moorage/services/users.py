"""People: who they are, and making and removing them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from moorage.domain.access import Principal
from moorage.domain.accounts import (
    Account,
    AccountState,
    StateChange,
    email_complaints,
    password_complaints,
)
from moorage.domain.errors import (
    ConflictError,
    ForbiddenError,
    UnauthenticatedError,
    UserUnknownError,
    ValidationError,
)
from moorage.domain.members import JoinedPlace
from moorage.domain.projects import path_complaints
from moorage.domain.texts import name_complaints, only_complaints
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services.identity import Identity
from moorage.services.moving import move_namespace
from moorage.services.pages import Listed, Window, cut
from moorage.services.removal import remove_project
from moorage.store import accounts, members, namespaces, projects, sessions
from moorage.store.accounts import AccountFilter
from moorage.store.members import SourceType


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What a person starts with. Without a password they sign in by token only."""

    username: str
    name: str
    email: str
    password: str | None = None
    admin: bool = False
    external: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanges:
    """What changes about a person; ``None`` stays as it is."""

    username: str | None = None
    name: str | None = None
    email: str | None = None
    password: str | None = None
    admin: bool | None = None
    external: bool | None = None


class Users:
    """Reads and changes accounts. Who may change them is for the caller to check."""

    def __init__(self, database: Database, clock: Clock, identity: Identity) -> None:
        self._database = database
        self._clock = clock
        self._identity = identity

    async def current(self, principal: Principal) -> Account:
        """Return the caller's account.

        Raises:
            UnauthenticatedError: Nobody signed in.
        """
        if principal.account_id is None:
            raise UnauthenticatedError
        return await self.get(principal.account_id)

    async def get(self, account_id: int) -> Account:
        """Return an account.

        Raises:
            UserUnknownError: There is none with this id.
        """
        return await self._database.quick(lambda tx: _get(tx, account_id))

    async def find_by_username(self, username: str) -> Account | None:
        """Return an account by user name, in any case."""
        return await self._database.quick(
            lambda tx: accounts.find_by_username(tx, username)
        )

    async def find(self, reference: int | str) -> Account:
        """Return an account by id or user name.

        Raises:
            UserUnknownError: There is none.
        """
        if isinstance(reference, int):
            return await self.get(reference)
        account = await self.find_by_username(reference)
        if account is None:
            raise UserUnknownError
        return account

    async def list_page(self, wanted: AccountFilter, window: Window) -> Listed[Account]:
        """Return accounts."""
        return await self._database.read(
            lambda tx: cut(
                window,
                partial(accounts.list_page, tx, wanted),
                partial(accounts.count, tx, wanted),
            )
        )

    async def list_memberships(
        self, account_id: int, kind: SourceType | None, window: Window
    ) -> Listed[JoinedPlace]:
        """Return where somebody is a direct member. Who may know is checked before.

        Raises:
            UserUnknownError: There is nobody with this id.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[JoinedPlace]:
            _get(tx, account_id)
            return cut(
                window,
                partial(members.list_joined, tx, account_id, kind, now=now),
                partial(members.count_joined, tx, account_id, kind, now=now),
            )

        return await self._database.read(body)

    async def create(self, new: NewUser) -> Account:
        """Make an account with its personal namespace.

        Raises:
            ConflictError: The user name or address is taken.
            ValidationError: Something about it is not acceptable.
        """
        _check(new)
        password_hash = await self._hash(new.password)
        account = accounts.NewAccount(
            username=new.username,
            name=new.name,
            email=new.email,
            password_hash=password_hash,
            admin=new.admin,
            external=new.external,
        )
        now = self._clock.now()
        return await self._database.write(lambda tx: _create(tx, account, now))

    async def update(self, account_id: int, changes: UserChanges) -> Account:
        """Change an account.

        Raises:
            UserUnknownError: There is none with this id.
            ConflictError: The user name or address is taken.
            ValidationError: Something about it is not acceptable.
            ForbiddenError: There would be no administrator any more.
        """
        _check(changes)
        password_hash = await self._hash(changes.password)
        now = self._clock.now()

        def body(tx: Tx) -> Account:
            account = _changed(_get(tx, account_id), changes)
            if not account.admin:
                _check_administered(tx, account_id)
            _rename_namespace(tx, account)
            _check_email_free(tx, account.email, except_for=account_id)
            accounts.update(tx, account, now=now)
            if password_hash is not None:
                accounts.set_password(tx, account_id, password_hash)
                sessions.delete_of_account(tx, account_id)
            return account

        return await self._database.write(body)

    async def change_state(
        self, principal: Principal, account_id: int, change: StateChange
    ) -> None:
        """Keep an account and its tokens out, or let it in again.

        Raises:
            UserUnknownError: There is none with this id.
            ForbiddenError: It is the caller's, or the last administrator's, or that
                cannot be done to it as it is.
        """
        now, lets_in = self._clock.now(), change.to is AccountState.ACTIVE
        if account_id == principal.account_id and not lets_in:
            raise ForbiddenError("You cannot block yourself")

        def body(tx: Tx) -> None:
            account = _get(tx, account_id)
            if account.state in change.refusals:
                raise ForbiddenError(change.refusals[account.state])
            if not lets_in:
                _check_administered(tx, account_id)
            accounts.set_state(tx, account_id, change.to, now=now)

        await self._database.write(body)

    async def delete(self, principal: Principal, account_id: int) -> None:
        """Remove an account with its tokens, memberships and personal projects.

        Raises:
            UserUnknownError: There is none with this id.
            ForbiddenError: It is the caller's, or the last administrator's.
            HeldError: Something in a personal project is held.
            ProtectedRepositoryError, ProtectedTagError, ImmutableTagError: A rule
                keeps a repository.
        """
        now = self._clock.now()
        if account_id == principal.account_id:
            raise ForbiddenError("You cannot delete yourself")

        def body(tx: Tx) -> None:
            _get(tx, account_id)
            _check_administered(tx, account_id)
            own = namespaces.find_of_account(tx, account_id)
            for project in projects.of_namespace(tx, own.id) if own else ():
                remove_project(tx, principal, project, now=now)
            accounts.delete(tx, account_id)

        await self._database.write(body)

    async def _hash(self, password: str | None) -> str | None:
        return (
            None if password is None else await self._identity.hash_password(password)
        )


def _get(tx: Tx, account_id: int) -> Account:
    account = accounts.find(tx, account_id)
    if account is None:
        raise UserUnknownError
    return account


def _check_administered(tx: Tx, without_id: int) -> None:
    """Keep the last account that can administer."""
    if accounts.lock_administrators(tx) == [without_id]:
        raise ForbiddenError("The last administrator has to stay one")


def _create(tx: Tx, new: accounts.NewAccount, now: datetime) -> Account:
    _check_email_free(tx, new.email)
    named = accounts.find_by_username(tx, new.username)
    if named or namespaces.find_by_path(tx, new.username):
        raise ConflictError("Username has already been taken")
    account = accounts.create(tx, new, now=now)
    namespaces.create_personal(tx, account, now=now)
    return account


def _rename_namespace(tx: Tx, account: Account) -> None:
    own = namespaces.find_of_account(tx, account.id)
    if own is None or own.path == account.username:
        return
    taken = accounts.find_by_username(tx, account.username)
    in_use = namespaces.find_by_path(tx, account.username)
    if (taken and taken.id != account.id) or (in_use and in_use.id != own.id):
        raise ConflictError("Username has already been taken")
    move_namespace(tx, own, None, account.username)


def _check_email_free(tx: Tx, email: str, *, except_for: int | None = None) -> None:
    found = accounts.find_by_email(tx, email)
    if found is not None and found.id != except_for:
        raise ConflictError("Email has already been taken")


def _check(given: NewUser | UserChanges) -> None:
    complaints = only_complaints(
        username=_if_given(path_complaints, given.username),
        name=_if_given(name_complaints, given.name),
        email=_if_given(email_complaints, given.email),
        password=_if_given(password_complaints, given.password),
    )
    if complaints:
        raise ValidationError(**complaints)


def _if_given(find: Callable[[str], list[str]], text: str | None) -> list[str]:
    return [] if text is None else find(text)


def _changed(account: Account, changes: UserChanges) -> Account:
    return replace(
        account,
        username=account.username if changes.username is None else changes.username,
        name=account.name if changes.name is None else changes.name,
        email=account.email if changes.email is None else changes.email,
        admin=account.admin if changes.admin is None else changes.admin,
        external=account.external if changes.external is None else changes.external,
    )
