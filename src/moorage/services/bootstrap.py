"""The first start: somebody has to be there who can make everybody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from moorage.domain.access import CredentialKind
from moorage.domain.accounts import Account, AccountState
from moorage.domain.tokens import hash_secret
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import accounts, namespaces, secrets, tokens
from moorage.store.times import to_us

ROOT = accounts.NewAccount(
    username="root", name="Administrator", email="admin@example.com", admin=True
)

_REMEMBERED = "bootstrap_token"


async def bootstrap(database: Database, clock: Clock, root_token: str) -> bool:
    """Make sure that ``root`` exists and that this token is its own.

    A token given at an earlier start stops working when another is given. Who was
    blocked, is no administrator any more or lost the token is let in again. Processes
    that start together wait for one another. Returns whether an account was made.
    """
    now, secret_hash = clock.now(), hash_secret(root_token)

    def body(tx: Tx) -> bool:
        earlier = secrets.obtain(tx, _REMEMBERED, b"", now=now).decode()
        root = _find_root(tx, earlier)
        if earlier == secret_hash and root and _is_good(tx, root, secret_hash, now):
            return False
        account = _made_good(tx, root, now) if root else _make_root(tx, now)
        for stale in (earlier, secret_hash):
            tokens.delete_by_secret(tx, stale)
        _make_token(tx, account, secret_hash, now)
        secrets.replace(tx, _REMEMBERED, secret_hash.encode())
        return root is None

    return await database.write(body)


async def is_bootstrapped(database: Database) -> bool:
    """Whether there is an administrator already."""
    root = await database.read(lambda tx: accounts.find_by_username(tx, ROOT.username))
    return root is not None


def _find_root(tx: Tx, remembered: str) -> Account | None:
    """Find the account that a start made, which may be called otherwise by now."""
    token = tokens.find_by_secret(tx, remembered)
    owner = accounts.find(tx, token.account_id or 0) if token else None
    return owner or accounts.find_by_username(tx, ROOT.username)


def _is_good(tx: Tx, root: Account, secret_hash: str, now: datetime) -> bool:
    token = tokens.find_by_secret(tx, secret_hash)
    if token is None or token.revoked_at is not None or token.expired(now):
        return False
    return root.admin and not root.blocked


def _made_good(tx: Tx, root: Account, now: datetime) -> Account:
    account = replace(root, admin=True, state=AccountState.ACTIVE)
    accounts.update(tx, account, now=now)
    accounts.set_state(tx, account.id, account.state, now=now)
    return account


def _make_root(tx: Tx, now: datetime) -> Account:
    new = ROOT
    if accounts.find_by_email(tx, ROOT.email) is not None:
        new = replace(ROOT, email=f"root+{to_us(now)}@example.com")
    account = accounts.create(tx, new, now=now)
    namespaces.create_personal(tx, account, now=now)
    return account


def _make_token(tx: Tx, account: Account, secret_hash: str, now: datetime) -> None:
    new = tokens.NewToken(
        kind=CredentialKind.PERSONAL,
        secret_hash=secret_hash,
        account_id=account.id,
        name="root token",
        scopes=("api",),
    )
    tokens.create(tx, new, now=now)
