"""What every token has in common: its request, its secret, its end, its list."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from moorage.domain.access import CredentialKind, Role
from moorage.domain.errors import UnauthenticatedError, ValidationError
from moorage.domain.members import GRANTABLE
from moorage.domain.texts import (
    BLANK,
    MAX_SHORT_DESCRIPTION_LENGTH,
    length_complaints,
    name_complaints,
    only_complaints,
)
from moorage.domain.tokens import (
    ACCESS_SCOPES,
    ADMIN_SCOPES,
    SECRET_BYTES,
    Token,
    hash_secret,
    spell_secret,
)
from moorage.ports.database import Tx
from moorage.services.pages import Listed, Window, cut
from moorage.store import tokens
from moorage.store.tokens import TokenFilter

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


def list_page(
    tx: Tx, wanted: TokenFilter, window: Window, now: datetime
) -> Listed[Token]:
    """Return tokens, and how many there are."""
    return cut(
        window,
        partial(tokens.list_page, tx, wanted, now=now),
        partial(tokens.count, tx, wanted, now=now),
    )


def fresh_secret(kind: CredentialKind) -> str:
    """Make up the secret of a token."""
    return spell_secret(kind, secrets.token_urlsafe(SECRET_BYTES))


def new_token(
    kind: CredentialKind, wanted: TokenRequest, secret: str, account_id: int
) -> tokens.NewToken:
    """Describe the token that is asked for."""
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


def check_request(wanted: TokenRequest, now: datetime) -> None:
    """Let pass what can be a token, its scopes apart.

    Raises:
        ValidationError: The name, the date or the role is not acceptable.
    """
    complaints = only_complaints(
        name=name_complaints(wanted.name),
        description=length_complaints(wanted.description, MAX_SHORT_DESCRIPTION_LENGTH),
        scopes=[] if wanted.scopes else [BLANK],
    )
    if wanted.expires_on is not None and wanted.expires_on <= now.date():
        complaints["expires_at"] = ["must be a date in the future"]
    if wanted.level not in GRANTABLE:
        complaints["access_level"] = ["is not included in the list"]
    if complaints:
        raise ValidationError(**complaints)


def check_scopes(scopes: Sequence[str], *, admin: bool) -> None:
    """Let pass scopes that a token may carry.

    Raises:
        ValidationError: One is unknown, or not for this account.
    """
    known = {*ACCESS_SCOPES, *(ADMIN_SCOPES if admin else ())}
    if not known.issuperset(scopes):
        raise ValidationError(scopes=["can only contain available scopes"])


def rotate(
    tx: Tx, token: Token, secret: str, expires_on: date | None, now: datetime
) -> MadeToken:
    """Revoke a token and make another like it.

    Raises:
        UnauthenticatedError: It is spent already.
    """
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
