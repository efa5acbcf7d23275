"""Who calls, and what they are in a project."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from moorage.domain.access import (
    DEPLOY_LEVEL,
    CredentialKind,
    Principal,
    ProjectAccess,
    Role,
    seen_from,
)
from moorage.domain.accounts import Account
from moorage.domain.errors import (
    BlockedUserError,
    TokenExpiredError,
    TokenRevokedError,
    UnauthenticatedError,
)
from moorage.domain.projects import Project
from moorage.domain.tokens import JOB_USERNAME, Token, hash_secret
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import accounts, members, namespaces, tokens

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

ACCESS_TOKENS = frozenset(
    {CredentialKind.PERSONAL, CredentialKind.PROJECT, CredentialKind.GROUP}
)
JOB_TOKENS = frozenset({CredentialKind.JOB})

_USABLE = ACCESS_TOKENS | JOB_TOKENS | {CredentialKind.DEPLOY}

_Found: TypeAlias = tuple[Token, Account | None]


class Identity:
    """Turns credentials into a ``Principal``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._hasher = PasswordHasher()
        self._password_slots = asyncio.Semaphore(PASSWORDS_AT_ONCE)

    async def authenticate_token(
        self, secret: str, kinds: Collection[CredentialKind] = ACCESS_TOKENS
    ) -> Principal:
        """Return who a token of one of these kinds acts as.

        Raises:
            UnauthenticatedError: No such token.
            TokenExpiredError: It had an end.
            TokenRevokedError: It was taken back.
            BlockedUserError: Its account was blocked.
        """
        found = await self._find_token(secret)
        if found is None or found[0].kind not in kinds:
            raise UnauthenticatedError
        return await self._admit(*found)

    async def authenticate_basic(self, username: str, password: str) -> Principal:
        """Return who a user name and a password or access token stand for.

        An access token is accepted under any user name; a deploy token under its own
        alone, and a job's under that of all jobs.

        Raises:
            UnauthenticatedError: Wrong, or no longer right.
            BlockedUserError: The account was blocked.
        """
        found = await self._find_token(password)
        if found is not None:
            if username != _login(found[0], username):
                raise UnauthenticatedError
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

        def body(tx: Tx) -> _Found | None:
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
        level, now = Role.NONE, self._clock.now()
        if principal.account_id is not None or principal.token_id is not None:
            level = await self._database.quick(
                lambda tx: level_in(tx, principal, project, now)
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

    async def _find_token(self, secret: str) -> _Found | None:
        secret_hash = hash_secret(secret)

        def body(tx: Tx) -> _Found | None:
            return _with_account(tx, tokens.find_by_secret(tx, secret_hash))

        return await self._database.quick(body)

    async def _admit(self, token: Token, account: Account | None) -> Principal:
        if token.revoked_at is not None:
            raise TokenRevokedError
        if token.expired(self._clock.now()):
            raise TokenExpiredError
        if account is not None and account.blocked:
            raise BlockedUserError
        await self._note_use(token)
        if account is None:
            return _deployer(token)
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


def _with_account(tx: Tx, token: Token | None) -> _Found | None:
    if token is None or token.kind not in _USABLE:
        return None
    if token.kind is CredentialKind.DEPLOY:
        return token, None
    account = accounts.find(tx, token.account_id or 0)
    return None if account is None else (token, account)


def _login(token: Token, given: str) -> str:
    """Return the user name that a token goes with: any, if it is an access token."""
    if token.kind is CredentialKind.DEPLOY:
        return token.login
    return JOB_USERNAME if token.kind is CredentialKind.JOB else given


def level_in(tx: Tx, principal: Principal, project: Project, now: datetime) -> Role:
    """Return what a caller is in a project, by membership or by a deploy token."""
    if principal.kind is CredentialKind.DEPLOY:
        return DEPLOY_LEVEL if _opens(tx, principal, project) else Role.NONE
    account_id = seen_from(principal, project.id).account_id
    if account_id is None:
        return Role.NONE
    return members.project_level(tx, project, account_id, now)


def _opens(tx: Tx, principal: Principal, project: Project) -> bool:
    if principal.namespace_id is None:
        return principal.project_id == project.id
    chain = namespaces.chains(tx, [project.namespace_id])[project.namespace_id]
    return any(namespace.id == principal.namespace_id for namespace in chain)


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
        project_id=token.project_id if token else None,
    )


def _deployer(token: Token) -> Principal:
    return Principal(
        account_id=None,
        username=token.login,
        external=True,
        kind=token.kind,
        scopes=frozenset(token.scopes),
        token_id=token.id,
        project_id=token.project_id,
        namespace_id=token.namespace_id,
    )
