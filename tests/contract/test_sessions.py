from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from contract import rows
from contract.rows import NOW
from moorage.store import accounts, sessions
from moorage.store.sessions import Session

if TYPE_CHECKING:
    from moorage.ports.database import Database, Tx

HOUR = timedelta(hours=1)


async def test_a_session_is_found_until_it_ends(database: Database) -> None:
    def body(tx: Tx) -> None:
        one, two = rows.an_account(tx, "jane"), rows.an_account(tx, "joe")
        for secret, account, ends in (
            ("short", one, NOW + HOUR),
            ("long", one, NOW + 2 * HOUR),
            ("other", two, NOW + 2 * HOUR),
        ):
            sessions.create(tx, secret, Session(account.id, ends), now=NOW)
        assert sessions.find(tx, "short", now=NOW) == Session(one.id, NOW + HOUR)
        assert sessions.find(tx, "short", now=NOW + HOUR) is None
        assert sessions.find(tx, "nothing", now=NOW) is None
        assert sessions.delete_expired(tx, now=NOW + HOUR) == 1
        assert sessions.find(tx, "short", now=NOW) is None
        assert sessions.delete_of_account(tx, one.id) == 1
        assert sessions.find(tx, "long", now=NOW) is None
        assert sessions.delete(tx, "other")
        assert not sessions.delete(tx, "other")

    await database.write(body)


async def test_a_session_goes_with_its_account(database: Database) -> None:
    def body(tx: Tx) -> None:
        account = rows.an_account(tx, "jane")
        sessions.create(tx, "one", Session(account.id, NOW + HOUR), now=NOW)
        accounts.delete(tx, account.id)
        assert sessions.find(tx, "one", now=NOW) is None

    await database.write(body)
