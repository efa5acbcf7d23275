"""The first start: somebody has to be there who can make everybody else."""

from __future__ import annotations

from datetime import datetime

from moorage.domain.access import CredentialKind
from moorage.domain.accounts import Account
from moorage.domain.tokens import hash_secret
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import accounts, namespaces, secrets, tokens

ROOT = accounts.NewAccount(
    username="root", name="Administrator", email="admin@example.com", admin=True
)

_REMEMBERED = "bootstrap_token"


async def bootstrap(database: Database, clock: Clock, root_token: str) -> bool:
    """Make sure that ``root`` exists and that this token is its own.

    A token given at an earlier start stops working when another is given. Processes
    that start together wait for one another. Returns whether this was the first start.
    """
    now, secret_hash = clock.now(), hash_secret(root_token)

    def body(tx: Tx) -> bool:
        earlier = secrets.obtain(tx, _REMEMBERED, b"", now=now).decode()
        if earlier == secret_hash:
            return False
        root = accounts.find_by_username(tx, ROOT.username)
        account = root or _make_root(tx, now)
        if earlier:
            tokens.delete_by_secret(tx, earlier)
        if tokens.find_by_secret(tx, secret_hash) is None:
            _make_token(tx, account, secret_hash, now)
        secrets.replace(tx, _REMEMBERED, secret_hash.encode())
        return root is None

    return await database.write(body)


async def is_bootstrapped(database: Database) -> bool:
    """Whether there is an administrator already."""
    root = await database.read(lambda tx: accounts.find_by_username(tx, ROOT.username))
    return root is not None


def _make_root(tx: Tx, now: datetime) -> Account:
    account = accounts.create(tx, ROOT, now=now)
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
