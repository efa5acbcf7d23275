from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.access import ANONYMOUS, CredentialKind, Role
from moorage.domain.accounts import AccountState
from moorage.domain.errors import (
    BlockedUserError,
    TokenExpiredError,
    TokenRevokedError,
    UnauthenticatedError,
)
from moorage.domain.projects import Scope
from moorage.domain.tokens import hash_secret, spell_secret
from moorage.services.bootstrap import bootstrap, is_bootstrapped
from moorage.services.identity import Identity
from moorage.store import accounts, members, tokens
from moorage.store.tokens import TokenFilter
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from moorage.domain.accounts import Account
    from moorage.ports.database import Database, Tx

SECRET = "glpat-a-secret-of-somebody"


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture
def identity(database: Database, clock: FrozenClock) -> Identity:
    return Identity(database, clock)


async def somebody(database: Database, **token: object) -> Account:
    def body(tx: Tx) -> Account:
        account = rows.an_account(tx, "jane")
        new = replace(rows.a_token(account), secret_hash=hash_secret(SECRET))
        tokens.create(tx, replace(new, **token), now=NOW)  # type: ignore[arg-type]
        return account

    return await database.write(body)


async def test_a_token_stands_for_its_account(
    database: Database, identity: Identity
) -> None:
    account = await somebody(database)
    principal = await identity.authenticate_token(SECRET)
    assert principal.account_id == account.id
    assert principal.kind is CredentialKind.PERSONAL
    assert principal.scopes == {"api"}
    assert await identity.authenticate_basic("anything", SECRET) == principal


@pytest.mark.parametrize("secret", ["", "glpat-wrong", "\ud800", "x\0"])
async def test_a_wrong_secret_is_nobody_s(
    database: Database, identity: Identity, secret: str
) -> None:
    await somebody(database)
    with pytest.raises(UnauthenticatedError):
        await identity.authenticate_token(secret)
    with pytest.raises(UnauthenticatedError):
        await identity.authenticate_basic("jane", secret)


async def test_a_deploy_token_is_no_access_token(
    database: Database, identity: Identity
) -> None:
    await somebody(database, kind=CredentialKind.DEPLOY)
    with pytest.raises(UnauthenticatedError):
        await identity.authenticate_token(SECRET)


async def test_a_token_ends(
    database: Database, identity: Identity, clock: FrozenClock
) -> None:
    await somebody(database, expires_at=NOW + timedelta(days=1))
    await identity.authenticate_token(SECRET)
    clock.advance(timedelta(days=1))
    with pytest.raises(TokenExpiredError):
        await identity.authenticate_token(SECRET)


async def test_a_revoked_token_is_refused(
    database: Database, identity: Identity
) -> None:
    account = await somebody(database)

    def body(tx: Tx) -> None:
        wanted = TokenFilter(
            kind=CredentialKind.PERSONAL, of="account", owner_id=account.id
        )
        (token,) = tokens.list_page(tx, wanted, now=NOW, limit=2, offset=0)
        tokens.revoke(tx, token.id, now=NOW)

    await database.write(body)
    with pytest.raises(TokenRevokedError):
        await identity.authenticate_basic("jane", SECRET)


async def test_a_password_opens_by_name_and_by_address(
    database: Database, identity: Identity
) -> None:
    account = await somebody(database)
    password_hash = await identity.hash_password("open sesame")
    await database.write(
        lambda tx: accounts.set_password(tx, account.id, password_hash)
    )
    for login in ("JANE", "jane@example.com"):
        principal = await identity.authenticate_basic(login, "open sesame")
        assert principal.account_id == account.id
        assert principal.kind is CredentialKind.PASSWORD
        assert principal.has_scope("anything")
    for login, password in (
        ("jane", "wrong"),
        ("joe", "open sesame"),
        ("jane\0", "open sesame"),
        ("\ud800", "open sesame"),
    ):
        with pytest.raises(UnauthenticatedError):
            await identity.authenticate_basic(login, password)


async def test_an_account_without_a_password_has_none(
    database: Database, identity: Identity
) -> None:
    await somebody(database)
    with pytest.raises(UnauthenticatedError):
        await identity.authenticate_basic("jane", "")


async def test_a_blocked_account_is_told_so(
    database: Database, identity: Identity
) -> None:
    account = await somebody(database)
    password_hash = await identity.hash_password("open sesame")

    def body(tx: Tx) -> None:
        accounts.set_password(tx, account.id, password_hash)
        accounts.set_state(tx, account.id, AccountState.BLOCKED, now=NOW)

    await database.write(body)
    with pytest.raises(BlockedUserError):
        await identity.authenticate_token(SECRET)
    with pytest.raises(BlockedUserError):
        await identity.authenticate_basic("jane", "open sesame")


async def test_access_is_the_project_s_settings_and_the_caller_s_role(
    database: Database, identity: Identity
) -> None:
    account = await somebody(database)
    project = await database.write(lambda tx: rows.a_project(tx, rows.a_group(tx)))
    await database.write(
        lambda tx: members.put(
            tx, Scope(project_id=project.id), account.id, Role.REPORTER, now=NOW
        )
    )
    principal = await identity.authenticate_token(SECRET)
    access = await identity.project_access(principal, project)
    assert (access.level, access.visibility) == (Role.REPORTER, project.visibility)
    nobody = await identity.project_access(ANONYMOUS, project)
    assert nobody.level is Role.NONE


async def test_somebody_is_acted_as(database: Database, identity: Identity) -> None:
    await bootstrap(database, FrozenClock(NOW), "root token")
    account = await somebody(database)
    root = await identity.authenticate_token("root token")
    for name in ("JANE", str(account.id)):
        acting = await identity.act_as(root, name)
        assert acting is not None
        assert (acting.account_id, acting.admin) == (account.id, False)
        assert acting.token_id == root.token_id
    assert await identity.act_as(root, "nobody") is None


def test_secrets_are_spelt_like_gitlab_s() -> None:
    assert spell_secret(CredentialKind.PERSONAL, "x") == "glpat-x"
    assert spell_secret(CredentialKind.DEPLOY, "x") == "gldt-x"


async def test_the_first_start_makes_an_administrator(
    database: Database, identity: Identity, clock: FrozenClock
) -> None:
    assert not await is_bootstrapped(database)
    assert await bootstrap(database, clock, "first")
    assert await is_bootstrapped(database)
    root = await identity.authenticate_token("first")
    assert (root.account_id, root.username, root.admin) == (1, "root", True)
    assert not await bootstrap(database, clock, "first")


async def test_another_token_replaces_the_first(
    database: Database, identity: Identity, clock: FrozenClock
) -> None:
    await bootstrap(database, clock, "first")
    assert not await bootstrap(database, clock, "second")
    assert (await identity.authenticate_token("second")).username == "root"
    with pytest.raises(UnauthenticatedError):
        await identity.authenticate_token("first")


async def test_processes_that_start_together_make_one_administrator(
    database: Database, identity: Identity, clock: FrozenClock
) -> None:
    starts = [bootstrap(database, clock, "token") for _ in range(6)]
    assert sum(await asyncio.gather(*starts)) == 1
    assert (await identity.authenticate_token("token")).account_id == 1


async def test_a_start_with_the_token_lets_a_locked_out_administrator_in(
    database: Database, identity: Identity, clock: FrozenClock
) -> None:
    await bootstrap(database, clock, "token")

    def lock_out(tx: Tx) -> None:
        root = accounts.find(tx, 1)
        assert root is not None
        accounts.update(tx, replace(root, admin=False), now=NOW)
        accounts.set_state(tx, root.id, AccountState.BLOCKED, now=NOW)

    await database.write(lock_out)
    assert not await bootstrap(database, clock, "token")
    root = await identity.authenticate_token("token")
    assert (root.account_id, root.admin) == (1, True)


async def test_a_start_with_a_revoked_token_makes_it_good_again(
    database: Database, identity: Identity, clock: FrozenClock
) -> None:
    await bootstrap(database, clock, "token")
    root = await identity.authenticate_token("token")
    token_id = root.token_id or 0
    await database.write(lambda tx: tokens.revoke(tx, token_id, now=NOW))
    assert not await bootstrap(database, clock, "token")
    assert (await identity.authenticate_token("token")).account_id == 1


async def test_a_start_with_the_token_makes_a_deleted_administrator_again(
    database: Database, identity: Identity, clock: FrozenClock
) -> None:
    await bootstrap(database, clock, "token")

    def delete(tx: Tx) -> None:
        accounts.delete(tx, 1)
        rows.an_account(tx, "admin")

    await database.write(delete)
    assert await bootstrap(database, clock, "token")
    root = await identity.authenticate_token("token")
    assert (root.username, root.admin) == ("root", True)


async def test_a_renamed_administrator_stays_the_one(
    database: Database, identity: Identity, clock: FrozenClock
) -> None:
    await bootstrap(database, clock, "token")

    def rename(tx: Tx) -> None:
        root = accounts.find(tx, 1)
        assert root is not None
        accounts.update(tx, replace(root, username="boss", admin=False), now=NOW)

    await database.write(rename)
    await bootstrap(database, clock, "token")
    root = await identity.authenticate_token("token")
    assert (root.username, root.admin) == ("boss", True)
