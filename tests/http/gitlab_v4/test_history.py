"""The history of tags, and taking destruction back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from contract import rows
from contract.rows import NOW
from in_process.registry_api import RegistryApi, registry_api
from moorage.domain.digest import Digest
from moorage.ports.query import Query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from contract.rows import Image
    from moorage.ports.database import Database, Tx

HOUR = timedelta(hours=1)
WINDOW = timedelta(days=7)

_FORGET = Query("test.forget", "DELETE FROM manifest WHERE id = :id")
_HIDDEN = Query(
    "test.hidden", "SELECT COUNT(*) AS n FROM manifest WHERE deleted_at_us IS NOT NULL"
)


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database, undo_window=WINDOW) as made:
        yield made


async def push(api: RegistryApi, name: str, image: Image | None = None) -> Image:
    def body(tx: Tx) -> Image:
        pushed = image or rows.an_image(tx, api.repository)
        rows.put_tag(tx, api.repository, name, pushed, api.clock.now())
        return pushed

    return await api.database.write(body)


async def delete(api: RegistryApi, name: str) -> None:
    assert (await api.call("DELETE", f"{api.path}/tags/{name}")).status_code == 200


async def forget(api: RegistryApi, image: Image) -> None:
    """Do what collection does in the end."""
    await api.database.write(lambda tx: tx.run(_FORGET, id=image.id))


async def finished(api: RegistryApi, answer: Any) -> Any:
    assert answer.status_code == 202, answer.text
    await api.run_jobs()
    return (await api.call("GET", answer.headers["location"])).json()


async def test_a_tags_history_tells_every_move_newest_first(api: RegistryApi) -> None:
    first = await push(api, "v1")
    api.clock.advance(HOUR)
    second = await push(api, "v1")
    await push(api, "v2")
    api.clock.advance(HOUR)
    await delete(api, "v1")
    answer = await api.call("GET", api.path + "/tags/v1/history", "reporter")
    assert answer.headers["x-total"] == "3"
    assert answer.json()[0] == {
        "tag": "v1",
        "action": "delete",
        "digest": None,
        "previous_digest": str(second.digest),
        "at": "2024-02-29T14:00:00.000Z",
        "actor": "maintainer",
        "job_id": None,
    }
    assert [(e["action"], e["digest"]) for e in answer.json()[1:]] == [
        ("push", str(second.digest)),
        ("push", str(first.digest)),
    ]
    whole = await api.call("GET", api.path + "/history?per_page=2&page=1")
    assert [each["tag"] for each in whole.json()] == ["v1", "v2"]
    assert whole.headers["x-next-page"] == "2"
    unknown = await api.call("GET", api.path + "/tags/none/history")
    assert unknown.json() == {"message": "404 Tag Not Found"}


async def test_a_repository_is_shown_as_it_was(api: RegistryApi) -> None:
    first = await push(api, "a")
    await push(api, "b")
    api.clock.advance(HOUR)
    await push(api, "a")
    await delete(api, "b")
    await push(api, "c")

    async def names(at: str) -> list[str]:
        answer = await api.call("GET", f"{api.path}/tags?at={at}", "reporter")
        return [each["name"] for each in answer.json()]

    assert await names("2024-02-29T11:59:59Z") == []
    assert await names("2024-02-29T12:30:00Z") == ["a", "b"]
    # A plus sign in an address is a blank, unless it is encoded.
    assert await names("2024-02-29T13:30:00+01:00") == ["a", "b"]
    assert await names("2024-02-29T13:00:00Z") == ["a", "c"]
    answer = await api.call(
        "GET", api.path + "/tags?at=2024-02-29T12:30:00Z&per_page=1"
    )
    assert answer.headers["x-total"] == "2"
    assert answer.json()[0]["digest"] == str(first.digest)
    assert answer.json()[0]["since"] == "2024-02-29T12:00:00.000Z"
    assert answer.json()[0]["path"].endswith("image:a")
    wrong = await api.call("GET", api.path + "/tags?at=yesterday")
    assert wrong.json() == {"error": "at is invalid"}


async def test_a_removed_tag_comes_back_where_it_was(api: RegistryApi) -> None:
    image = await push(api, "v1")
    await delete(api, "v1")
    answer = await api.call("POST", api.path + "/tags/v1/restore", "developer")
    assert answer.status_code == 201
    assert answer.json()["digest"] == str(image.digest)
    events = (await api.call("GET", api.path + "/tags/v1/history")).json()
    assert (events[0]["action"], events[0]["actor"]) == ("restore", "developer")
    assert await api.tag_names() == ["v1"]
    counted = (await api.call("GET", api.repositories_path + "?tags_count=1")).json()
    assert counted[0]["tags_count"] == 1


async def test_a_tag_goes_back_to_an_earlier_image(api: RegistryApi) -> None:
    first = await push(api, "v1")
    await push(api, "v1")
    path = api.path + "/tags/v1/restore"
    present = await api.call("POST", path)
    assert present.status_code == 409
    assert "name the digest" in present.json()["message"]
    back = await api.call("POST", path, data={"digest": str(first.digest)})
    assert (back.status_code, back.json()["digest"]) == (201, str(first.digest))
    never = {"digest": str(Digest.of(b"never"))}
    assert (await api.call("POST", path, data=never)).status_code == 404
    assert (await api.call("POST", path, data={"digest": "x"})).status_code == 400


async def test_what_was_collected_is_said_to_be_gone(api: RegistryApi) -> None:
    image = await push(api, "v1")
    await delete(api, "v1")
    await forget(api, image)
    answer = await api.call("POST", api.path + "/tags/v1/restore")
    assert answer.status_code == 409
    assert "the image is gone" in answer.json()["message"]
    job = await finished(api, await api.call("POST", api.path + "/restore"))
    assert job["result"] == {"restored": 0, "skipped": 1}


async def test_all_that_was_removed_in_the_window_comes_back(api: RegistryApi) -> None:
    await push(api, "old")
    await delete(api, "old")
    api.clock.advance(WINDOW + HOUR)
    for name in ("a", "b", "c"):
        await push(api, name)
        await delete(api, name)
    await push(api, "b")
    job = await finished(api, await api.call("POST", api.path + "/restore"))
    assert job["result"] == {"restored": 2, "skipped": 0}
    assert await api.tag_names() == ["a", "b", "c"]


async def test_tags_come_back_as_of_a_time(api: RegistryApi) -> None:
    first = await push(api, "a")
    api.clock.advance(HOUR)
    await push(api, "a")
    await push(api, "late")
    for name in ("a", "late"):
        await delete(api, name)
    path = api.path + "/restore"
    await finished(api, await api.call("POST", path, json={"at": "2024-02-29T12:30Z"}))
    assert await api.tag_names() == ["a"]
    found = (await api.call("GET", api.path + "/tags/a")).json()
    assert found["digest"] == str(first.digest)


async def test_a_deleted_repository_comes_back_with_its_tags(api: RegistryApi) -> None:
    for name in ("a", "latest"):
        await push(api, name)
    deletion = await api.call("DELETE", api.path)
    await api.run_jobs()
    assert (await api.call("GET", api.path + "/tags")).status_code == 404
    location = deletion.headers["location"]
    job = await finished(api, await api.call("POST", location + "/undo"))
    assert job["result"] == {"restored": 2, "skipped": 0}
    assert await api.tag_names() == ["a", "latest"]
    listed = (await api.call("GET", api.repositories_path)).json()
    assert [each["id"] for each in listed] == [api.repository.id]
    group = f"/groups/{api.group.id}/registry/repositories"
    assert len((await api.call("GET", group, "administrator")).json()) == 1


async def test_a_deleted_repository_is_restored_by_its_old_id(api: RegistryApi) -> None:
    await push(api, "a")
    await api.call("DELETE", api.path)
    await api.run_jobs()
    for caller, expected in (("stranger", 404), ("developer", 403)):
        answer = await api.call("POST", api.path + "/restore", caller)
        assert answer.status_code == expected
    job = await finished(api, await api.call("POST", api.path + "/restore"))
    assert job["result"] == {"restored": 1, "skipped": 0}
    assert await api.tag_names() == ["a"]


async def test_a_name_that_was_taken_again_is_not_taken_back(api: RegistryApi) -> None:
    await api.call("DELETE", api.path)
    await api.run_jobs()
    await api.database.write(lambda tx: rows.a_repository(tx, api.project, "image"))
    answer = await api.call("POST", api.path + "/restore")
    assert answer.status_code == 409
    assert "exists again" in answer.json()["message"]


async def test_a_restore_may_name_the_job_that_removed(api: RegistryApi) -> None:
    for name in ("a", "b"):
        await push(api, name)
    await delete(api, "b")
    bulk = await api.call("DELETE", api.path + "/tags?name_regex=a")
    await api.run_jobs()
    job_id = int(bulk.headers["location"].rpartition("/")[2])
    path = api.path + "/restore"
    both = {"job_id": job_id, "at": "2024-02-29"}
    assert (await api.call("POST", path, json=both)).status_code == 400
    assert (await api.call("POST", path, json={"job_id": 999})).status_code == 404
    await finished(api, await api.call("POST", path, json={"job_id": job_id}))
    assert await api.tag_names() == ["a"]


async def test_a_purge_hides_what_was_deleted_and_nothing_else(
    api: RegistryApi,
) -> None:
    kept = await push(api, "a")
    await push(api, "b")
    await push(api, "c", kept)
    for name in ("b", "c"):
        await delete(api, name)
    for caller, expected in (("stranger", 404), ("developer", 403)):
        answer = await api.call("POST", api.path + "/purge", caller)
        assert answer.status_code == expected
    job = await finished(api, await api.call("POST", api.path + "/purge"))
    assert job["result"] == {"purged": 1}
    hidden = await api.database.read(lambda tx: tx.one(_HIDDEN))
    assert hidden is not None
    assert hidden["n"] == 1


@pytest.mark.parametrize(
    ("caller", "reads", "restores"),
    [
        *(("anonymous", 404, 404), ("stranger", 404, 404), ("guest", 403, 403)),
        *(("reporter", 200, 403), ("developer", 200, 201)),
    ],
)
async def test_rights_are_those_of_reading_and_pushing(
    api: RegistryApi, caller: str, reads: int, restores: int
) -> None:
    await push(api, "v1")
    await delete(api, "v1")
    for path in ("/history", "/tags/v1/history", "/tags?at=2024-03-01"):
        assert (await api.call("GET", api.path + path, caller)).status_code == reads
    answer = await api.call("POST", api.path + "/tags/v1/restore", caller)
    assert answer.status_code == restores
    assert api.clock.now() == NOW
