"""Access tokens of projects and groups, each with a bot that it acts as."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import date, datetime

from moorage.domain.access import CredentialKind, Principal, Role
from moorage.domain.accounts import Account
from moorage.domain.errors import ForbiddenError, NotFoundError
from moorage.domain.projects import OwnerKind, Scope
from moorage.domain.tokens import Token
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.minting import (
    MadeToken,
    TokenRequest,
    check_request,
    check_scopes,
    fresh_secret,
    list_page,
    new_token,
    rotate,
)
from moorage.services.pages import Listed, Window
from moorage.services.rights import NumberOrPath
from moorage.store import accounts, members, tokens
from moorage.store.tokens import TokenFilter


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

    @property
    def of(self) -> OwnerKind:
        """Which of the two it is."""
        return "project" if self.kind is CredentialKind.PROJECT else "namespace"


class OwnedTokens:
    """Lists, makes, rotates and revokes them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_of(
        self, principal: Principal, owner: Owner, wanted: TokenFilter, window: Window
    ) -> Listed[tuple[Token, Role]]:
        """Return tokens of a project or group, each with its role.

        Raises:
            NotFoundError: The caller sees no such project or group.
            ForbiddenError: The caller's role is too low.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Listed[tuple[Token, Role]]:
            place = _place(tx, principal, owner, now)
            limited = replace(wanted, of=place.of, owner_id=place.id)
            found = list_page(tx, limited, window, now)
            return found.shown_as(
                [(token, _level(tx, token, now)) for token in found.items]
            )

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
        now, secret = self._clock.now(), fresh_secret(owner.kind)
        name_suffix = secrets.token_hex(16)
        check_request(wanted, now)
        check_scopes(wanted.scopes, admin=False)

        def body(tx: Tx) -> MadeToken:
            place = _place(tx, principal, owner, now)
            if wanted.level > place.level and not principal.admin:
                raise ForbiddenError
            bot = _make_bot(tx, place, wanted, name_suffix, now)
            new = new_token(owner.kind, wanted, secret, bot.id)
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
        now, secret = self._clock.now(), fresh_secret(owner.kind)

        def body(tx: Tx) -> MadeToken:
            place = _place(tx, principal, owner, now)
            token = _one_of(tx, place, token_id)
            made = rotate(tx, token, secret, expires_on, now)
            return replace(made, level=_level(tx, token, now))

        return await self._database.write(body)


def _place(tx: Tx, principal: Principal, owner: Owner, now: datetime) -> _Place:
    if owner.kind is CredentialKind.PROJECT:
        seen = rights.project_for(tx, principal, owner.reference, now)
        rights.require(principal, seen.access.level, Role.MAINTAINER)
        return _Place(owner.kind, seen.project.id, seen.access.level)
    found = rights.group_for(tx, principal, owner.reference, now)
    rights.require(principal, found.level, Role.OWNER)
    return _Place(owner.kind, found.group.id, found.level)


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
        members.put(tx, Scope(project_id=place.id), bot.id, wanted.level, now=now)
    else:
        members.put(tx, Scope(namespace_id=place.id), bot.id, wanted.level, now=now)
    return bot
