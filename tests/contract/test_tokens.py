from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.access import CredentialKind
from moorage.domain.errors import ConflictError
from moorage.store import tokens
from moorage.store.tokens import TokenFilter

if TYPE_CHECKING:
    from moorage.domain.tokens import Token
    from moorage.ports.database import Database, Tx


async def test_a_token_is_found_by_its_secret(database: Database) -> None:
    def body(tx: Tx) -> None:
        account = rows.an_account(tx, "jane")
        new = replace(
            rows.a_token(account),
            scopes=("api", "read_api"),
            description="text",
            expires_at=NOW,
        )
        made = tokens.create(tx, new, now=NOW)
        assert tokens.find_by_secret(tx, new.secret_hash) == made
        assert tokens.find(tx, made.id) == made
        assert tokens.find_by_secret(tx, "other") is None
        assert tokens.find(tx, 99) is None
        assert made.scopes == ("api", "read_api")
        assert (made.expires_at, made.created_at) == (NOW, NOW)
        assert (made.revoked_at, made.last_used_at) == (None, None)

    await database.write(body)


async def test_two_tokens_never_share_a_secret(database: Database) -> None:
    def body(tx: Tx) -> None:
        new = rows.a_token(rows.an_account(tx, "jane"))
        tokens.create(tx, new, now=NOW)
        tokens.create(tx, new, now=NOW)

    with pytest.raises(ConflictError):
        await database.write(body)


async def test_tokens_are_listed_by_whose_they_are(database: Database) -> None:
    def body(tx: Tx) -> None:
        account, other = rows.an_account(tx, "jane"), rows.an_account(tx, "joe")
        group = rows.a_group(tx)
        project = rows.a_project(tx, group)
        own = tokens.create(tx, rows.a_token(account), now=NOW)
        theirs = tokens.create(tx, rows.a_token(other), now=NOW)
        kind = CredentialKind.PROJECT
        new = replace(rows.a_token(account), kind=kind, project_id=project.id)
        of_project = tokens.create(tx, new, now=NOW)
        kind = CredentialKind.GROUP
        new = replace(rows.a_token(account), kind=kind, namespace_id=group.id)
        of_group = tokens.create(tx, new, now=NOW)
        personal = TokenFilter(kind=CredentialKind.PERSONAL)
        assert listed(tx, personal, of="account", owner_id=account.id) == [own]
        assert listed(tx, personal) == [own, theirs]
        for kind, found in (
            (CredentialKind.PROJECT, [of_project]),
            (CredentialKind.DEPLOY, []),
        ):
            wanted = TokenFilter(kind=kind, of="project", owner_id=project.id)
            assert listed(tx, wanted) == found
        wanted = TokenFilter(kind=kind, of="namespace", owner_id=group.id)
        assert listed(tx, wanted, kind=CredentialKind.GROUP) == [of_group]

    await database.write(body)


def listed(tx: Tx, wanted: TokenFilter, **changes: Any) -> list[Token]:
    """List all of them, counted too."""
    wanted = replace(wanted, **changes)
    found = tokens.list_page(tx, wanted, now=NOW, limit=10, offset=0)
    assert tokens.count(tx, wanted, now=NOW, limit=10) == len(found)
    return found


async def test_tokens_are_listed_by_what_they_are(database: Database) -> None:
    hour = timedelta(hours=1)

    def body(tx: Tx) -> None:
        account = rows.an_account(tx, "jane")

        def a_token(name: str, *, age: int, ends_in: int | None = None) -> int:
            ends = None if ends_in is None else NOW + ends_in * hour
            new = replace(rows.a_token(account), name=name, expires_at=ends)
            return tokens.create(tx, new, now=NOW - age * hour).id

        old = a_token("Beta", age=3, ends_in=48)
        spent = a_token("alpha", age=2, ends_in=-1)
        young = a_token("gamma ray", age=1)
        tokens.revoke(tx, young, now=NOW)
        for token_id, age in ((old, 1), (spent, 2)):
            used = NOW - age * hour
            tokens.touch(tx, token_id, now=used, unless_after=NOW)

        def ids(**wanted: Any) -> list[int]:
            personal = TokenFilter(kind=CredentialKind.PERSONAL)
            return [token.id for token in listed(tx, personal, **wanted)]

        assert ids() == [old, spent, young]
        assert ids(active=True) == [old]
        assert ids(active=False) == [spent, young]
        assert ids(revoked=True) == [young]
        assert ids(revoked=False) == [old, spent]
        assert ids(search="a r") == [young]
        for end, found in (("after", [spent, young]), ("before", [old, spent])):
            assert ids(**{f"created_{end}": NOW - 2 * hour}) == found
        assert ids(last_used_after=NOW - 2 * hour) == [old, spent]
        assert ids(last_used_after=NOW - hour) == [old]
        assert ids(last_used_before=NOW - 2 * hour) == [spent]
        assert ids(expires_after=NOW + 48 * hour) == [old]
        assert ids(expires_before=NOW + 48 * hour) == [spent]
        for order, rising in (
            ("id", [old, spent, young]),
            ("name", [spent, old, young]),
            ("expires_at", [spent, old, young]),
            ("last_used_at", [spent, old, young]),
        ):
            assert ids(order_by=order) == rising
            assert ids(order_by=order, ascending=False) == rising[::-1]

    await database.write(body)


async def test_use_is_noted_unless_it_was_lately(database: Database) -> None:
    def body(tx: Tx) -> None:
        token = tokens.create(tx, rows.a_token(rows.an_account(tx, "jane")), now=NOW)
        later = NOW + timedelta(minutes=10)
        assert tokens.touch(tx, token.id, now=NOW, unless_after=NOW)
        before = NOW - timedelta(seconds=1)
        assert not tokens.touch(tx, token.id, now=later, unless_after=before)
        assert tokens.touch(tx, token.id, now=later, unless_after=NOW)
        found = tokens.find(tx, token.id)
        assert found is not None
        assert found.last_used_at == later

    await database.write(body)


async def test_a_token_is_revoked_once(database: Database) -> None:
    def body(tx: Tx) -> None:
        new = rows.a_token(rows.an_account(tx, "jane"))
        token = tokens.create(tx, new, now=NOW)
        assert token.active(NOW)
        assert tokens.revoke(tx, token.id, now=NOW)
        assert not tokens.revoke(tx, token.id, now=NOW + timedelta(days=1))
        found = tokens.find(tx, token.id)
        assert found is not None
        assert found.revoked_at == NOW
        assert not found.active(NOW)
        assert tokens.delete_by_secret(tx, new.secret_hash)
        assert not tokens.delete_by_secret(tx, new.secret_hash)

    await database.write(body)
