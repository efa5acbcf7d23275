"""Bulk deletes, plans, policies and restores, where rules protect tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from contract import rows
from contract.rows import NOW
from in_process.registry_api import RegistryApi, registry_api
from moorage.services import guards

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.ports.database import Database, Tx

NAMES = ["frozen1", "main1", "own1", "admin1", "plain1"]
CANNOT = {"message": "403 Forbidden - cannot delete protected tag(s)"}
KEPT = {
    "maintainer": {"frozen1", "own1", "admin1"},
    "owner": {"frozen1", "admin1"},
    "administrator": {"frozen1"},
}


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:
        await made.put_equal_tags(NAMES)
        yield made


async def make_rule(api: RegistryApi, body: dict[str, Any]) -> None:
    path = f"/projects/{api.project.id}/registry/protection/tag/rules"
    answer = await api.call("POST", path, "owner", json=body)
    assert answer.status_code == 201, answer.text


async def protect(api: RegistryApi, pattern: str, level: str) -> None:
    levels = {
        "minimum_access_level_for_push": level,
        "minimum_access_level_for_delete": level,
    }
    await make_rule(api, {"tag_name_pattern": pattern, **levels})


async def protect_all(api: RegistryApi) -> None:
    await make_rule(api, {"tag_name_pattern": "^frozen", "immutable": True})
    for pattern, level in (("^main", "maintainer"), ("^own", "owner")):
        await protect(api, pattern, level)
    await protect(api, "^admin", "admin")


@pytest.mark.parametrize("caller", KEPT)
async def test_a_bulk_delete_passes_over_what_its_caller_may_not(
    api: RegistryApi, caller: str
) -> None:
    await protect_all(api)
    answer = await api.call(
        "DELETE", f"{api.path}/tags", caller, params={"name_regex_delete": ".*"}
    )
    assert answer.status_code == 202
    await api.run_jobs()
    assert set(await api.tag_names()) == KEPT[caller]


async def test_a_rule_that_comes_after_the_plan_is_obeyed(api: RegistryApi) -> None:
    body = {"name_regex_delete": ".*"}
    answer = await api.call("POST", f"{api.path}/plans", json=body)
    assert answer.status_code == 201, answer.text
    await protect_all(api)
    plan = f"{api.path}/plans/{answer.json()['id']}"
    assert (await api.call("POST", f"{plan}/apply")).status_code == 202
    await api.run_jobs()
    assert set(await api.tag_names()) == KEPT["maintainer"]


@pytest.mark.parametrize("caller", KEPT)
async def test_a_preview_shows_what_a_run_would_keep_and_why(
    api: RegistryApi, caller: str
) -> None:
    await protect_all(api)
    answer = await api.call(
        "DELETE",
        f"{api.path}/tags",
        caller,
        params={"name_regex_delete": ".*", "dry_run": "true"},
    )
    items = {item["name"]: item for item in answer.json()["items"]}
    kept = {name for name, item in items.items() if item["decision"] == "keep"}
    assert kept == KEPT[caller]
    assert items["frozen1"]["rule"] == "immutable"
    assert {items[name]["rule"] for name in kept - {"frozen1"}} <= {"protected"}


async def test_a_policy_is_nobody_and_passes_over_every_protected_tag(
    api: RegistryApi,
) -> None:
    await protect_all(api)
    project_id = api.project.id
    guard = await api.database.read(lambda tx: guards.of_job(tx, project_id, None, NOW))
    free = {name for name in NAMES if guard.allows_deletion(name)}
    assert free == {"plain1"}


@pytest.mark.parametrize("caller", ["maintainer", "owner", "administrator"])
async def test_a_single_delete_says_which_it_may_not(
    api: RegistryApi, caller: str
) -> None:
    await protect_all(api)
    for name in NAMES:
        answer = await api.call("DELETE", f"{api.path}/tags/{name}", caller)
        if name in KEPT[caller]:
            assert (answer.status_code, answer.json()) == (403, CANNOT)
        else:
            assert answer.status_code == 200


async def test_a_restore_moves_no_tag_that_a_push_may_not(api: RegistryApi) -> None:
    def again(tx: Tx) -> str:
        for name in ("frozen1", "own1", "plain1"):
            image = rows.an_image(tx, api.repository)
            rows.put_tag(tx, api.repository, name, image, NOW)
            rows.put_tag(tx, api.repository, name, other, NOW)
        return str(image.digest)

    other = await api.database.write(lambda tx: rows.an_image(tx, api.repository))
    await api.database.write(again)
    await protect_all(api)
    for name, caller, status in (
        ("frozen1", "administrator", 403),
        ("own1", "maintainer", 403),
        ("own1", "owner", 201),
        ("plain1", "maintainer", 201),
    ):
        history = await api.call("GET", f"{api.path}/tags/{name}/history", "owner")
        earlier = history.json()[1]["digest"]
        answer = await api.call(
            "POST",
            f"{api.path}/tags/{name}/restore",
            caller,
            json={"digest": earlier},
        )
        assert answer.status_code == status, answer.text
