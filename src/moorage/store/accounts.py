"""Accounts: people and bots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from moorage.domain.accounts import Account, AccountState
from moorage.ports.database import Row, Tx
from moorage.ports.query import Query, load
from moorage.store.ids import MAX_ID
from moorage.store.times import from_us, to_us, to_us_or_none

_SQL = load("accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """Which accounts a list is about, and in which order.

    ``search`` is part of a name, in lower case; ids lie between ``above`` and
    ``below``, themselves left out, and what is said of times is counted in.
    ``idle_only`` are those who are no member of a project and have none.
    """

    search: str | None = None
    active: bool | None = None
    state: AccountState | None = None
    admin: bool | None = None
    external: bool | None = None
    bot: bool | None = None
    idle_only: bool = False
    created_after: datetime | None = None
    created_before: datetime | None = None
    above: int = 0
    below: int = MAX_ID
    order_by: Literal["id", "name", "username"] = "id"
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


def set_state(tx: Tx, account_id: int, state: AccountState, *, now: datetime) -> None:
    """Keep somebody out, or let them in again."""
    out = state is not AccountState.ACTIVE
    tx.run(
        _SQL.set_state,
        account_id=account_id,
        blocked_at_us=to_us(now) if out else None,
        blocked_as=state if out else None,
    )


def delete(tx: Tx, account_id: int) -> bool:
    """Remove an account with its tokens and memberships."""
    return tx.run(_SQL.delete, account_id=account_id) == 1


def lock_administrators(tx: Tx) -> list[int]:
    """Return the ids of all who can administer, until this transaction ends."""
    return [row["id"] for row in tx.all(_SQL.administrators)]


def list_page(
    tx: Tx, wanted: AccountFilter, *, limit: int, offset: int
) -> list[Account]:
    """Return accounts."""
    query = _query(
        wanted,
        give="rows",
        order=wanted.order_by,
        direction="asc" if wanted.ascending else "desc",
    )
    rows = tx.all(query, **_conditions(wanted), limit=limit, offset=offset)
    return [from_row(row) for row in rows]


def count(tx: Tx, wanted: AccountFilter, *, limit: int) -> int:
    """Count accounts, up to the limit."""
    query = _query(wanted, give="total", order="id", direction="asc")
    row = tx.one(query, **_conditions(wanted), limit=limit, offset=0)
    return 0 if row is None else row["total"]


def _query(wanted: AccountFilter, **variant: str) -> Query:
    states = {None: "any", True: "active", False: "inactive"}
    return _SQL.variant("list_page", state=states[wanted.active], **variant)


def _conditions(wanted: AccountFilter) -> dict[str, str | int | None]:
    return {
        "search": wanted.search or None,
        "blocked_as": wanted.state,
        "admin": _flag(wanted.admin),
        "external": _flag(wanted.external),
        "bot": _flag(wanted.bot),
        "idle_only": int(wanted.idle_only),
        "created_after_us": to_us_or_none(wanted.created_after),
        "created_before_us": to_us_or_none(wanted.created_before),
        "above": wanted.above,
        "below": wanted.below,
    }


def _flag(wanted: bool | None) -> int | None:
    return None if wanted is None else int(wanted)


def _state(row: Row) -> AccountState:
    if row["blocked_at_us"] is None:
        return AccountState.ACTIVE
    # Earlier releases only block.
    return AccountState(row["blocked_as"] or AccountState.BLOCKED)


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
        state=_state(row),
        created_at=from_us(row["created_at_us"]),
    )
