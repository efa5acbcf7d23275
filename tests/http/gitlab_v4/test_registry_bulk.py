from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from conftest import ENGINES
from contract.rows import NOW
from in_process.registry_api import EXTERNAL_URL, RegistryApi, registry_api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.ports.database import Database

pytestmark = pytest.mark.parametrize("engine", ENGINES, indirect=True)

TOO_SOON = {
    "message": "This request has already been made. You can run this at most once an "
    "hour for a given container repository"
}

DAY = timedelta(days=1)
# Source: GitLab registry API facts, "Test vectors". An image without a date counts by
# its push, which is now.
TAGS = {
    "latest": NOW - timedelta(hours=1),
    "A": NOW - timedelta(hours=1),
    "Ba": NOW - 5 * DAY,
    "Bb": NOW - 6 * DAY,
    "C": NOW - 30 * DAY,
    "D": NOW,
    "E": NOW,
}
SOME = "A|B.*|C"


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:
        yield made


async def bulk_delete(api: RegistryApi, **parameters: Any) -> Any:
    return await api.call("DELETE", api.path + "/tags", params=parameters)


@pytest.mark.parametrize(
    ("parameters", "deleted"),
    [
        ({"name_regex_delete": ".*"}, "A Ba Bb C D E"),
        ({"name_regex_delete": ".*", "name_regex_keep": "B.*"}, "A C D E"),
        ({"name_regex_delete": SOME, "keep_n": "1"}, "Ba Bb C"),
        ({"name_regex_delete": SOME}, "A Ba Bb C"),
        ({"name_regex_delete": ".*", "keep_n": "3"}, "Ba Bb C"),
        ({"name_regex_delete": ".*", "older_than": "1 day"}, "Ba Bb C"),
        (
            {"name_regex_delete": ".*", "keep_n": "1", "older_than": "1 day"},
            "Ba Bb C",
        ),
        ({"name_regex_delete": ".*", "name_regex_keep": ".*"}, ""),
        ({"name_regex_delete": SOME, "name_regex_keep": ".*"}, ""),
        ({"name_regex": ".*", "name_regex_delete": ""}, ""),
        ({"name_regex": "B.*"}, "Ba Bb"),
        ({"name_regex": ".*", "name_regex_delete": "C"}, "C"),
        ({"name_regex_delete": ".*", "keep_n": "-1"}, "A Ba Bb C D E"),
        ({"name_regex_delete": ".*", "keep_n": "7"}, ""),
    ],
)
async def test_the_vectors_of_gitlabs_own_tests(
    api: RegistryApi, parameters: dict[str, str], deleted: str
) -> None:
    await api.put_tags(TAGS)
    answer = await bulk_delete(api, **parameters)
    assert (answer.status_code, answer.json()) == (202, 202)
    await api.run_jobs()
    assert sorted(set(TAGS) - set(await api.tag_names())) == deleted.split()


async def test_parameters_may_come_in_a_form(api: RegistryApi) -> None:
    await api.put_tags(TAGS)
    answer = await api.call(
        "DELETE", api.path + "/tags", data={"name_regex": "B.*", "keep_n": "1"}
    )
    assert answer.status_code == 202
    await api.run_jobs()
    assert "Bb" not in await api.tag_names()
    assert "Ba" in await api.tag_names()


async def test_the_job_can_be_watched(api: RegistryApi) -> None:
    await api.put_tags(TAGS)
    answer = await bulk_delete(api, name_regex_delete="B.*")
    location = answer.headers["location"]
    assert location.startswith(f"{EXTERNAL_URL}/api/v4/registry/jobs/")
    queued = (await api.call("GET", location)).json()
    assert queued["state"] == "queued"
    assert queued["progress"] == {"done": 0, "total": 0}
    await api.run_jobs()
    job = (await api.call("GET", location)).json()
    assert job == {
        "id": queued["id"],
        "kind": "delete_tags",
        "state": "succeeded",
        "created_at": "2024-02-29T12:00:00.000Z",
        "started_at": "2024-02-29T12:00:00.000Z",
        "finished_at": "2024-02-29T12:00:00.000Z",
        "progress": {"done": 2, "total": 2},
        "result": {"deleted": 2, "skipped": 0},
        "error": None,
        "undoable_until": None,
    }
    items = await api.call("GET", location + "/items?per_page=1&page=2")
    assert items.headers["x-total"] == "2"
    assert [(each["name"], each["outcome"]) for each in items.json()] == [
        ("Bb", "deleted")
    ]
    assert list(items.json()[0]) == ["name", "digest", "outcome", "reason"]


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        *(("anonymous", 401), ("stranger", 404), ("guest", 404)),
        *(("reporter", 403), ("developer", 403), ("owner", 200)),
        ("administrator", 200),
    ],
)
async def test_a_job_is_shown_to_who_may_do_what_it_does(
    api: RegistryApi, caller: str, expected: int
) -> None:
    location = (await bulk_delete(api, name_regex_delete="x")).headers["location"]
    for method, suffix in (("GET", ""), ("GET", "/items"), ("POST", "/cancel")):
        answer = await api.call(method, location + suffix, caller)
        wanted = 202 if method == "POST" and expected == 200 else expected
        assert answer.status_code == wanted
    assert (await api.call("GET", "/registry/jobs/999", caller)).status_code in (
        401,
        404,
    )


async def test_a_cancelled_job_deletes_nothing(api: RegistryApi) -> None:
    await api.put_tags(TAGS)
    location = (await bulk_delete(api, name_regex_delete=".*")).headers["location"]
    cancelled = await api.call("POST", location + "/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    await api.run_jobs()
    assert await api.tag_names() == sorted(TAGS)
    assert (await api.call("POST", location + "/cancel")).status_code == 409


async def test_a_cancelled_deletion_gives_the_repository_back(
    api: RegistryApi,
) -> None:
    location = (await api.call("DELETE", api.path)).headers["location"]
    await api.call("POST", location + "/cancel")
    listed = (await api.call("GET", api.repositories_path)).json()
    assert listed[0]["status"] is None


async def test_a_second_call_within_the_hour_is_refused(api: RegistryApi) -> None:
    assert (await bulk_delete(api, name_regex_delete="x")).status_code == 202
    api.clock.advance(timedelta(minutes=59))
    again = await bulk_delete(api, name_regex_delete="y")
    assert (again.status_code, again.json()) == (400, TOO_SOON)
    api.clock.advance(timedelta(minutes=1))
    assert (await bulk_delete(api, name_regex_delete="y")).status_code == 202


async def test_a_refused_call_does_not_use_up_the_hour(api: RegistryApi) -> None:
    assert (await bulk_delete(api, name_regex_delete="(")).status_code == 400
    forbidden = await api.call(
        "DELETE", api.path + "/tags?name_regex_delete=x", "developer"
    )
    assert forbidden.status_code == 403
    assert (await bulk_delete(api, name_regex_delete="x")).status_code == 202


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        (
            {},
            (
                "name_regex, name_regex_delete are missing, "
                "at least one parameter must be provided"
            ),
        ),
        ({"name_regex": ".*", "keep_n": "five"}, "keep_n is invalid"),
        ({"name_regex": ".*", "older_than": "soon"}, "older_than is invalid"),
        ({"name_regex": ".*", "older_than": "-1d"}, "older_than is invalid"),
        ({"name_regex": ".*", "older_than": ""}, "older_than is invalid"),
        ({"name_regex": ".*", "older_than": "0"}, "older_than is invalid"),
        (
            {"name_regex_delete": "v("},
            "name_regex_delete is an invalid regexp: missing ): v(",
        ),
        (
            {"name_regex": "v(", "name_regex_keep": "[", "older_than": "x"},
            (
                "name_regex is an invalid regexp: missing ): v(, "
                "name_regex_keep is an invalid regexp: missing ]: [, "
                "older_than is invalid"
            ),
        ),
    ],
)
async def test_what_is_wrong_with_parameters_is_said(
    api: RegistryApi, parameters: dict[str, str], error: str
) -> None:
    await api.put_tags(TAGS)
    answer = await bulk_delete(api, **parameters)
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    await api.run_jobs()
    assert await api.tag_names() == sorted(TAGS)


async def test_a_preview_is_not_taken_for_the_real_thing(api: RegistryApi) -> None:
    await api.put_tags(TAGS)
    answer = await bulk_delete(api, name_regex_delete=".*", dry_run="true")
    assert answer.status_code == 200
    await api.run_jobs()
    assert await api.tag_names() == sorted(TAGS)


async def test_more_tags_than_a_batch_go_by_one_plan(api: RegistryApi) -> None:
    await api.put_tags(
        {f"v{number:04}": NOW - timedelta(minutes=number) for number in range(2500)}
    )
    answer = await bulk_delete(api, name_regex_delete="v.*", keep_n="5")
    await api.run_jobs()
    assert await api.tag_names() == [f"v{number:04}" for number in range(5)]
    job = (await api.call("GET", answer.headers["location"])).json()
    assert job["progress"] == {"done": 2495, "total": 2495}


async def test_without_an_interval_calls_follow_one_another(database: Database) -> None:
    async with registry_api(database, timedelta(0)) as api:
        for _ in range(2):
            answer = await bulk_delete(api, name_regex_delete="x")
            assert answer.status_code == 202
