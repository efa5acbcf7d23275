"""Personal access tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from moorage.domain.access import CredentialKind, Principal
from moorage.domain.errors import (
    NotFoundError,
    UnauthenticatedError,
    UserUnknownError,
)
from moorage.domain.tokens import Token
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
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
from moorage.services.owned_tokens import OwnedTokens
from moorage.services.pages import Listed, Window
from moorage.store import accounts, tokens
from moorage.store.tokens import TokenFilter


class Tokens:
    """Lists, makes, rotates and revokes access tokens.

    ``owned`` does that for projects and groups.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.owned = OwnedTokens(database, clock)

    def is_active(self, token: Token) -> bool:
        """Whether a token opens anything now."""
        return token.active(self._clock.now())

    async def list_personal(
        self,
        principal: Principal,
        account_id: int | None,
        wanted: TokenFilter,
        window: Window,
    ) -> Listed[Token]:
        """Return somebody's tokens; everybody's for an administrator.

        Raises:
            UnauthenticatedError: They are somebody else's.
        """
        if not principal.admin:
            if account_id not in (None, principal.account_id):
                raise UnauthenticatedError
            account_id = _account_of(principal)
        if account_id is not None:
            wanted = replace(wanted, of="account", owner_id=account_id)
        now = self._clock.now()
        return await self._database.read(lambda tx: list_page(tx, wanted, window, now))

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
        now, secret = self._clock.now(), fresh_secret(CredentialKind.PERSONAL)
        check_request(wanted, now)

        def body(tx: Tx) -> MadeToken:
            account = accounts.find(tx, account_id)
            if account is None:
                raise UserUnknownError
            check_scopes(wanted.scopes, admin=account.admin)
            new = new_token(CredentialKind.PERSONAL, wanted, secret, account.id)
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
        now, secret = self._clock.now(), fresh_secret(CredentialKind.PERSONAL)
        return await self._database.write(
            lambda tx: rotate(
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
        secret = fresh_secret(token.kind)
        return await self._database.write(
            lambda tx: rotate(tx, token, secret, expires_on, now)
        )


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
