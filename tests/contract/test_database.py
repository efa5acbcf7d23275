"""What both engines do for a body that uses them."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from moorage.adapters.sqlite import SqliteDatabase
from moorage.domain.errors import ConflictError, UnavailableError
from moorage.ports.database import Database, Tx
from moorage.ports.query import Query
from moorage.store import secrets, uploads
from moorage.store.migrate import migrate
from moorage.testing.clock import START

COUNT = Query("test.count", "SELECT count(*) AS total FROM instance_secret")
INSERT = Query(
    "test.insert",
    """
    INSERT INTO instance_secret (name, secret, created_at_us)
    VALUES (:name, :secret, 0)
    """,
)


def insert(name: str) -> Callable[[Tx], int]:
    return lambda tx: tx.run(INSERT, name=name, secret=b"")


async def names(database: Database) -> int:
    row = await database.read(lambda tx: tx.one(COUNT))
    assert row is not None
    total: int = row["total"]
    return total


async def test_a_body_that_fails_undoes_itself_and_no_other(database: Database) -> None:
    async def write(number: int) -> int:
        def body(tx: Tx) -> int:
            insert(f"name-{number}")(tx)
            if number % 3 == 0:
                raise LookupError(number)
            return number

        return await database.write(body)

    results = await asyncio.gather(*map(write, range(30)), return_exceptions=True)
    failed = [type(result) for result in results[::3]]
    assert failed == [LookupError] * 10
    assert [r for r in results if isinstance(r, int)] == [
        number for number in range(30) if number % 3
    ]
    assert await names(database) == 20


async def test_a_broken_constraint_is_a_conflict(database: Database) -> None:
    await database.write(insert("same"))
    with pytest.raises(ConflictError):
        await database.write(insert("same"))
    with pytest.raises(ConflictError):
        await database.write(
            lambda tx: uploads.create(tx, "id", 99, "sha256", now=START)
        )
    assert await names(database) == 1


async def test_what_was_written_is_read_at_once_in_every_way(
    database: Database,
) -> None:
    for number in range(20):
        name = f"name-{number}"
        await database.write(insert(name))
        assert await names(database) == number + 1
        row = await database.quick(lambda tx: tx.one(COUNT))
        assert row is not None
        assert row["total"] == number + 1


async def test_a_read_sees_one_moment(database: Database) -> None:
    written = asyncio.Event()
    loop = asyncio.get_running_loop()
    begun = asyncio.Event()

    def body(tx: Tx) -> tuple[int, int]:
        first = tx.one(COUNT)
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(written.wait(), loop).result(10)
        second = tx.one(COUNT)
        assert first is not None
        assert second is not None
        return first["total"], second["total"]

    reading = asyncio.create_task(database.read(body))
    await begun.wait()
    await database.write(insert("late"))
    written.set()
    assert await reading == (0, 0)


async def test_of_many_who_want_the_first_secret_all_get_the_same(
    database: Database,
) -> None:
    async def obtain(number: int) -> bytes:
        fresh = bytes([number])
        return await database.write(
            lambda tx: secrets.obtain(tx, "key", fresh, now=START)
        )

    assert len(set(await asyncio.gather(*map(obtain, range(20))))) == 1


async def test_writes_work_without_an_event_loop(database: Database) -> None:
    await asyncio.to_thread(database.write_now, insert("blocking"))
    assert await names(database) == 1


async def test_two_processes_may_write_to_one_file(database: Database) -> None:
    if not isinstance(database, SqliteDatabase):
        pytest.skip("servers do this by nature")
    other = SqliteDatabase(database.path)

    async def write(number: int) -> None:
        target = (database, other)[number % 2]
        await target.write(insert(f"name-{number}"))

    await asyncio.gather(*map(write, range(100)))
    assert await names(database) == 100
    await other.close()


async def test_a_caller_that_gives_up_takes_nobody_along(database: Database) -> None:
    begun, goes_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(tx: Tx) -> int:
        loop.call_soon_threadsafe(begun.set)
        goes_on.wait(10)
        return insert("slow")(tx)

    first = asyncio.create_task(database.write(slow))
    await begun.wait()
    waiting = [
        asyncio.create_task(database.write(insert(f"name-{number}")))
        for number in range(6)
    ]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    await asyncio.sleep(0)
    goes_on.set()
    results = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert [result for result in results if result == 1] == [1] * 4
    await database.write(insert("afterwards"))


async def test_tuples_come_as_columns_with_their_positions(database: Database) -> None:
    query = Query(
        "test.rows",
        "SELECT name, size, position FROM ({{rows:items(name text, size int)}}) AS i"
        " ORDER BY position",
    )
    given = [("a'\"\u00e4", 1 << 40), ("", None)]

    def body(tx: Tx, items: list[tuple[str, int | None]]) -> list[tuple[object, ...]]:
        rows = tx.all(query, items=items)
        return [(row["name"], row["size"], row["position"]) for row in rows]

    found = await database.read(lambda tx: body(tx, given))
    assert found == [(*given[0], 1), (*given[1], 2)]
    assert await database.read(lambda tx: body(tx, [])) == []


@pytest.mark.parametrize(
    "texts",
    [
        [],
        ["a", "", "NULL", "null", "{}", "a,b", " c ", "ü\u2028🐳", "'%s'"],
        ["plain", 'quote"', "back\\slash", "\\n", "new\nline", "tab\t\x01\x7f"],
        ['"', "\\", '\\"', '"\\', "\\\\", 'key"', "\x7f"],
    ],
)
async def test_texts_of_lists_arrive_as_they_are(
    database: Database, texts: list[str]
) -> None:
    values = Query("test.values", "SELECT value FROM ({{texts:texts}}) AS t")
    found = await database.read(lambda tx: tx.all(values, texts=texts))
    assert [row["value"] for row in found] == texts
    columns = Query(
        "test.columns", "SELECT text, size FROM ({{rows:rows(text text, size int)}}) t"
    )
    pairs = [(text, at or None) for at, text in enumerate(texts)]
    rows = await database.read(lambda tx: tx.all(columns, rows=pairs))
    assert [(row["text"], row["size"]) for row in rows] == pairs


async def test_what_need_not_be_durable_is_there_for_everybody_at_once(
    database: Database,
) -> None:
    for number in range(10):
        durable = number % 3 == 0
        await database.write(insert(f"name-{number}"), durable=durable)
        assert await names(database) == number + 1
    with pytest.raises(ConflictError):
        await database.write(insert("name-1"), durable=False)
    assert await names(database) == 10


async def test_a_turn_that_cannot_be_had_fails_who_waits_and_nobody_later(
    tmp_path: Path,
) -> None:
    database = SqliteDatabase(tmp_path / "db")
    in_the_way = tmp_path / "db-writer"
    in_the_way.mkdir()
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await asyncio.wait_for(database.write(lambda _tx: None), 30)
    in_the_way.rmdir()
    await database.write(lambda _tx: None)
    await database.close()


async def test_who_writes_to_a_large_database_does_not_map_it(tmp_path: Path) -> None:
    """Mapped pages count as memory, for each connection again."""
    database = SqliteDatabase(tmp_path / "db")
    migrate(database, START)
    for number in range(10):
        await database.write(insert(f"name-{number}"))
    maps = Path("/proc/self/maps").read_text().splitlines()
    assert not [line for line in maps if line.endswith(str(database.path))]
    assert await names(database) == 10
    await database.close()
