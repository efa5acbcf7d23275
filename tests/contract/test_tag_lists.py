from __future__ import annotations

from datetime import timedelta
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import rows
from contract.rows import NOW
from moorage.adapters.sqlite import SqliteDatabase
from moorage.domain.history import Cause
from moorage.domain.tag_lists import Place, TagList, TagOrder
from moorage.ports.query import Query, strip_comments
from moorage.store import found_tags, tag_lists, tag_search, tags, totals
from moorage.store.migrate import migrate

if TYPE_CHECKING:
    from pathlib import Path

    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

HOUR = timedelta(hours=1)
ME = Cause("me", NOW, NOW)

# Name, hours since it was created and pushed, size, hours since it was pulled.
TAGS = [
    ("v1.10", 3, 1, 300, None),
    ("v1.9", 1, 3, 100, 2),
    ("v1.2", 2, 2, 200, 1),
    ("latest", 4, 4, 200, None),
]

ORDERS = {
    TagOrder.NAME: "latest v1.10 v1.2 v1.9",
    TagOrder.VERSION: "v1.2 v1.9 v1.10 latest",
    TagOrder.CREATED: "latest v1.10 v1.2 v1.9",
    TagOrder.PUSHED: "latest v1.9 v1.2 v1.10",
    TagOrder.PUBLISHED: "v1.9 v1.2 latest v1.10",
    TagOrder.PULLED: "latest v1.10 v1.9 v1.2",
    TagOrder.SIZE: "v1.9 latest v1.2 v1.10",
}

_BEGINNINGS = Query("test.beginnings", "SELECT backwards FROM tag_beginning")
_CHANGES = Query("test.changes", "SELECT name FROM tag_change ORDER BY id")
_PULLED = Query(
    "test.pulled", "UPDATE tag SET pulled_at_us = :at_us WHERE name = :name"
)
_MOVED = Query("test.moved", "UPDATE tag SET moved_at_us = :at_us WHERE name = :name")


def a_list(tx: Tx) -> Repository:
    repository = rows.a_lone_repository(tx)
    for name, created, pushed, size, pulled in TAGS:
        image = rows.an_image(
            tx,
            repository,
            created_at=NOW - created * HOUR,
            pushed_at=NOW - pushed * HOUR,
            total_bytes=size,
        )
        rows.put_tag(tx, repository, name, image)
        tx.run(_MOVED, name=name, at_us=len(name) * size)
        if pulled is not None:
            tx.run(_PULLED, name=name, at_us=1_000_000 - pulled)
    return repository


def named(tx: Tx, *names: str) -> Repository:
    repository = rows.a_lone_repository(tx)
    image = rows.an_image(tx, repository)
    for name in names:
        rows.put_tag(tx, repository, name, image)
    return repository


def go_through(tx: Tx, repository: Repository, wanted: TagList, size: int) -> list[str]:
    """Go through a list by places, page by page."""
    names: list[str] = []
    after: Place | None = None
    while True:
        if wanted.search:
            here = tx, repository.id, wanted
            page = found_tags.page(*here, after, 0, size).places
        else:
            page = tag_lists.list_page(tx, repository.id, wanted, after, 0, size)
        names += [place.name for place in page]
        if len(page) < size:
            return names
        after = page[-1]


def search(tx: Tx, repository: Repository, part: str) -> list[str]:
    return go_through(tx, repository, TagList(search=part), 2)


@pytest.mark.parametrize("order", TagOrder)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("size", [1, 3, 9])
async def test_tags_are_listed_in_an_order_page_by_page(
    database: Database, order: TagOrder, size: int, *, descending: bool
) -> None:
    def body(tx: Tx) -> list[str]:
        return go_through(tx, a_list(tx), TagList(order, descending), size)

    expected = ORDERS[order].split()
    found = await database.write(body)
    assert found == (expected[::-1] if descending else expected)


@pytest.mark.parametrize("order", TagOrder)
async def test_what_is_found_is_listed_in_an_order_too(
    database: Database, order: TagOrder
) -> None:
    def body(tx: Tx) -> list[str]:
        return go_through(tx, a_list(tx), TagList(order, search="1."), 2)

    expected = [name for name in ORDERS[order].split() if "1." in name]
    assert await database.write(body) == expected


async def test_a_page_may_begin_at_a_number(database: Database) -> None:
    def body(tx: Tx) -> tuple[list[Place], list[Place]]:
        repository = a_list(tx)
        wanted = TagList(TagOrder.NAME), TagList(TagOrder.NAME, search="v1")
        return (
            tag_lists.list_page(tx, repository.id, wanted[0], None, 1, 2),
            found_tags.page(tx, repository.id, wanted[1], None, 1, 2).places,
        )

    page, found = await database.write(body)
    assert [place.name for place in page] == ["v1.10", "v1.2"]
    assert [place.name for place in found] == ["v1.2", "v1.9"]


@pytest.mark.parametrize("order", TagOrder)
@pytest.mark.parametrize("descending", [False, True])
async def test_a_page_by_number_is_the_same_from_either_end(
    database: Database, order: TagOrder, *, descending: bool
) -> None:
    def body(tx: Tx) -> dict[tuple[int, int], list[str]]:
        repository = a_list(tx)
        wanted = TagList(order, descending)
        return {
            (offset, limit): [
                place.name
                for place in tag_lists.list_numbered(
                    tx, repository.id, wanted, offset, limit
                )
            ]
            for offset in range(11)
            for limit in (1, 3, 20)
        }

    names = ORDERS[order].split()
    if descending:
        names.reverse()
    for (offset, limit), found in (await database.write(body)).items():
        assert found == names[offset : offset + limit], (offset, limit)


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("rc", "1.0-rc1 rc rc-rc"),
        ("rc1", "1.0-rc1"),
        ("1.0-rc1", "1.0-rc1"),
        ("c", "1.0-rc1 rc rc-rc"),
        ("RC", "RC"),
        ("~", ""),
        ("rc1x", ""),
    ],
)
async def test_a_search_finds_a_part_of_a_name_in_its_case(
    database: Database, part: str, names: str
) -> None:
    def body(tx: Tx) -> tuple[list[str], int | None]:
        repository = named(tx, "rc", "RC", "1.0-rc1", "rc-rc", "other")
        wanted = TagList(search=part)
        beyond = found_tags.page(tx, repository.id, wanted, None, 9, 1)
        assert beyond.places == []
        return search(tx, repository, part), beyond.total

    assert await database.write(body) == (names.split(), len(names.split()))


def sort_in(tx: Tx) -> int:
    return tag_search.sort_in(tx, 100, before=NOW, now=NOW)


@pytest.mark.parametrize("sorted_in", [False, True])
async def test_a_search_follows_what_is_removed_and_restored(
    database: Database, *, sorted_in: bool
) -> None:
    def body(tx: Tx) -> list[list[str]]:
        repository = rows.a_lone_repository(tx)
        image = rows.an_image(tx, repository)

        def found(part: str) -> list[str]:
            if sorted_in:
                sort_in(tx)
            return search(tx, repository, part)

        for name in ("build-1", "build-2"):
            rows.put_tag(tx, repository, name, image)
        seen = [found("ild")]
        tags.delete(tx, repository.id, "build-1", cause=ME)
        seen.append(found("ild"))
        tags.restore_many(tx, repository.id, {"build-1": image.digest}, cause=ME)
        seen.append(found("ild-1"))
        return seen

    assert await database.write(body) == [
        ["build-1", "build-2"],
        ["build-2"],
        ["build-1"],
    ]


async def test_nothing_is_kept_of_tags_that_are_gone(database: Database) -> None:
    def body(tx: Tx) -> list[str]:
        repository = named(tx, "ab1", "ab2", "b", "abc")
        sort_in(tx)
        tags.delete_first(tx, repository.id, 1, cause=ME)
        tags.delete(tx, repository.id, "b", cause=ME)
        tags.delete(tx, repository.id, "abc", cause=ME)
        assert sort_in(tx) == 3
        assert not tx.all(_CHANGES)
        return sorted(row["backwards"][::-1] for row in tx.all(_BEGINNINGS))

    assert await database.write(body) == ["a", "ab", "ab2"]


async def test_names_are_sorted_in_once_they_have_waited(database: Database) -> None:
    def body(tx: Tx) -> None:
        named(tx, "first", "second")
        assert tag_search.oldest(tx) == NOW
        sort = partial(tag_search.sort_in, tx, now=NOW)
        assert sort(5, before=NOW - HOUR) == 0
        assert [sort(1, before=NOW) for _ in range(3)] == [1, 1, 0]
        assert tag_search.oldest(tx) is None

    await database.write(body)


async def test_only_one_sorts_in_at_a_time(database: Database) -> None:
    def first(tx: Tx) -> int:
        named(tx, "a", "b")
        return tag_search.sort_in(tx, 1, before=NOW, now=NOW)

    def other(tx: Tx) -> int:
        # Whose clock is behind: it would not have waited for the first.
        return tag_search.sort_in(tx, 1, before=NOW, now=NOW - HOUR)

    assert await database.write(first) == 1
    assert await database.write(other) == 0


@pytest.mark.parametrize(
    ("counted", "walk", "sorted_", "many"),
    [
        # Found by going through the list; or late, and then sorted; or far too many.
        (2, 100, 1, 1),
        (2, 2, 100, 1),
        (2, 2, 1, 1),
        # One beginning, of too many names to count.
        (1, 2, 3, 100),
    ],
)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", TagOrder)
async def test_many_are_found_in_order_however_late_they_come(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    order: TagOrder,
    counted: int,
    walk: int,
    sorted_: int,
    many: int,
    *,
    descending: bool,
) -> None:
    # Constants, so that the test does not need ten thousand tags.
    monkeypatch.setattr(totals, "MOST", counted)
    monkeypatch.setattr(found_tags, "WALK", walk)
    monkeypatch.setattr(found_tags, "SORTED", sorted_)
    monkeypatch.setattr(tag_search, "MANY", many)
    names = ["1.0a", "a1", "b", "xa1", "xa2", "xb", "ya", "z"]

    def body(tx: Tx) -> tuple[list[str], list[str], list[str]]:
        repository = named(tx, *names)
        wanted = TagList(order, descending, search="a")
        by_number = found_tags.page(tx, repository.id, wanted, None, 1, 2)
        assert by_number.total is None
        return (
            go_through(tx, repository, TagList(order, descending), 20),
            go_through(tx, repository, wanted, 2),
            [each.name for each in by_number.places],
        )

    everything, found, by_number = await database.write(body)
    assert len(everything) == len(names)
    assert found == [name for name in everything if "a" in name]
    assert by_number == found[1:3]


@settings(max_examples=30, deadline=None)
@given(
    names=st.lists(
        st.text("ab-", min_size=1, max_size=6), unique=True, min_size=1, max_size=8
    ),
    gone=st.integers(0, 4),
    part=st.text("ab-", min_size=1, max_size=3),
    early=st.booleans(),
    late=st.booleans(),
)
def test_a_search_finds_what_looking_at_every_name_does(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    gone: int,
    part: str,
    *,
    early: bool,
    late: bool,
) -> None:
    database = SqliteDatabase(tmp_path_factory.mktemp("search") / "moorage.db")
    migrate(database, NOW)

    def body(tx: Tx) -> list[str]:
        repository = named(tx, *names)
        if early:
            sort_in(tx)
        tags.delete_first(tx, repository.id, gone, cause=ME)
        if late:
            sort_in(tx)
        return search(tx, repository, part)

    found = database.write_now(body)
    assert found == [name for name in sorted(names)[gone:] if part in name]


async def test_exclusive_bytes_are_worked_out_for_some_tags(database: Database) -> None:
    def body(tx: Tx) -> dict[str, int]:
        repository = named(tx, "a", "b")
        return dict(tag_lists.exclusive_bytes(tx, repository.id, ["b", "gone"]))

    assert await database.write(body) == {"b": 0}


def test_tags_of_an_older_schema_are_found(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "moorage.db")
    migrate(database, NOW)

    def body(tx: Tx) -> list[str]:
        repository = named(tx, "build-1", "build-2")
        sort_in(tx)
        before = sorted(row["backwards"] for row in tx.all(_BEGINNINGS))
        tx.run(Query("test.forget", "DELETE FROM tag_beginning"))
        tx.run(tag_lists_backfill())
        assert sorted(row["backwards"] for row in tx.all(_BEGINNINGS)) == before
        return search(tx, repository, "ld-")

    assert database.write_now(body) == ["build-1", "build-2"]


def tag_lists_backfill() -> Query:
    """Take the statement that fills the table out of its migration."""
    name = "migrations/0004_tag_lists.sql"
    text = strip_comments(files("moorage.store").joinpath(name).read_text("utf-8"))
    (found,) = (part for part in text.split(";") if "INSERT INTO tag_beginning" in part)
    return Query("test.backfill", found)
