"""Refresh tokens: what a client keeps instead of the password it signed in with."""

from __future__ import annotations

import hashlib
from typing import Any

import jwt

from moorage.domain.access import Principal
from moorage.domain.errors import TokenInvalidError
from moorage.ports.clock import Clock
from moorage.services.identity import Identity
from moorage.services.registry_tokens import ISSUER

AUDIENCE = "refresh"
"""Not the registry's: a refresh token opens nothing but the token service."""

_ALGORITHM = "HS256"


class RefreshTokens:
    """Signs and redeems. Nothing is stored.

    A refresh token is worth what the credentials behind it are worth now: it names the
    access token that its bearer signed in with, or carries a mark of the password. It
    ends when that token is revoked or expires, when the password changes, and when the
    account is blocked.
    """

    def __init__(self, secret: bytes, clock: Clock, identity: Identity) -> None:
        self._secret = secret
        self._clock = clock
        self._identity = identity

    async def issue(self, principal: Principal) -> str | None:
        """Sign a token for somebody who just signed in; nobody gets none."""
        if principal.account_id is None:
            return None
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": int(self._clock.now().timestamp()),
            "account": principal.account_id,
            "token": principal.token_id,
        }
        if principal.token_id is None:
            kept = await self._identity.password_hash(principal.account_id)
            claims["password"] = _mark(kept or "")
        return jwt.encode(claims, self._secret, _ALGORITHM)

    async def redeem(self, text: str) -> Principal:
        """Return who the token was given to, with the rights they have now.

        Raises:
            UnauthenticatedError: Forged or malformed, or what is behind it has ended.
            BlockedUserError: The account was blocked.
        """
        claims = self._decode(text)
        account_id, token_id = claims["account"], claims["token"]
        if token_id is not None:
            return await self._identity.readmit_token(token_id)
        kept = await self._identity.password_hash(account_id)
        if kept is None or _mark(kept) != claims["password"]:
            raise TokenInvalidError
        return await self._identity.readmit_account(account_id)

    def _decode(self, text: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                text,
                self._secret,
                [_ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise TokenInvalidError from error
        return claims


def _mark(password_hash: str) -> str:
    """Tell one password from the next; the hash that it is made of is salted."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:32]
