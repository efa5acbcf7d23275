from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.access import CredentialKind
from moorage.domain.errors import ConflictError
from moorage.store import tokens

if TYPE_CHECKING:
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
        assert tokens.of_account(tx, account.id) == [own]
        assert tokens.personal(tx) == [own, theirs]
        assert tokens.of_project(tx, project.id, CredentialKind.PROJECT) == [of_project]
        assert tokens.of_project(tx, project.id, CredentialKind.DEPLOY) == []
        assert tokens.of_namespace(tx, group.id, kind) == [of_group]

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
