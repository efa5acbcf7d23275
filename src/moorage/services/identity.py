"""Who calls, and what they are in a project."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from moorage.domain.access import CredentialKind, Principal, ProjectAccess, Role
from moorage.domain.accounts import Account
from moorage.domain.errors import (
    BlockedUserError,
    TokenExpiredError,
    TokenRevokedError,
    UnauthenticatedError,
)
from moorage.domain.projects import Project
from moorage.domain.tokens import Token, hash_secret
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import accounts, members, tokens

LAST_USED_INTERVAL = timedelta(minutes=10)
"""How stale ``last_used_at`` may be: a write per request would cost more than it."""

PASSWORDS_AT_ONCE = 2
"""Checks of passwords that run beside each other: each takes 64 MiB and a core."""

MAX_ID_DIGITS = 19

# Checked when there is no such account, so that the time taken tells nothing. Made
# with the parameters of the hasher below.
_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZSBzYWx0IGhlcmU$"
    "9IQ1Oy8eJzRPHaOlp7BXlVrfTKNY0FLHD8t1MXrU4TE"
)

_TOKEN_KINDS = frozenset(
    {CredentialKind.PERSONAL, CredentialKind.PROJECT, CredentialKind.GROUP}
)


class Identity:
    """Turns credentials into a ``Principal``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._hasher = PasswordHasher()
        self._password_slots = asyncio.Semaphore(PASSWORDS_AT_ONCE)

    async def authenticate_token(self, secret: str) -> Principal:
        """Return who an access token acts as.

        Raises:
            UnauthenticatedError: No such token.
            TokenExpiredError: It had an end.
            TokenRevokedError: It was taken back.
            BlockedUserError: Its account was blocked.
        """
        found = await self._find_token(secret)
        if found is None:
            raise UnauthenticatedError
        return await self._admit(*found)

    async def authenticate_basic(self, username: str, password: str) -> Principal:
        """Return who a user name and a password or access token stand for.

        An access token is accepted under any user name.

        Raises:
            UnauthenticatedError: Wrong, or no longer right.
            BlockedUserError: The account was blocked.
        """
        found = await self._find_token(password)
        if found is not None:
            return await self._admit(*found)
        login = username if username.isprintable() else ""
        known = await self._database.quick(lambda tx: accounts.find_login(tx, login))
        account, password_hash = known or (None, None)
        right = await self._verify(password_hash or _NOBODY, password)
        if account is None or password_hash is None or not right:
            raise UnauthenticatedError
        if account.blocked:
            raise BlockedUserError
        return _principal(account, CredentialKind.PASSWORD)

    async def readmit_token(self, token_id: int) -> Principal:
        """Return who an access token acts as that was presented earlier.

        Raises:
            UnauthenticatedError, BlockedUserError: As for ``authenticate_token``.
        """

        def body(tx: Tx) -> tuple[Token, Account] | None:
            return _with_account(tx, tokens.find(tx, token_id))

        found = await self._database.quick(body)
        if found is None:
            raise UnauthenticatedError
        return await self._admit(*found)

    async def readmit_account(self, account_id: int) -> Principal:
        """Return somebody who gave the right password earlier.

        Raises:
            UnauthenticatedError: The account is gone.
            BlockedUserError: It was blocked.
        """
        account = await self._database.quick(lambda tx: accounts.find(tx, account_id))
        if account is None:
            raise UnauthenticatedError
        if account.blocked:
            raise BlockedUserError
        return _principal(account, CredentialKind.PASSWORD)

    async def password_hash(self, account_id: int) -> str | None:
        """Return what is stored of an account's password, if it has one."""
        return await self._database.quick(
            lambda tx: accounts.find_password_hash(tx, account_id)
        )

    async def project_access(
        self, principal: Principal, project: Project
    ) -> ProjectAccess:
        """Return what decides about a caller in a project."""
        level = Role.NONE
        if principal.account_id is not None:
            account_id, now = principal.account_id, self._clock.now()
            level = await self._database.quick(
                lambda tx: members.project_level(tx, project, account_id, now)
            )
        return access_to(project, level)

    async def act_as(self, principal: Principal, name: str) -> Principal | None:
        """Return somebody else, by id or user name, with the caller's credentials."""

        def body(tx: Tx) -> Account | None:
            if name.isascii() and name.isdigit() and len(name) < MAX_ID_DIGITS:
                return accounts.find(tx, int(name))
            return accounts.find_by_username(tx, name)

        account = await self._database.quick(body)
        if account is None:
            return None
        return replace(
            principal,
            account_id=account.id,
            username=account.username,
            admin=account.admin,
            external=account.external,
        )

    async def hash_password(self, password: str) -> str:
        """Return what is stored of a password."""
        async with self._password_slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _find_token(self, secret: str) -> tuple[Token, Account] | None:
        secret_hash = hash_secret(secret)

        def body(tx: Tx) -> tuple[Token, Account] | None:
            return _with_account(tx, tokens.find_by_secret(tx, secret_hash))

        return await self._database.quick(body)

    async def _admit(self, token: Token, account: Account) -> Principal:
        if token.revoked_at is not None:
            raise TokenRevokedError
        if token.expired(self._clock.now()):
            raise TokenExpiredError
        if account.blocked:
            raise BlockedUserError
        await self._note_use(token)
        return _principal(account, token.kind, token)

    async def _note_use(self, token: Token) -> None:
        now = self._clock.now()
        stale = now - LAST_USED_INTERVAL
        if token.last_used_at is None or token.last_used_at <= stale:
            await self._database.write(
                lambda tx: tokens.touch(tx, token.id, now=now, unless_after=stale)
            )

    async def _verify(self, password_hash: str, password: str) -> bool:
        async with self._password_slots:
            return await asyncio.to_thread(self._matches, password_hash, password)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError, UnicodeEncodeError):
            return False


def _with_account(tx: Tx, token: Token | None) -> tuple[Token, Account] | None:
    if token is None or token.account_id is None or token.kind not in _TOKEN_KINDS:
        return None
    account = accounts.find(tx, token.account_id)
    return None if account is None else (token, account)


def access_to(project: Project, level: Role) -> ProjectAccess:
    """Put a project's settings and a caller's role in it together."""
    return ProjectAccess(
        visibility=project.visibility,
        registry_access=project.registry_access,
        level=level,
        archived=project.archived_at is not None,
    )


def _principal(
    account: Account, kind: CredentialKind, token: Token | None = None
) -> Principal:
    return Principal(
        account_id=account.id,
        username=account.username,
        admin=account.admin,
        external=account.external,
        kind=kind,
        scopes=frozenset(token.scopes) if token else frozenset(),
        token_id=token.id if token else None,
    )
