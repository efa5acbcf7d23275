"""Deploy tokens: they pull from and push to a project, or all projects of a group."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.access import CredentialKind, Principal, Role
from moorage.domain.errors import NotFoundError, ValidationError
from moorage.domain.tokens import SECRET_BYTES, Token, hash_secret, spell_secret
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.minting import MadeToken
from moorage.services.owned_tokens import Owner
from moorage.store import tokens

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


@dataclass(frozen=True, slots=True)
class _Place:
    """What a deploy token opens: one of the two is given."""

    project_id: int | None = None
    namespace_id: int | None = None


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

    async def list_all(self) -> list[Token]:
        """Return every deploy token there is, oldest first, for administrators."""
        return await self._database.read(tokens.deploy)

    async def list_of(self, principal: Principal, owner: Owner) -> list[Token]:
        """Return the deploy tokens of a project or group, oldest first.

        Raises:
            NotFoundError: The caller sees no such project or group.
            UnauthenticatedError: Nobody signed in.
            ForbiddenError: The caller's role is too low.
        """
        now = self._clock.now()

        def body(tx: Tx) -> list[Token]:
            place = _place(tx, principal, owner, now, Role.MAINTAINER)
            if place.project_id is not None:
                return tokens.of_project(tx, place.project_id, _KIND)
            return tokens.of_namespace(tx, place.namespace_id or 0, _KIND)

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
) -> _Place:
    """Find what tokens belong to, where the caller has the role that is needed."""
    if owner.kind is CredentialKind.PROJECT:
        seen = rights.project_for(tx, principal, owner.reference, now)
        rights.require(principal, seen.access.level, Role.MAINTAINER)
        return _Place(project_id=seen.project.id)
    found = rights.group_for(tx, principal, owner.reference, now)
    rights.require(principal, found.level, in_group)
    return _Place(namespace_id=found.group.id)


def _one_of(tx: Tx, place: _Place, token_id: int) -> Token:
    token = tokens.find(tx, token_id)
    if token is None or token.kind is not _KIND:
        raise NotFoundError
    if _Place(token.project_id, token.namespace_id) != place:
        raise NotFoundError
    return token


def _check(wanted: DeployTokenRequest, now: datetime) -> None:
    complaints: dict[str, list[str]] = {}
    if not wanted.name.strip():
        complaints["name"] = ["can't be blank"]
    if not wanted.scopes:
        complaints["scopes"] = ["can't be blank"]
    if wanted.username is not None and not _USERNAME.fullmatch(wanted.username):
        complaints["username"] = [_USERNAME_COMPLAINT]
    if wanted.expires_at is not None and wanted.expires_at <= now:
        complaints["expires_at"] = ["must be in the future"]
    if complaints:
        raise ValidationError(**complaints)
