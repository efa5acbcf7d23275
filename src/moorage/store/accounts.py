"""Accounts: people and bots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.accounts import Account
from moorage.ports.database import Row, Tx
from moorage.ports.query import Query, load
from moorage.store.ids import MAX_ID
from moorage.store.times import from_us, to_us

_SQL = load("accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """Which accounts a list is about, and in which order of their ids.

    ``search`` is part of a name, in lower case; ids lie between ``above`` and
    ``below``, themselves left out.
    """

    search: str | None = None
    active: bool | None = None
    above: int = 0
    below: int = MAX_ID
    ascending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What an account starts with. Without a password it signs in by token only."""

    username: str
    name: str
    email: str
    password_hash: str | None = None
    admin: bool = False
    external: bool = False
    bot: bool = False


def create(tx: Tx, new: NewAccount, *, now: datetime) -> Account:
    """Make an account; its personal namespace is made apart.

    Raises:
        ConflictError: The user name or address is taken.
    """
    now_us = to_us(now)
    row = tx.one(
        _SQL.create,
        username=new.username,
        username_key=new.username.lower(),
        name=new.name,
        email=new.email,
        email_key=new.email.lower(),
        password_hash=new.password_hash,
        admin_at_us=now_us if new.admin else None,
        external_at_us=now_us if new.external else None,
        bot_at_us=now_us if new.bot else None,
        now_us=now_us,
    )
    assert row is not None  # noqa: S101 (INSERT … RETURNING gives a row or raises)
    return from_row(row)


def find(tx: Tx, account_id: int) -> Account | None:
    """Return an account by id."""
    row = tx.one(_SQL.find, account_id=account_id)
    return None if row is None else from_row(row)


def find_by_username(tx: Tx, username: str) -> Account | None:
    """Return an account by user name, in any case."""
    row = tx.one(_SQL.find_by_username, username_key=username.lower())
    return None if row is None else from_row(row)


def find_by_email(tx: Tx, email: str) -> Account | None:
    """Return an account by address, in any case."""
    row = tx.one(_SQL.find_by_email, email_key=email.lower())
    return None if row is None else from_row(row)


def find_login(tx: Tx, login: str) -> tuple[Account, str | None] | None:
    """Return an account and its password's hash, by user name or address."""
    row = tx.one(_SQL.find_by_username, username_key=login.lower()) or tx.one(
        _SQL.find_by_email, email_key=login.lower()
    )
    return None if row is None else (from_row(row), row["password_hash"])


def find_password_hash(tx: Tx, account_id: int) -> str | None:
    """Return the hash of an account's password, if it has one."""
    row = tx.one(_SQL.find, account_id=account_id)
    return None if row is None else row["password_hash"]


def find_many(tx: Tx, account_ids: Sequence[int]) -> dict[int, Account]:
    """Return the accounts that exist, by id."""
    rows = tx.all(_SQL.find_many, account_ids=list(account_ids))
    return {row["id"]: from_row(row) for row in rows}


def update(tx: Tx, account: Account, *, now: datetime) -> None:
    """Save user name, name, address and flags.

    Raises:
        ConflictError: The user name or address is taken.
    """
    tx.run(
        _SQL.update,
        account_id=account.id,
        username=account.username,
        username_key=account.username.lower(),
        name=account.name,
        email=account.email,
        email_key=account.email.lower(),
        admin_at_us=to_us(now) if account.admin else None,
        external_at_us=to_us(now) if account.external else None,
    )


def set_password(tx: Tx, account_id: int, password_hash: str) -> None:
    """Replace the hash of the password."""
    tx.run(_SQL.set_password, account_id=account_id, password_hash=password_hash)


def set_blocked(tx: Tx, account_id: int, blocked_at: datetime | None) -> None:
    """Block, or let in again."""
    blocked_at_us = None if blocked_at is None else to_us(blocked_at)
    tx.run(_SQL.set_blocked, account_id=account_id, blocked_at_us=blocked_at_us)


def delete(tx: Tx, account_id: int) -> bool:
    """Remove an account with its tokens and memberships."""
    return tx.run(_SQL.delete, account_id=account_id) == 1


def lock_administrators(tx: Tx) -> list[int]:
    """Return the ids of all who can administer, until this transaction ends."""
    return [row["id"] for row in tx.all(_SQL.administrators)]


def list_page(
    tx: Tx, wanted: AccountFilter, *, limit: int, offset: int
) -> list[Account]:
    """Return accounts by id."""
    direction = "asc" if wanted.ascending else "desc"
    query = _query(wanted, give="rows", direction=direction)
    rows = tx.all(query, **_conditions(wanted), limit=limit, offset=offset)
    return [from_row(row) for row in rows]


def count(tx: Tx, wanted: AccountFilter, *, limit: int) -> int:
    """Count accounts, up to the limit."""
    query = _query(wanted, give="total", direction="asc")
    row = tx.one(query, **_conditions(wanted), limit=limit, offset=0)
    return 0 if row is None else row["total"]


def _query(wanted: AccountFilter, *, give: str, direction: str) -> Query:
    states = {None: "any", True: "active", False: "blocked"}
    state = states[wanted.active]
    return _SQL.variant("list_page", give=give, state=state, direction=direction)


def _conditions(wanted: AccountFilter) -> dict[str, str | int | None]:
    return {
        "search": wanted.search or None,
        "above": wanted.above,
        "below": wanted.below,
    }


def from_row(row: Row) -> Account:
    """Read an account out of a row that has its columns."""
    return Account(
        id=row["id"],
        username=row["username"],
        name=row["name"],
        email=row["email"],
        admin=row["admin_at_us"] is not None,
        external=row["external_at_us"] is not None,
        bot=row["bot_at_us"] is not None,
        blocked=row["blocked_at_us"] is not None,
        created_at=from_us(row["created_at_us"]),
    )
