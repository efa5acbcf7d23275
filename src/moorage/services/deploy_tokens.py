"""Deploy tokens: they pull from and push to a project, or all projects of a group."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.access import CredentialKind, Principal, Role
from moorage.domain.errors import NotFoundError, ValidationError
from moorage.domain.projects import Scope
from moorage.domain.texts import (
    BLANK,
    MAX_NAME_LENGTH,
    length_complaints,
    name_complaints,
    only_complaints,
)
from moorage.domain.tokens import SECRET_BYTES, Token, hash_secret, spell_secret
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.minting import MadeToken, list_page
from moorage.services.owned_tokens import Owner
from moorage.services.pages import Listed, Window
from moorage.store import tokens
from moorage.store.tokens import TokenFilter

_USERNAME = re.compile(r"[A-Za-z0-9._+-]+")
_USERNAME_COMPLAINT = "can contain only letters, digits, '_', '-', '+', and '.'"

_KIND = CredentialKind.DEPLOY


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployTokenRequest:
    """What a new deploy token shall be; without ``username`` one is made up."""

    name: str
    scopes: Sequence[str]
    username: str | None = None
    expires_at: datetime | None = None


class DeployTokens:
    """Lists, makes and deletes deploy tokens."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def is_expired(self, token: Token) -> bool:
        """Whether a token's time is over now."""
        return token.expired(self._clock.now())

    def is_active(self, token: Token) -> bool:
        """Whether a token opens anything now."""
        return token.active(self._clock.now())

    async def list_all(self, window: Window, *, active_only: bool) -> Listed[Token]:
        """Return deploy tokens of everybody, oldest first, for administrators."""
        wanted = TokenFilter(kind=_KIND, active=True if active_only else None)
        now = self._clock.now()
        return await self._database.read(lambda tx: list_page(tx, wanted, window, now))

    async def list_of(
        self, principal: Principal, owner: Owner, window: Window, *, active_only: bool
    ) -> Listed[Token]:
        """Return deploy tokens of a project or group, oldest first.

        Raises:
            NotFoundError: The caller sees no such project or group.
            UnauthenticatedError: Nobody signed in.
            ForbiddenError: The caller's role is too low.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[Token]:
            scope = _place(tx, principal, owner, now, Role.MAINTAINER)
            of, owner_id = scope.place
            wanted = TokenFilter(
                kind=_KIND,
                of=of,
                owner_id=owner_id,
                active=True if active_only else None,
            )
            return list_page(tx, wanted, window, now)

        return await self._database.read(body)

    async def get_of(self, principal: Principal, owner: Owner, token_id: int) -> Token:
        """Return one of them.

        Raises:
            NotFoundError: It is not among them, or as for ``list_of``.
            UnauthenticatedError, ForbiddenError: As for ``list_of``.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Token:
            place = _place(tx, principal, owner, now, Role.MAINTAINER)
            return _one_of(tx, place, token_id)

        return await self._database.quick(body)

    async def create_of(
        self, principal: Principal, owner: Owner, wanted: DeployTokenRequest
    ) -> MadeToken:
        """Make a deploy token.

        Raises:
            NotFoundError, UnauthenticatedError: As for ``list_of``.
            ForbiddenError: The caller's role is too low: Owner is needed in groups.
            ValidationError: The name, the user name or the date is not acceptable.
        """
        now = self._clock.now()
        secret = spell_secret(_KIND, secrets.token_urlsafe(SECRET_BYTES))

        def body(tx: Tx) -> MadeToken:
            place = _place(tx, principal, owner, now, Role.OWNER)
            _check(wanted, now)
            new = tokens.NewToken(
                kind=_KIND,
                secret_hash=hash_secret(secret),
                project_id=place.project_id,
                namespace_id=place.namespace_id,
                username=wanted.username,
                name=wanted.name,
                scopes=tuple(dict.fromkeys(wanted.scopes)),
                expires_at=wanted.expires_at,
            )
            return MadeToken(tokens.create(tx, new, now=now), secret)

        return await self._database.write(body)

    async def delete_of(
        self, principal: Principal, owner: Owner, token_id: int
    ) -> None:
        """Delete one of them: it opens nothing any more.

        Raises:
            NotFoundError: It is not among them, or as for ``list_of``.
            UnauthenticatedError, ForbiddenError: As for ``create_of``.
        """
        now = self._clock.now()

        def body(tx: Tx) -> None:
            place = _place(tx, principal, owner, now, Role.OWNER)
            tokens.delete(tx, _one_of(tx, place, token_id).id)

        await self._database.write(body)


def _place(
    tx: Tx, principal: Principal, owner: Owner, now: datetime, in_group: Role
) -> Scope:
    """Find what tokens belong to, where the caller has the role that is needed."""
    if owner.kind is CredentialKind.PROJECT:
        seen = rights.project_for(tx, principal, owner.reference, now)
        rights.require(principal, seen.access.level, Role.MAINTAINER)
        return Scope(project_id=seen.project.id)
    found = rights.group_for(tx, principal, owner.reference, now)
    rights.require(principal, found.level, in_group)
    return Scope(namespace_id=found.group.id)


def _one_of(tx: Tx, place: Scope, token_id: int) -> Token:
    token = tokens.find(tx, token_id)
    if token is None or token.kind is not _KIND:
        raise NotFoundError
    if Scope(token.project_id, token.namespace_id) != place:
        raise NotFoundError
    return token


def _username_complaints(text: str) -> list[str]:
    if not _USERNAME.fullmatch(text):
        return [_USERNAME_COMPLAINT]
    return length_complaints(text, MAX_NAME_LENGTH)


def _check(wanted: DeployTokenRequest, now: datetime) -> None:
    complaints = only_complaints(
        name=name_complaints(wanted.name),
        scopes=[] if wanted.scopes else [BLANK],
        username=_username_complaints(wanted.username or "_"),
    )
    if wanted.expires_at is not None and wanted.expires_at <= now:
        complaints["expires_at"] = ["must be in the future"]
    if complaints:
        raise ValidationError(**complaints)
