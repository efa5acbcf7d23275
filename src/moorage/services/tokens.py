"""Access tokens: personal ones, and those of projects and groups."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from moorage.domain.access import CredentialKind, Principal, Role
from moorage.domain.accounts import Account
from moorage.domain.errors import (
    ForbiddenError,
    NotFoundError,
    UnauthenticatedError,
    UserUnknownError,
    ValidationError,
)
from moorage.domain.members import GRANTABLE
from moorage.domain.tokens import (
    ACCESS_SCOPES,
    ADMIN_SCOPES,
    SECRET_BYTES,
    Token,
    hash_secret,
    spell_secret,
)
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.rights import NumberOrPath
from moorage.store import accounts, members, tokens

ROTATED_LIFETIME = timedelta(days=7)
"""How long a rotated token lives when nothing else is asked for.

Source: GitLab docs, "Personal access tokens API", "Rotate a personal access token".
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What a new token shall be. ``expires_on`` is the first day without it."""

    name: str
    scopes: Sequence[str]
    description: str = ""
    expires_on: date | None = None
    level: Role = Role.MAINTAINER


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A new token with its secret, which nobody can see again."""

    token: Token
    secret: str
    level: Role | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """The project or group that tokens belong to."""

    kind: CredentialKind
    reference: NumberOrPath


@dataclass(frozen=True, slots=True)
class _Place:
    """An owner, found, and the caller's role there."""

    kind: CredentialKind
    id: int
    level: Role


class Tokens:
    """Lists, makes, rotates and revokes access tokens."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def is_active(self, token: Token) -> bool:
        """Whether a token opens anything now."""
        return token.active(self._clock.now())

    # Personal

    async def list_personal(
        self, principal: Principal, account_id: int | None
    ) -> list[Token]:
        """Return somebody's tokens, oldest first; everybody's for an administrator.

        Raises:
            UnauthenticatedError: They are somebody else's.
        """
        if not principal.admin:
            if account_id not in (None, principal.account_id):
                raise UnauthenticatedError
            account_id = _account_of(principal)
        wanted = account_id
        if wanted is None:
            return await self._database.read(tokens.personal)
        return await self._database.read(lambda tx: tokens.of_account(tx, wanted))

    async def own(self, principal: Principal) -> Token:
        """Return the token that the caller signed in with.

        Raises:
            UnauthenticatedError: They did not use one.
        """
        token_id = principal.token_id
        if token_id is None:
            raise UnauthenticatedError
        token = await self._database.quick(lambda tx: tokens.find(tx, token_id))
        if token is None:
            raise UnauthenticatedError
        return token

    async def get_personal(self, principal: Principal, token_id: int) -> Token:
        """Return a personal token.

        Raises:
            UnauthenticatedError: It is not the caller's, or does not exist.
            NotFoundError: It does not exist, for an administrator.
        """
        return await self._database.quick(lambda tx: _personal(tx, principal, token_id))

    async def create_personal(self, account_id: int, wanted: TokenRequest) -> MadeToken:
        """Make a token for somebody. Whether the caller may is checked before.

        Raises:
            UserUnknownError: There is no such account.
            ValidationError: A scope or the date is not acceptable.
        """
        now, secret = self._clock.now(), _fresh_secret(CredentialKind.PERSONAL)
        _check(wanted, now)

        def body(tx: Tx) -> MadeToken:
            account = accounts.find(tx, account_id)
            if account is None:
                raise UserUnknownError
            _check_scopes(wanted.scopes, admin=account.admin)
            new = _new(CredentialKind.PERSONAL, wanted, secret, account.id)
            return MadeToken(tokens.create(tx, new, now=now), secret)

        return await self._database.write(body)

    async def revoke_personal(self, principal: Principal, token_id: int) -> None:
        """Take a token back; the caller's own or, for administrators, any.

        Raises:
            UnauthenticatedError: It is not the caller's, or does not exist.
            NotFoundError: It does not exist, for an administrator.
        """
        now = self._clock.now()

        def body(tx: Tx) -> None:
            tokens.revoke(tx, _personal(tx, principal, token_id).id, now=now)

        await self._database.write(body)

    async def revoke_own(self, principal: Principal) -> None:
        """Take back the token that the caller signed in with, of whatever kind.

        Raises:
            UnauthenticatedError: They did not use one.
        """
        token, now = await self.own(principal), self._clock.now()
        await self._database.write(lambda tx: tokens.revoke(tx, token.id, now=now))

    async def rotate_personal(
        self, principal: Principal, token_id: int, expires_on: date | None
    ) -> MadeToken:
        """Revoke a token and make another like it.

        Raises:
            UnauthenticatedError: It is not the caller's, does not exist, or is spent.
            NotFoundError: It does not exist, for an administrator.
        """
        now, secret = self._clock.now(), _fresh_secret(CredentialKind.PERSONAL)
        return await self._database.write(
            lambda tx: _rotate(
                tx, _personal(tx, principal, token_id), secret, expires_on, now
            )
        )

    async def rotate_own(
        self, principal: Principal, expires_on: date | None
    ) -> MadeToken:
        """Do the same with the token that the caller signed in with.

        Raises:
            UnauthenticatedError: They did not use one.
        """
        token, now = await self.own(principal), self._clock.now()
        secret = _fresh_secret(token.kind)
        return await self._database.write(
            lambda tx: _rotate(tx, token, secret, expires_on, now)
        )

    # Of projects and groups

    async def list_of(
        self, principal: Principal, owner: Owner
    ) -> list[tuple[Token, Role]]:
        """Return the tokens of a project or group, each with its role.

        Raises:
            NotFoundError: The caller sees no such project or group.
            ForbiddenError: The caller's role is too low.
        """
        now = self._clock.now()

        def body(tx: Tx) -> list[tuple[Token, Role]]:
            place = _place(tx, principal, owner, now)
            return [(token, _level(tx, token, now)) for token in _of(tx, place)]

        return await self._database.read(body)

    async def get_of(
        self, principal: Principal, owner: Owner, token_id: int
    ) -> tuple[Token, Role]:
        """Return one of them.

        Raises:
            NotFoundError: It is not among them, or as for ``list_of``.
            ForbiddenError: The caller's role is too low.
        """
        now = self._clock.now()

        def body(tx: Tx) -> tuple[Token, Role]:
            token = _one_of(tx, _place(tx, principal, owner, now), token_id)
            return token, _level(tx, token, now)

        return await self._database.quick(body)

    async def create_of(
        self, principal: Principal, owner: Owner, wanted: TokenRequest
    ) -> MadeToken:
        """Make a token for a project or group, with a bot that it acts as.

        Raises:
            NotFoundError: The caller sees no such project or group.
            ForbiddenError: The caller's role is too low, or below the token's.
            ValidationError: A scope, the role or the date is not acceptable.
        """
        now, secret = self._clock.now(), _fresh_secret(owner.kind)
        name_suffix = secrets.token_hex(16)
        _check(wanted, now)
        _check_scopes(wanted.scopes, admin=False)

        def body(tx: Tx) -> MadeToken:
            place = _place(tx, principal, owner, now)
            if wanted.level > place.level and not principal.admin:
                raise ForbiddenError
            bot = _make_bot(tx, place, wanted, name_suffix, now)
            new = _new(owner.kind, wanted, secret, bot.id)
            if place.kind is CredentialKind.PROJECT:
                new = replace(new, project_id=place.id)
            else:
                new = replace(new, namespace_id=place.id)
            return MadeToken(tokens.create(tx, new, now=now), secret, wanted.level)

        return await self._database.write(body)

    async def revoke_of(
        self, principal: Principal, owner: Owner, token_id: int
    ) -> None:
        """Take one of them back.

        Raises:
            NotFoundError: It is not among them, or as for ``list_of``.
            ForbiddenError: The caller's role is too low.
        """
        now = self._clock.now()

        def body(tx: Tx) -> None:
            place = _place(tx, principal, owner, now)
            tokens.revoke(tx, _one_of(tx, place, token_id).id, now=now)

        await self._database.write(body)

    async def rotate_of(
        self,
        principal: Principal,
        owner: Owner,
        token_id: int,
        expires_on: date | None,
    ) -> MadeToken:
        """Revoke one of them and make another like it.

        Raises:
            NotFoundError: It is not among them, or as for ``list_of``.
            ForbiddenError: The caller's role is too low.
        """
        now, secret = self._clock.now(), _fresh_secret(owner.kind)

        def body(tx: Tx) -> MadeToken:
            place = _place(tx, principal, owner, now)
            token = _one_of(tx, place, token_id)
            made = _rotate(tx, token, secret, expires_on, now)
            return replace(made, level=_level(tx, token, now))

        return await self._database.write(body)


def _fresh_secret(kind: CredentialKind) -> str:
    return spell_secret(kind, secrets.token_urlsafe(SECRET_BYTES))


def _account_of(principal: Principal) -> int:
    if principal.account_id is None:
        raise UnauthenticatedError
    return principal.account_id


def _personal(tx: Tx, principal: Principal, token_id: int) -> Token:
    token = tokens.find(tx, token_id)
    if token is not None and token.kind is CredentialKind.PERSONAL:
        if principal.admin or token.account_id == _account_of(principal):
            return token
    elif principal.admin:
        raise NotFoundError
    raise UnauthenticatedError


def _new(
    kind: CredentialKind, wanted: TokenRequest, secret: str, account_id: int
) -> tokens.NewToken:
    return tokens.NewToken(
        kind=kind,
        secret_hash=hash_secret(secret),
        account_id=account_id,
        name=wanted.name,
        description=wanted.description,
        scopes=tuple(dict.fromkeys(wanted.scopes)),
        expires_at=_midnight(wanted.expires_on),
    )


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


def _check(wanted: TokenRequest, now: datetime) -> None:
    complaints: dict[str, list[str]] = {}
    if not wanted.name.strip():
        complaints["name"] = ["can't be blank"]
    if not wanted.scopes:
        complaints["scopes"] = ["can't be blank"]
    if wanted.expires_on is not None and wanted.expires_on <= now.date():
        complaints["expires_at"] = ["must be a date in the future"]
    if wanted.level not in GRANTABLE:
        complaints["access_level"] = ["is not included in the list"]
    if complaints:
        raise ValidationError(**complaints)


def _check_scopes(scopes: Sequence[str], *, admin: bool) -> None:
    known = {*ACCESS_SCOPES, *(ADMIN_SCOPES if admin else ())}
    if not known.issuperset(scopes):
        raise ValidationError(scopes=["can only contain available scopes"])


def _rotate(
    tx: Tx, token: Token, secret: str, expires_on: date | None, now: datetime
) -> MadeToken:
    if not token.active(now):
        raise UnauthenticatedError
    tokens.revoke(tx, token.id, now=now)
    new = tokens.NewToken(
        kind=token.kind,
        secret_hash=hash_secret(secret),
        account_id=token.account_id,
        project_id=token.project_id,
        namespace_id=token.namespace_id,
        name=token.name,
        description=token.description,
        scopes=token.scopes,
        expires_at=_midnight(expires_on or (now + ROTATED_LIFETIME).date()),
    )
    return MadeToken(tokens.create(tx, new, now=now), secret)


def _place(tx: Tx, principal: Principal, owner: Owner, now: datetime) -> _Place:
    if owner.kind is CredentialKind.PROJECT:
        seen = rights.project_for(tx, principal, owner.reference, now)
        rights.require(principal, seen.access.level, Role.MAINTAINER)
        return _Place(owner.kind, seen.project.id, seen.access.level)
    found = rights.group_for(tx, principal, owner.reference, now)
    rights.require(principal, found.level, Role.OWNER)
    return _Place(owner.kind, found.group.id, found.level)


def _of(tx: Tx, place: _Place) -> list[Token]:
    if place.kind is CredentialKind.PROJECT:
        return tokens.of_project(tx, place.id, place.kind)
    return tokens.of_namespace(tx, place.id, place.kind)


def _one_of(tx: Tx, place: _Place, token_id: int) -> Token:
    token = tokens.find(tx, token_id)
    if token is None or token.kind is not place.kind:
        raise NotFoundError
    if place.id not in (token.project_id, token.namespace_id):
        raise NotFoundError
    return token


def _level(tx: Tx, token: Token, now: datetime) -> Role:
    if token.account_id is None:
        return Role.NONE
    if token.project_id is not None:
        found = members.direct_levels(tx, [token.project_id], token.account_id, now)
        return found.get(token.project_id, Role.NONE)
    if token.namespace_id is None:
        return Role.NONE
    return members.group_level(tx, token.namespace_id, token.account_id, now)


def _make_bot(
    tx: Tx, place: _Place, wanted: TokenRequest, suffix: str, now: datetime
) -> Account:
    username = f"{place.kind}_{place.id}_bot_{suffix}"
    new = accounts.NewAccount(
        username=username,
        name=wanted.name,
        email=f"{username}@noreply.invalid",
        bot=True,
    )
    bot = accounts.create(tx, new, now=now)
    if place.kind is CredentialKind.PROJECT:
        members.put_in_project(tx, place.id, bot.id, wanted.level, now=now)
    else:
        members.put_in_group(tx, place.id, bot.id, wanted.level, now=now)
    return bot
