"""Signing in with a password, and going on with what a browser keeps."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from moorage.domain.access import ANONYMOUS, CredentialKind, Principal
from moorage.domain.errors import UnauthenticatedError
from moorage.domain.tokens import SECRET_BYTES, hash_secret
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services.identity import Identity
from moorage.store import sessions
from moorage.store.sessions import Session

LIFETIME = timedelta(days=7)
"""Source: GitLab's default session duration."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session with its secret, which only the cookie holds.

    ``csrf_token`` goes with every request that changes something: a page of another
    site can have a browser send the cookie, and cannot know this.
    """

    secret: str
    account_id: int
    expires_at: datetime

    @property
    def csrf_token(self) -> str:
        """Derive it from the secret, which it does not tell."""
        return hashlib.sha256(f"csrf:{self.secret}".encode()).hexdigest()


class Sessions:
    """Begins, resumes and ends sessions."""

    def __init__(self, database: Database, clock: Clock, identity: Identity) -> None:
        self._database = database
        self._clock = clock
        self._identity = identity

    async def begin(self, login: str, password: str) -> OpenSession:
        """Sign somebody in by user name or address, and password.

        Raises:
            UnauthenticatedError: Wrong; an access token is no password here.
            BlockedUserError: The account was blocked.
        """
        principal = await self._identity.authenticate_basic(login, password)
        if principal.kind is not CredentialKind.PASSWORD:
            raise UnauthenticatedError
        now, secret = self._clock.now(), secrets.token_urlsafe(SECRET_BYTES)
        session = Session(principal.account_id or 0, now + LIFETIME)

        def body(tx: Tx) -> None:
            sessions.delete_expired(tx, now=now)
            sessions.create(tx, hash_secret(secret), session, now=now)

        await self._database.write(body)
        return OpenSession(secret, session.account_id, session.expires_at)

    async def find(self, secret: str) -> OpenSession | None:
        """Return a session that lasts still, by its secret."""
        now, secret_hash = self._clock.now(), hash_secret(secret)
        found = await self._database.quick(
            lambda tx: sessions.find(tx, secret_hash, now=now)
        )
        if found is None:
            return None
        return OpenSession(secret, found.account_id, found.expires_at)

    async def resume(
        self, secret: str, csrf_token: str | None, *, reads: bool
    ) -> Principal:
        """Return who goes on with a session; nobody if it is none or ended.

        Who does more than read needs the session's token against forgery: without it
        they are nobody.

        Raises:
            BlockedUserError: The account was blocked.
        """
        session = await self.find(secret)
        if session is None:
            return ANONYMOUS
        given = (csrf_token or "").encode()
        if not reads and not secrets.compare_digest(given, session.csrf_token.encode()):
            return ANONYMOUS
        return await self._identity.readmit_account(session.account_id)

    async def end(self, secret: str) -> None:
        """Sign out."""
        secret_hash = hash_secret(secret)
        await self._database.write(lambda tx: sessions.delete(tx, secret_hash))
