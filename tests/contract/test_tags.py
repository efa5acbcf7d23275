from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast

from contract import rows
from contract.rows import NOW
from moorage.domain.history import Cause
from moorage.domain.repositories import Repository
from moorage.ports.database import Database, Row, Tx
from moorage.ports.query import Query
from moorage.store import repositories, tags

LATER = NOW + timedelta(hours=1)

ME = Cause("me", LATER, LATER)


def count(tx: Tx, repository: Repository) -> int:
    found = repositories.find(tx, repository.id)
    assert found is not None
    return found.tag_count


def tag_some(tx: Tx, *names: str) -> tuple[Repository, rows.Image]:
    repository = rows.a_lone_repository(tx)
    image = rows.an_image(tx, repository)
    for name in names:
        rows.put_tag(tx, repository, name, image)
    return repository, image


async def test_a_tag_tells_what_it_points_to(database: Database) -> None:
    def body(tx: Tx) -> None:
        repository, image = tag_some(tx, "v1")
        found = tags.find_detail(tx, repository.id, "v1")
        assert found is not None
        assert found.name == "v1"
        assert found.digest == image.digest
        assert found.config_digest == image.config_digest
        assert found.created_at == image.created_at
        assert found.pushed_at == image.pushed_at
        assert found.total_bytes == image.total_bytes
        assert tags.find_detail(tx, repository.id, "V1") is None

    await database.write(body)


async def test_a_move_is_recorded_with_both_digests(database: Database) -> None:
    def body(tx: Tx) -> None:
        repository, first = tag_some(tx, "v1")
        second = rows.an_image(tx, repository)
        rows.put_tag(tx, repository, "v1", second, now=LATER)
        events = [
            (each["tag"], each["digest"], each["previous_digest"], each["actor"])
            for each in rows.tag_events(tx)
        ]
        assert events == [
            ("v1", str(first.digest), None, "pusher"),
            ("v1", str(second.digest), str(first.digest), "pusher"),
        ]
        assert count(tx, repository) == 1

    await database.write(body)


async def test_pushing_the_same_image_again_is_no_move(database: Database) -> None:
    def body(tx: Tx) -> None:
        repository, image = tag_some(tx, "v1")
        rows.put_tag(tx, repository, "v1", image, now=LATER)
        assert len(rows.tag_events(tx)) == 1
        assert count(tx, repository) == 1

    await database.write(body)


async def test_deleting_a_tag_leaves_others_of_its_manifest(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        repository, image = tag_some(tx, "v1", "v2")
        assert tags.delete(tx, repository.id, "v1", cause=ME)
        assert not tags.delete(tx, repository.id, "v1", cause=ME)
        assert rows.tag_names(tx, repository) == ["v2"]
        assert count(tx, repository) == 1
        event = rows.tag_events(tx)[-1]
        assert (event["action"], event["tag"], event["actor"]) == ("delete", "v1", "me")
        assert event["digest"] is None
        assert event["previous_digest"] == str(image.digest)

    await database.write(body)


async def test_a_tag_that_points_elsewhere_than_expected_stays(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        repository, image = tag_some(tx, "v1")
        moved = rows.an_image(tx, repository)
        rows.put_tag(tx, repository, "v1", moved)
        for expected, deleted in ((image, False), (moved, True)):
            assert deleted is tags.delete(
                tx,
                repository.id,
                "v1",
                cause=ME,
                expected_manifest_id=expected.id,
            )

    await database.write(body)


async def test_many_tags_go_where_they_were_seen_and_only_there(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        repository, image = tag_some(tx, "a", "b", "c", "moved")
        rows.put_tag(tx, repository, "moved", rows.an_image(tx, repository))
        seen = dict.fromkeys(("a", "b", "moved", "absent"), image.digest)
        deleted = tags.delete_many(
            tx, repository.id, seen, cause=Cause("me", LATER, LATER, 7)
        )
        assert deleted == ["a", "b"]
        assert rows.tag_names(tx, repository) == ["c", "moved"]
        assert count(tx, repository) == 2
        recorded = [
            (each["tag"], each["previous_digest"])
            for each in rows.tag_events(tx)
            if each["job_id"] == 7
        ]
        assert recorded == [("a", str(image.digest)), ("b", str(image.digest))]

    await database.write(body)


async def test_tags_of_one_manifest_go_together(database: Database) -> None:
    def body(tx: Tx) -> None:
        repository, image = tag_some(tx, "a", "b")
        rows.put_tag(tx, repository, "other", rows.an_image(tx, repository))
        gone = tags.delete_by_manifest(tx, repository.id, image.id, cause=ME)
        assert gone == 2
        assert rows.tag_names(tx, repository) == ["other"]
        assert count(tx, repository) == 1

    await database.write(body)


async def test_a_repository_is_emptied_in_pieces(database: Database) -> None:
    def body(tx: Tx) -> None:
        repository, _ = tag_some(tx, "a", "b", "latest")
        gone = [tags.delete_first(tx, repository.id, 2, cause=ME) for _ in range(3)]
        assert gone == [2, 1, 0]
        assert count(tx, repository) == 0

    await database.write(body)


async def test_names_are_listed_in_byte_order_on_every_engine(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        names = ["1.10", "1.9", "A", "B", "_x", "a", "a-b", "a.b", "b", "latest"]
        repository, _ = tag_some(tx, *reversed(names))
        assert tags.list_names(tx, repository.id, "", 100) == names
        assert tags.list_names(tx, repository.id, "A", 2) == ["B", "_x"]
        assert tags.list_names(tx, repository.id, "AA", 1) == ["B"]

    await database.write(body)


async def test_names_of_several_repositories_come_apart(database: Database) -> None:
    def body(tx: Tx) -> None:
        project = rows.a_project(tx, rows.a_group(tx))
        one, two, empty = (rows.a_repository(tx, project, each) for each in "abc")
        for repository, name in ((one, "x"), (two, "z"), (two, "y")):
            rows.put_tag(tx, repository, name, rows.an_image(tx, repository))
        found = tags.list_names_of_many(tx, [one.id, two.id, empty.id])
        assert found == {one.id: ["x"], two.id: ["y", "z"], empty.id: []}

    await database.write(body)


async def test_the_planner_sees_every_tag(database: Database) -> None:
    def body(tx: Tx) -> None:
        repository, image = tag_some(tx, "a", "b")
        facts = tags.list_facts(tx, repository.id, now=NOW)
        facts.sort(key=lambda each: each.name)
        assert [each.name for each in facts] == ["a", "b"]
        assert facts[0].digest == image.digest
        assert facts[0].created_at == image.created_at
        assert facts[0].total_size == image.total_bytes

    await database.write(body)


async def test_concurrent_pushes_and_deletions_leave_the_count_right(
    database: Database,
) -> None:
    repository, image = await database.write(lambda tx: tag_some(tx, "a"))

    def push(name: str) -> None:
        database.write_now(lambda tx: rows.put_tag(tx, repository, name, image))

    def delete(name: str) -> None:
        database.write_now(lambda tx: tags.delete(tx, repository.id, name, cause=ME))

    names = [f"v{number % 5}" for number in range(20)]
    work = [asyncio.to_thread(push, name) for name in names]
    work += [asyncio.to_thread(delete, name) for name in names]
    await asyncio.gather(*work)

    def body(tx: Tx) -> None:
        assert count(tx, repository) == len(rows.tag_names(tx, repository))

    await database.read(body)


class OvertakenTx:
    """Others bring a tag, and take it away again, just where one would be put."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._overtaken = False

    def one(self, query: Query, **values: Any) -> Row | None:
        return self._tx.one(query, **values)

    def all(self, query: Query, **values: Any) -> list[Row]:
        return self._tx.all(query, **values)

    def run(self, query: Query, **values: Any) -> int:
        if query.name == "tags.insert" and not self._overtaken:
            self._overtaken = True
            return 0
        return self._tx.run(query, **values)


async def test_a_tag_that_comes_and_goes_meanwhile_is_put_all_the_same(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        repository, image = tag_some(tx)
        rows.put_tag(cast("Tx", OvertakenTx(tx)), repository, "v1", image)
        assert rows.tag_names(tx, repository) == ["v1"]
        assert count(tx, repository) == 1

    await database.write(body)
