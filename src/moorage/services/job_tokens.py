"""Tokens of CI jobs: a CI system has one made per job and revokes it afterwards."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from moorage.domain.access import CredentialKind, Principal, Role
from moorage.domain.accounts import Account
from moorage.domain.errors import ForbiddenError, NotFoundError, UserUnknownError
from moorage.domain.projects import Project
from moorage.domain.tokens import JOB_SCOPE, SECRET_BYTES, hash_secret, spell_secret
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.minting import MadeToken
from moorage.services.rights import NumberOrPath
from moorage.store import accounts, members, tokens

_KIND = CredentialKind.JOB


class JobTokens:
    """Makes and revokes them, for who maintains the project."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self,
        principal: Principal,
        reference: NumberOrPath,
        *,
        account_id: int,
        lifetime: timedelta,
    ) -> MadeToken:
        """Make a token for a job that an account started.

        Raises:
            ProjectUnknownError: The caller sees no such project.
            UnauthenticatedError: Nobody signed in.
            ForbiddenError: The caller's role is too low, or below the account's.
            UserUnknownError: There is no such account.
        """
        now = self._clock.now()
        secret = spell_secret(_KIND, secrets.token_urlsafe(SECRET_BYTES))

        def body(tx: Tx) -> MadeToken:
            project, level = _project(tx, principal, reference, now)
            account = accounts.find(tx, account_id)
            if account is None:
                raise UserUnknownError
            if not _may_lend(tx, principal, level, account, project, now):
                raise ForbiddenError
            new = tokens.NewToken(
                kind=_KIND,
                secret_hash=hash_secret(secret),
                account_id=account.id,
                project_id=project.id,
                name="job",
                scopes=(JOB_SCOPE,),
                expires_at=now + lifetime,
            )
            return MadeToken(tokens.create(tx, new, now=now), secret)

        return await self._database.write(body)

    async def revoke(
        self, principal: Principal, reference: NumberOrPath, token_id: int
    ) -> None:
        """Take a token back: its job is done.

        Raises:
            ProjectUnknownError, UnauthenticatedError, ForbiddenError: As for
                ``create``.
            NotFoundError: The project has no such token.
        """
        now = self._clock.now()

        def body(tx: Tx) -> None:
            project, _level = _project(tx, principal, reference, now)
            token = tokens.find(tx, token_id)
            if token is None or token.kind is not _KIND:
                raise NotFoundError
            if token.project_id != project.id:
                raise NotFoundError
            tokens.revoke(tx, token.id, now=now)

        await self._database.write(body)


def _project(
    tx: Tx, principal: Principal, reference: NumberOrPath, now: datetime
) -> tuple[Project, Role]:
    seen = rights.project_for(tx, principal, reference, now)
    rights.require(principal, seen.access.level, Role.MAINTAINER)
    return seen.project, seen.access.level


def _may_lend(
    tx: Tx,
    principal: Principal,
    level: Role,
    account: Account,
    project: Project,
    now: datetime,
) -> bool:
    """Whether the token would be worth no more than the caller is."""
    if principal.admin or account.id == principal.account_id:
        return True
    theirs = members.project_level(tx, project, account.id, now)
    return not account.admin and theirs <= level
