"""Plans of bulk deletes: seen, kept, applied, and undone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from conftest import ENGINES
from contract import rows
from contract.rows import NOW
from in_process.registry_api import EXTERNAL_URL, RegistryApi, registry_api
from moorage.services import plans
from moorage.store import plans as stored_plans

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from moorage.ports.database import Database, Tx

pytestmark = pytest.mark.parametrize("engine", ENGINES, indirect=True)

DAY = timedelta(days=1)
WINDOW = timedelta(days=7)

NAMES = ["latest", "v5", "v4", "v3", "v2", "v1", "rc1"]
TAGS = {name: NOW - age * DAY for age, name in enumerate(NAMES)}
RULES = {"name_regex_delete": "v.*", "name_regex_keep": "v4", "keep_n": "1"}
GOING = ["v3", "v2", "v1"]


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database, undo_window=WINDOW) as made:
        await made.put_tags(TAGS)
        yield made


async def preview(api: RegistryApi, **more: str) -> httpx.Response:
    parameters = {**RULES, "dry_run": "true", **more}
    return await api.call("DELETE", api.path + "/tags", params=parameters)


async def make_plan(api: RegistryApi, **more: str) -> dict[str, Any]:
    answer = await api.call("POST", api.path + "/plans", data={**RULES, **more})
    assert answer.status_code == 201, answer.text
    plan: dict[str, Any] = answer.json()
    return plan


async def apply(api: RegistryApi, plan_id: int) -> httpx.Response:
    return await api.call("POST", f"{api.path}/plans/{plan_id}/apply")


async def job(api: RegistryApi, location: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api.call("GET", location)).json()
    return found


def going(plan: dict[str, Any]) -> list[str]:
    return [each["name"] for each in plan["items"] if each["decision"] == "delete"]


async def test_a_preview_shows_every_tag_and_why(api: RegistryApi) -> None:
    answer = await preview(api)
    assert answer.status_code == 200
    plan = answer.json()
    assert plan["id"] is None
    assert plan["expires_at"] is None
    assert plan["parameters"] == {**RULES, "keep_n": 1}
    assert plan["warnings"] == []
    assert plan["summary"] == {"total": 7, "keep": 4, "delete": 3, "freed_bytes": 0}
    assert {each["name"]: each["rule"] for each in plan["items"]} == {
        "latest": "latest",
        "v5": "keep_n",
        "v4": "keep",
        "v3": "delete",
        "v2": "delete",
        "v1": "delete",
        "rc1": "unmatched",
    }
    item = plan["items"][3]
    digest = item.pop("digest")
    assert digest.startswith("sha256:")
    assert item == {
        "name": "v3",
        "decision": "delete",
        "rule": "delete",
        "reason": (
            "Its name matches the delete pattern, it is not among the 1 newest."
        ),
        "created_at": "2024-02-26T12:00:00.000+00:00",
        "pushed_at": "2024-02-29T12:00:00.000+00:00",
        "last_pulled_at": None,
        "total_size": 1000,
        "exclusive_bytes": 0,
    }


async def test_a_preview_changes_nothing_and_leaves_the_hour(api: RegistryApi) -> None:
    for _ in range(2):
        assert (await preview(api)).status_code == 200
    await api.run_jobs()
    assert await api.tag_names() == sorted(TAGS)
    answer = await api.call("DELETE", api.path + "/tags", params=RULES)
    assert answer.status_code == 202


async def test_what_the_preview_shows_is_what_the_run_deletes(
    api: RegistryApi,
) -> None:
    shown = going((await preview(api)).json())
    await api.call("DELETE", api.path + "/tags", params=RULES)
    await api.run_jobs()
    assert sorted(set(TAGS) - set(await api.tag_names())) == sorted(shown)


async def test_items_come_in_pages_and_by_decision(api: RegistryApi) -> None:
    plan = await make_plan(api)
    for path, method, more in (
        ("/tags", "DELETE", {**RULES, "dry_run": "true"}),
        (f"/plans/{plan['id']}", "GET", {}),
    ):
        parameters = {**more, "decision": "delete", "per_page": "2", "page": "2"}
        answer = await api.call(method, api.path + path, params=parameters)
        assert [each["name"] for each in answer.json()["items"]] == ["v1"]
        assert answer.json()["summary"]["total"] == 7
        assert answer.headers["x-total"] == "3"
        assert answer.headers["x-prev-page"] == "1"
        parameters = {**more, "per_page": "3", "page": "2"}
        answer = await api.call(method, api.path + path, params=parameters)
        assert [each["name"] for each in answer.json()["items"]] == ["v3", "v2", "v1"]
        assert answer.headers["x-total-pages"] == "3"
    wrong = await preview(api, decision="perhaps")
    assert wrong.json() == {"error": "decision does not have a valid value"}


async def test_a_stored_plan_is_the_preview_with_a_name(api: RegistryApi) -> None:
    seen, plan = (await preview(api)).json(), await make_plan(api)
    assert plan["expires_at"] == "2024-03-01T12:00:00.000Z"
    unnamed = {**plan, "id": None, "expires_at": None}
    assert unnamed == seen
    again = await api.call("GET", f"{api.path}/plans/{plan['id']}")
    assert again.json() == plan


async def test_applying_deletes_exactly_what_the_plan_says(api: RegistryApi) -> None:
    plan = await make_plan(api)
    # Newer tags would change what the rules choose, and one moves.
    await api.put_tags({"v6": NOW + DAY, "v7": NOW + DAY})

    def move(tx: Any) -> None:
        rows.put_tag(tx, api.repository, "v2", rows.an_image(tx, api.repository))

    await api.database.write(move)
    answer = await apply(api, plan["id"])
    assert answer.status_code == 202
    location = answer.headers["location"]
    assert location == f"{EXTERNAL_URL}/api/v4/registry/jobs/{answer.json()['id']}"
    await api.run_jobs()
    assert await api.tag_names() == sorted({*TAGS, "v6", "v7"} - {"v3", "v1"})
    assert (await job(api, location))["result"] == {"deleted": 2, "skipped": 1}
    assert (await api.call("GET", f"{api.path}/plans/{plan['id']}")).json()[
        "job_id"
    ] == answer.json()["id"]


async def test_a_plan_is_applied_once_and_not_too_late(api: RegistryApi) -> None:
    first, second = await make_plan(api), await make_plan(api)
    assert (await apply(api, first["id"])).status_code == 202
    again = await apply(api, first["id"])
    assert (again.status_code, again.json()) == (
        409,
        {"message": "the plan was already applied"},
    )
    api.clock.advance(DAY)
    late = await apply(api, second["id"])
    assert late.status_code == 409
    assert "expired" in late.json()["message"]


async def test_applying_neither_needs_nor_takes_the_hour(api: RegistryApi) -> None:
    plan = await make_plan(api)
    params = {"name_regex_delete": "x"}
    assert (await api.call("DELETE", api.path + "/tags", params=params)).is_success
    assert (await apply(api, plan["id"])).status_code == 202


async def test_a_plan_of_nothing_is_applied_too(api: RegistryApi) -> None:
    plan = await make_plan(api, name_regex_delete="nothing")
    location = (await apply(api, plan["id"])).headers["location"]
    await api.run_jobs()
    assert (await job(api, location))["result"] == {"deleted": 0, "skipped": 0}
    assert await api.tag_names() == sorted(TAGS)


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        *(("anonymous", 404), ("stranger", 404), ("guest", 403)),
        *(("reporter", 403), ("developer", 403)),
    ],
)
async def test_plans_are_for_those_who_may_delete(
    api: RegistryApi, caller: str, expected: int
) -> None:
    plan = await make_plan(api)
    for method, path in (
        ("DELETE", "/tags?name_regex=x&dry_run=true"),
        ("POST", "/plans?name_regex=x"),
        ("GET", f"/plans/{plan['id']}"),
        ("POST", f"/plans/{plan['id']}/apply"),
    ):
        answer = await api.call(method, api.path + path, caller)
        assert answer.status_code == expected, path
    await api.run_jobs()
    assert await api.tag_names() == sorted(TAGS)


async def test_a_plan_belongs_to_its_repository(api: RegistryApi) -> None:
    plan = await make_plan(api)
    other = await api.database.write(
        lambda tx: rows.a_repository(tx, api.project, "other")
    )
    for method, suffix in (("GET", ""), ("POST", "/apply")):
        path = f"{api.repositories_path}/{other.id}/plans/{plan['id']}{suffix}"
        assert (await api.call(method, path)).status_code == 404
    assert (await api.call("GET", api.path + "/plans/999")).status_code == 404


async def test_wrong_rules_make_no_plan(api: RegistryApi) -> None:
    answer = await api.call("POST", api.path + "/plans", data={"name_regex": "("})
    assert answer.status_code == 400
    assert (await preview(api, older_than="soon")).status_code == 400


async def test_a_run_can_be_undone_as_a_whole(api: RegistryApi) -> None:
    plan = await make_plan(api)
    location = (await apply(api, plan["id"])).headers["location"]
    assert (await api.call("POST", location + "/undo")).status_code == 409
    await api.run_jobs()
    assert (await job(api, location))["undoable_until"] == "2024-03-07T12:00:00.000Z"
    # One comes back meanwhile, at another image: it is left alone.
    await api.put_tags({"v2": NOW})
    answer = await api.call("POST", location + "/undo")
    assert (answer.status_code, answer.json()["kind"]) == (202, "restore_tags")
    await api.run_jobs()
    assert await api.tag_names() == sorted(TAGS)
    undo = answer.headers["location"]
    assert (await job(api, undo))["result"] == {"restored": 2, "skipped": 1}
    items = (await api.call("GET", undo + "/items")).json()
    assert [(each["name"], each["outcome"], each["reason"]) for each in items] == [
        ("v1", "restored", "It was removed."),
        ("v2", "skipped", "It is there again."),
        ("v3", "restored", "It was removed."),
    ]
    assert (await job(api, undo))["undoable_until"] is None
    assert (await api.call("POST", undo + "/undo")).status_code == 409


async def test_a_run_is_undone_within_the_window_only(api: RegistryApi) -> None:
    location = (await api.call("DELETE", api.path + "/tags", params=RULES)).headers[
        "location"
    ]
    await api.run_jobs()
    api.clock.advance(WINDOW)
    late = await api.call("POST", location + "/undo")
    assert late.status_code == 409
    for caller, expected in (("stranger", 404), ("developer", 403)):
        answer = await api.call("POST", location + "/undo", caller)
        assert answer.status_code == expected


async def test_a_plan_that_is_being_made_is_not_there_yet(
    api: RegistryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A constant, so that the test does not need ten thousand tags.
    monkeypatch.setattr(plans, "BATCH", 2)
    seen: list[int] = []
    add_items = stored_plans.add_items

    def look_first(tx: Tx, plan_id: int, *rest: Any) -> None:
        assert stored_plans.find(tx, api.repository.id, plan_id) is None
        assert stored_plans.lock(tx, api.repository.id, plan_id) is None
        seen.append(plan_id)
        add_items(tx, plan_id, *rest)

    # To look between two transactions of the one call.
    monkeypatch.setattr(stored_plans, "add_items", look_first)
    plan = await make_plan(api)
    assert seen == [plan["id"]] * 4
    assert [each["name"] for each in plan["items"]] == NAMES
    found = await api.call("GET", f"{api.path}/plans/{plan['id']}")
    assert found.json()["items"] == plan["items"]
