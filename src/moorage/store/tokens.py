"""Tokens of every kind, found by the hash of their secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from moorage.domain.access import CredentialKind
from moorage.domain.tokens import Token
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.times import from_us, from_us_or_none, to_us, to_us_or_none

_SQL = load("tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What a token is made of."""

    kind: CredentialKind
    secret_hash: str
    name: str
    scopes: tuple[str, ...]
    account_id: int | None = None
    project_id: int | None = None
    namespace_id: int | None = None
    username: str | None = None
    description: str = ""
    expires_at: datetime | None = None


def create(tx: Tx, new: NewToken, *, now: datetime) -> Token:
    """Make a token.

    Raises:
        ConflictError: Another token has that secret.
    """
    row = tx.one(
        _SQL.create,
        kind=new.kind,
        secret_hash=new.secret_hash,
        account_id=new.account_id,
        project_id=new.project_id,
        namespace_id=new.namespace_id,
        username=new.username,
        name=new.name,
        description=new.description,
        scopes=" ".join(new.scopes),
        expires_at_us=to_us_or_none(new.expires_at),
        now_us=to_us(now),
    )
    assert row is not None  # noqa: S101 (INSERT … RETURNING gives a row or raises)
    return from_row(row)


def find_by_secret(tx: Tx, secret_hash: str) -> Token | None:
    """Return the token with this secret, also when it is expired or revoked."""
    row = tx.one(_SQL.find_by_secret, secret_hash=secret_hash)
    return None if row is None else from_row(row)


def find(tx: Tx, token_id: int) -> Token | None:
    """Return a token by id."""
    row = tx.one(_SQL.find, token_id=token_id)
    return None if row is None else from_row(row)


def of_account(tx: Tx, account_id: int) -> list[Token]:
    """Return an account's personal tokens, oldest first."""
    return [from_row(row) for row in tx.all(_SQL.of_account, account_id=account_id)]


def of_project(tx: Tx, project_id: int, kind: CredentialKind) -> list[Token]:
    """Return a project's tokens of one kind, oldest first."""
    rows = tx.all(_SQL.of_project, project_id=project_id, kind=kind)
    return [from_row(row) for row in rows]


def of_namespace(tx: Tx, namespace_id: int, kind: CredentialKind) -> list[Token]:
    """Return a group's tokens of one kind, oldest first."""
    rows = tx.all(_SQL.of_namespace, namespace_id=namespace_id, kind=kind)
    return [from_row(row) for row in rows]


def personal(tx: Tx) -> list[Token]:
    """Return everybody's personal tokens, oldest first."""
    return [from_row(row) for row in tx.all(_SQL.personal)]


def deploy(tx: Tx) -> list[Token]:
    """Return the deploy tokens of all projects and groups, oldest first."""
    return [from_row(row) for row in tx.all(_SQL.deploy)]


def touch(tx: Tx, token_id: int, *, now: datetime, unless_after: datetime) -> bool:
    """Note that a token is used, unless that was noted after a given time."""
    touched = tx.run(
        _SQL.touch,
        token_id=token_id,
        now_us=to_us(now),
        unless_after_us=to_us(unless_after),
    )
    return touched == 1


def revoke(tx: Tx, token_id: int, *, now: datetime) -> bool:
    """Take a token back; return whether it was good until now."""
    return tx.run(_SQL.revoke, token_id=token_id, now_us=to_us(now)) == 1


def delete(tx: Tx, token_id: int) -> bool:
    """Forget a token altogether."""
    return tx.run(_SQL.delete, token_id=token_id) == 1


def delete_by_secret(tx: Tx, secret_hash: str) -> bool:
    """Forget a token altogether."""
    return tx.run(_SQL.delete_by_secret, secret_hash=secret_hash) == 1


def from_row(row: Row) -> Token:
    """Read a token out of a row that has its columns."""
    return Token(
        id=row["id"],
        kind=CredentialKind(row["kind"]),
        account_id=row["account_id"],
        project_id=row["project_id"],
        namespace_id=row["namespace_id"],
        username=row["username"],
        name=row["name"],
        description=row["description"],
        scopes=tuple(row["scopes"].split()),
        expires_at=from_us_or_none(row["expires_at_us"]),
        revoked_at=from_us_or_none(row["revoked_at_us"]),
        last_used_at=from_us_or_none(row["last_used_at_us"]),
        created_at=from_us(row["created_at_us"]),
    )
