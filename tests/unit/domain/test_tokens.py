from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from moorage.domain.access import CredentialKind
from moorage.domain.tokens import PREFIXES, Token, hash_secret, spell_secret

NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)


def a_token(
    *, expires_at: datetime | None = None, revoked_at: datetime | None = None
) -> Token:
    return Token(
        id=1,
        kind=CredentialKind.PERSONAL,
        account_id=1,
        project_id=None,
        namespace_id=None,
        username=None,
        name="x",
        description="",
        scopes=("api",),
        expires_at=expires_at,
        revoked_at=revoked_at,
        last_used_at=None,
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("expires_in", "expired"),
    [(None, False), (timedelta(seconds=1), False), (timedelta(), True)],
)
def test_a_token_expires_at_its_time(
    expires_in: timedelta | None, *, expired: bool
) -> None:
    token = a_token(expires_at=None if expires_in is None else NOW + expires_in)
    assert token.expired(NOW) is expired
    assert token.active(NOW) is not expired


def test_a_revoked_token_is_not_active() -> None:
    assert not a_token(revoked_at=NOW).active(NOW)


@pytest.mark.parametrize("kind", list(PREFIXES))
def test_a_secret_begins_with_what_scanners_know(kind: CredentialKind) -> None:
    assert spell_secret(kind, "random").startswith("gl")


def test_a_secret_is_kept_as_its_hash() -> None:
    assert hash_secret("abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert hash_secret("\ud800") != hash_secret("")
