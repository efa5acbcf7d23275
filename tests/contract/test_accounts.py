from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.access import Role
from moorage.domain.accounts import AccountState
from moorage.domain.errors import ConflictError
from moorage.domain.projects import Scope
from moorage.store import accounts, members, namespaces, tokens
from moorage.store.accounts import AccountFilter, NewAccount

if TYPE_CHECKING:
    from moorage.domain.accounts import Account
    from moorage.ports.database import Database, Tx

JANE = NewAccount(
    username="Jane",
    name="Jane Doe",
    email="Jane@Example.com",
    password_hash="hash",
    admin=True,
    external=True,
    bot=True,
)


async def jane(database: Database) -> Account:
    return await database.write(lambda tx: accounts.create(tx, JANE, now=NOW))


async def test_an_account_is_found_by_everything_that_names_it(
    database: Database,
) -> None:
    made = await jane(database)
    assert (made.username, made.email, made.created_at) == (
        "Jane",
        "Jane@Example.com",
        NOW,
    )
    assert (made.admin, made.external, made.bot, made.blocked) == (
        True,
        True,
        True,
        False,
    )

    def body(tx: Tx) -> None:
        assert accounts.find(tx, made.id) == made
        assert accounts.find_by_username(tx, "JANE") == made
        assert accounts.find_by_email(tx, "jane@example.COM") == made
        assert accounts.find_login(tx, "jane") == (made, "hash")
        assert accounts.find_login(tx, "JANE@example.com") == (made, "hash")
        assert accounts.find_many(tx, [made.id, 99]) == {made.id: made}

    await database.read(body)


async def test_nobody_is_not_found(database: Database) -> None:
    def body(tx: Tx) -> None:
        assert accounts.find(tx, 99) is None
        assert accounts.find_by_username(tx, "x") is None
        assert accounts.find_by_email(tx, "x") is None
        assert accounts.find_login(tx, "x") is None
        assert accounts.find_many(tx, []) == {}

    await database.read(body)


@pytest.mark.parametrize(
    "other",
    [replace(JANE, username="JANE", email="x@x"), replace(JANE, username="other")],
    ids=["username", "email"],
)
async def test_a_name_and_an_address_are_somebody_s(
    database: Database, other: NewAccount
) -> None:
    await jane(database)
    with pytest.raises(ConflictError):
        await database.write(lambda tx: accounts.create(tx, other, now=NOW))


async def test_an_account_is_changed(database: Database) -> None:
    made = await jane(database)
    changed = replace(made, name="New", email="new@x", admin=False, external=False)

    def body(tx: Tx) -> None:
        accounts.update(tx, changed, now=NOW)
        accounts.set_password(tx, made.id, "other")
        accounts.set_state(tx, made.id, AccountState.BANNED, now=NOW)
        assert accounts.find_login(tx, "new@x") == (
            replace(changed, state=AccountState.BANNED),
            "other",
        )
        accounts.set_state(tx, made.id, AccountState.ACTIVE, now=NOW)
        assert accounts.find(tx, made.id) == changed

    await database.write(body)


async def test_accounts_are_listed_newest_first_and_filtered(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        one, two, three = (rows.an_account(tx, name) for name in ("Ann", "Bob", "Cy"))
        accounts.set_state(tx, two.id, AccountState.BLOCKED, now=NOW)

        def ids(wanted: AccountFilter, limit: int = 10, offset: int = 0) -> list[int]:
            found = accounts.list_page(tx, wanted, limit=limit, offset=offset)
            assert accounts.count(tx, wanted, limit=10) >= len(found)
            return [account.id for account in found]

        assert ids(AccountFilter()) == [three.id, two.id, one.id]
        assert ids(AccountFilter(), limit=1, offset=1) == [two.id]
        assert ids(AccountFilter(search="n")) == [one.id]
        assert ids(AccountFilter(search="bob@example.com")) == [two.id]
        assert ids(AccountFilter(active=True)) == [three.id, one.id]
        assert ids(AccountFilter(active=False)) == [two.id]
        assert ids(AccountFilter(active=False, state=AccountState.BLOCKED)) == [two.id]
        assert ids(AccountFilter(active=False, state=AccountState.BANNED)) == []
        assert ids(AccountFilter(ascending=True)) == [one.id, two.id, three.id]
        assert ids(AccountFilter(above=one.id, below=three.id)) == [two.id]
        assert accounts.count(tx, AccountFilter(), limit=2) == 2

    await database.write(body)


async def test_accounts_are_listed_by_what_they_are(database: Database) -> None:
    def body(tx: Tx) -> None:
        def an_account(username: str, name: str, days: int, **flags: Any) -> int:
            email = f"{username}@example.com"
            new = NewAccount(username=username, name=name, email=email, **flags)
            return accounts.create(tx, new, now=NOW + timedelta(days=days)).id

        ann = an_account("ann", "Zoe", 0, admin=True)
        bob = an_account("Bob", "yan", 1, external=True)
        bot = an_account("a_bot", "X", 2, bot=True)
        account = accounts.find(tx, ann)
        assert account is not None
        own = namespaces.create_personal(tx, account, now=NOW)

        def ids(**wanted: Any) -> list[int]:
            made = AccountFilter(**{"ascending": True, **wanted})
            found = accounts.list_page(tx, made, limit=10, offset=0)
            assert accounts.count(tx, made, limit=10) == len(found)
            return [account.id for account in found]

        assert ids(admin=True) == [ann]
        assert ids(external=True) == [bob]
        assert ids(external=False) == [ann, bot]
        assert ids(bot=True) == [bot]
        assert ids(bot=False) == [ann, bob]
        assert ids(created_after=NOW + timedelta(days=1)) == [bob, bot]
        assert ids(created_before=NOW + timedelta(days=1)) == [ann, bob]
        assert ids(order_by="name") == [bot, bob, ann]
        assert ids(order_by="name", ascending=False) == [ann, bob, bot]
        assert ids(order_by="username") == [bot, ann, bob]
        assert ids(order_by="username", above=ann) == [bot, bob]
        group = rows.a_group(tx)
        project = rows.a_project(tx, group)
        scope = Scope(project_id=project.id)
        members.put(tx, scope, bob, Role.GUEST, now=NOW)
        assert ids(idle_only=True) == [ann, bot]
        rows.a_project(tx, own, "own")
        assert ids(idle_only=True) == [bot]

    await database.write(body)


async def test_an_account_goes_with_what_is_its_own(database: Database) -> None:
    def body(tx: Tx) -> None:
        account = rows.an_account(tx, "jane")
        own = namespaces.create_personal(tx, account, now=NOW)
        token = tokens.create(tx, rows.a_token(account), now=NOW)
        assert accounts.delete(tx, account.id)
        assert not accounts.delete(tx, account.id)
        assert namespaces.find(tx, own.id) is None
        assert namespaces.find_by_path(tx, "jane") is None
        assert tokens.find(tx, token.id) is None

    await database.write(body)
