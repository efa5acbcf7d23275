"""Tokens of every kind, found by the hash of their secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from moorage.domain.access import CredentialKind
from moorage.domain.tokens import Token
from moorage.ports.database import Row, Tx
from moorage.ports.query import Query, load
from moorage.store.times import from_us, from_us_or_none, to_us, to_us_or_none

_SQL = load("tokens")


TokenOrder: TypeAlias = Literal["id", "name", "expires_at", "last_used_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFilter:
    """Which tokens of one kind a list is about, and in which order.

    ``of`` says whose number ``owner_id`` is. ``search`` is part of a name, in lower
    case. The bounds of times count as between them, but for ``expires_before``.
    """

    kind: CredentialKind
    of: Literal["everybody", "account", "project", "namespace"] = "everybody"
    owner_id: int = 0
    search: str | None = None
    active: bool | None = None
    revoked: bool | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    last_used_after: datetime | None = None
    last_used_before: datetime | None = None
    expires_after: datetime | None = None
    expires_before: datetime | None = None
    order_by: TokenOrder = "id"
    ascending: bool = True


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


def list_page(
    tx: Tx, wanted: TokenFilter, *, now: datetime, limit: int, offset: int
) -> list[Token]:
    """Return tokens."""
    query = _query(
        wanted,
        give="rows",
        order=wanted.order_by,
        direction="asc" if wanted.ascending else "desc",
    )
    conditions = _conditions(wanted, now)
    return [
        from_row(row) for row in tx.all(query, **conditions, limit=limit, offset=offset)
    ]


def count(tx: Tx, wanted: TokenFilter, *, now: datetime, limit: int) -> int:
    """Count what ``list_page`` lists, up to the limit."""
    query = _query(wanted, give="total", order="id", direction="asc")
    row = tx.one(query, **_conditions(wanted, now), limit=limit, offset=0)
    return 0 if row is None else row["total"]


def _query(wanted: TokenFilter, **variant: str) -> Query:
    return _SQL.variant("list_page", of=wanted.of, **variant)


def _conditions(wanted: TokenFilter, now: datetime) -> dict[str, str | int | None]:
    return {
        "kind": wanted.kind,
        "owner_id": wanted.owner_id,
        "now_us": to_us(now),
        "search": wanted.search or None,
        "active": None if wanted.active is None else int(wanted.active),
        "revoked": None if wanted.revoked is None else int(wanted.revoked),
        "created_after_us": to_us_or_none(wanted.created_after),
        "created_before_us": to_us_or_none(wanted.created_before),
        "last_used_after_us": to_us_or_none(wanted.last_used_after),
        "last_used_before_us": to_us_or_none(wanted.last_used_before),
        "expires_after_us": to_us_or_none(wanted.expires_after),
        "expires_before_us": to_us_or_none(wanted.expires_before),
    }


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
