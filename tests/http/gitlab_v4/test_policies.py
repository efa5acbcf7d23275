"""Policies over the API: made, shown, refused, previewed, run."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from contract import rows
from contract.rows import NOW
from in_process.registry_api import RegistryApi, registry_api
from moorage.domain.access import Role
from moorage.domain.projects import Scope
from moorage.jobs.schedule import queue_due
from moorage.services import policies as services
from moorage.store import members, policies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.ports.database import Database, Tx

RULES = {
    "keep": [{"name": "releases", "when": {"version": ">=1"}}],
    "delete": [{"when": {"glob": "*", "older_than": "30d"}}],
}
DAY = timedelta(days=1)


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:
        yield made


def of_project(api: RegistryApi) -> str:
    return f"/projects/{api.project.id}/registry/policies"


def of_group(api: RegistryApi) -> str:
    return f"/groups/{api.group.id}/registry/policies"


async def make(api: RegistryApi, path: str, **changes: Any) -> Any:
    body = {"name": "tidy", "cadence": "1d", "rules": RULES, **changes}
    response = await api.call("POST", path, "administrator", json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def run_due(api: RegistryApi) -> None:
    await queue_due(api.database, api.clock)
    await api.run_jobs()


@pytest.mark.parametrize("where", [of_project, of_group])
async def test_a_policy_is_made_shown_changed_and_deleted(
    api: RegistryApi, where: Any
) -> None:
    made = await make(api, where(api))
    assert made["rules"] == RULES
    assert made["next_run_at"] == "2024-03-01T12:00:00.000Z"
    assert (made["name"], made["enabled"], made["cadence"]) == ("tidy", True, "1d")
    one = f"{where(api)}/{made['id']}"
    assert (await api.call("GET", where(api), "administrator")).json() == [made]
    assert (await api.call("GET", one, "administrator")).json() == made
    changes = {"cadence": "2 weeks", "enabled": False}
    changed = await api.call("PUT", one, "administrator", json=changes)
    assert changed.json() == made | changes | {
        "next_run_at": "2024-03-14T12:00:00.000Z"
    }
    assert (await api.call("DELETE", one, "administrator")).status_code == 204
    assert (await api.call("GET", one, "administrator")).status_code == 404


async def test_rules_come_back_as_they_were_given(api: RegistryApi) -> None:
    rules = {**RULES, "keep": None}
    response = await api.call(
        "POST", of_project(api), json={"name": "tidy", "rules": rules}
    )
    assert response.json()["rules"] == rules


async def test_the_policies_of_one_are_not_those_of_another(api: RegistryApi) -> None:
    made = await make(api, of_group(api))
    response = await api.call("GET", f"{of_project(api)}/{made['id']}")
    assert response.status_code == 404
    assert (await api.call("GET", of_project(api))).json() == []


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        ("stranger", 404),
        ("anonymous", 404),
        ("reporter", 403),
        ("developer", 403),
        ("maintainer", 201),
    ],
)
async def test_maintainers_make_policies_of_projects(
    api: RegistryApi, caller: str, status: int
) -> None:
    body = {"name": "tidy", "rules": RULES}
    response = await api.call("POST", of_project(api), caller, json=body)
    assert response.status_code == status


async def test_maintainers_of_a_group_make_its_policies(api: RegistryApi) -> None:
    body = {"name": "tidy", "rules": RULES}
    response = await api.call("POST", of_group(api), json=body)
    assert response.status_code == 403
    account, level = api.accounts["maintainer"], Role.MAINTAINER
    await api.database.write(
        lambda tx: members.put(
            tx, Scope(namespace_id=api.group.id), account.id, level, now=NOW
        )
    )
    response = await api.call("POST", of_group(api), json=body)
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"rules": 1}, "rules is not an object"),
        (
            {"rules": {"delete": [{"when": {"nmae": "v.*"}}]}},
            "rules.delete[0].when.nmae is unknown",
        ),
        ({"cadence": "10s"}, "cadence does not have a valid value"),
        ({"cadence": "soon"}, "cadence does not have a valid value"),
        ({"name": " "}, "name is empty"),
    ],
)
async def test_what_is_wrong_with_a_policy_is_said(
    api: RegistryApi, changes: dict[str, Any], complaint: str
) -> None:
    body = {"name": "tidy", "rules": RULES, **changes}
    response = await api.call("POST", of_project(api), json=body)
    assert response.status_code == 400
    assert response.json() == {"error": complaint}


async def test_there_are_only_so_many_policies(
    api: RegistryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MAX_POLICIES", 2)
    await make(api, of_project(api))
    await make(api, of_project(api))
    body = {"name": "one more", "rules": RULES}
    response = await api.call("POST", of_project(api), json=body)
    assert response.status_code == 400
    assert response.json() == {"message": "400 Bad request - there are 2 already"}
    await make(api, of_group(api))


async def test_a_policy_of_a_group_runs_in_its_projects(api: RegistryApi) -> None:
    await api.put_tags(dict.fromkeys(["old", "1.0", "latest"], NOW - 40 * DAY))
    await api.put_tags({"young": NOW})
    await make(api, of_group(api))
    await run_due(api)
    assert await api.tag_names() == ["1.0", "latest", "old", "young"]
    api.clock.advance(DAY)
    await run_due(api)
    assert await api.tag_names() == ["1.0", "latest", "young"]
    shown = await api.call("GET", f"/registry/repositories/{api.repository.id}")
    assert shown.json()["cleanup_policy_started_at"] == "2024-03-01T12:00:00.000Z"
    history = await api.call("GET", f"{api.path}/tags/old/history")
    assert history.json()[0]["actor"] == "tidy"


async def test_what_one_policy_keeps_no_other_deletes(api: RegistryApi) -> None:
    await api.put_tags(dict.fromkeys(["old", "older"], NOW - 40 * DAY))
    keep = {"keep": [{"when": {"glob": "older"}}]}
    await make(api, of_group(api), name="keep", rules=keep, cadence="1 year")
    await make(api, of_project(api))
    await _put_gitlab(api, enabled=True, older_than=None, keep_n=None)
    api.clock.advance(DAY)
    await run_due(api)
    assert await api.tag_names() == ["older"]


async def test_a_protected_tag_outlives_every_policy(api: RegistryApi) -> None:
    await api.put_tags(dict.fromkeys(["old", "safe"], NOW - 40 * DAY))
    rule = {
        "tag_name_pattern": "safe",
        "minimum_access_level_for_push": "maintainer",
        "minimum_access_level_for_delete": "maintainer",
    }
    path = f"/projects/{api.project.id}/registry/protection/tag/rules"
    assert (await api.call("POST", path, json=rule)).status_code == 201
    await make(api, of_project(api))
    api.clock.advance(DAY)
    await run_due(api)
    assert await api.tag_names() == ["safe"]


async def test_a_plan_is_made_by_a_document_of_rules(api: RegistryApi) -> None:
    await api.put_tags(dict.fromkeys(["old", "1.0"], NOW - 40 * DAY))
    response = await api.call("POST", f"{api.path}/plans", json={"rules": RULES})
    assert response.status_code == 201, response.text
    body = response.json()
    assert body["parameters"] == {"rules": RULES}
    decisions = {each["name"]: each["rule"] for each in body["items"]}
    assert decisions == {"old": "delete", "1.0": "keep"}
    await api.call("POST", f"{api.path}/plans/{body['id']}/apply")
    await api.run_jobs()
    assert await api.tag_names() == ["1.0"]


async def plan(api: RegistryApi, **body: Any) -> dict[str, str]:
    """Plan; return what is decided about each tag."""
    response = await api.call("POST", f"{api.path}/plans", json=body)
    assert response.status_code == 201, response.text
    assert response.json()["parameters"] == body
    return {each["name"]: each["rule"] for each in response.json()["items"]}


@pytest.mark.parametrize("enabled", [True, False])
async def test_a_plan_of_a_policy_is_what_its_run_does(
    api: RegistryApi, *, enabled: bool
) -> None:
    await api.put_tags(dict.fromkeys(["old", "other", "safe", "1.0"], NOW - 40 * DAY))
    keep = {"keep": [{"when": {"glob": "other"}}]}
    await make(api, of_group(api), name="keep", rules=keep, cadence="1 year")
    path = f"/projects/{api.project.id}/registry/protection/tag/rules"
    rule = {
        "tag_name_pattern": "safe",
        "minimum_access_level_for_push": "maintainer",
        "minimum_access_level_for_delete": "maintainer",
    }
    assert (await api.call("POST", path, json=rule)).status_code == 201
    made = await make(api, of_project(api), enabled=enabled)
    decided = {"old": "delete", "other": "keep", "safe": "protected", "1.0": "keep"}
    assert await plan(api, policy_id=made["id"]) == decided
    assert await plan(api, rules=RULES) == decided
    changes = {"enabled": True}
    await api.call("PUT", f"{of_project(api)}/{made['id']}", json=changes)
    api.clock.advance(DAY)
    await run_due(api)
    assert await api.tag_names() == ["1.0", "other", "safe"]


async def test_a_plan_of_changed_rules_leaves_out_those_that_they_replace(
    api: RegistryApi,
) -> None:
    await api.put_tags(dict.fromkeys(["old", "1.0"], NOW - 40 * DAY))
    made = await make(api, of_group(api))
    rules = {"delete": RULES["delete"]}
    assert await plan(api, rules=rules) == {"old": "delete", "1.0": "keep"}
    changed = await plan(api, policy_id=made["id"], rules=rules)
    assert changed == {"old": "delete", "1.0": "delete"}


async def test_only_a_policy_over_the_repository_is_planned(api: RegistryApi) -> None:
    def body(tx: Tx) -> int:
        return rows.a_project(tx, api.group, "elsewhere").id

    elsewhere = await api.database.write(body)
    made = await make(api, f"/projects/{elsewhere}/registry/policies")
    for policy_id in (made["id"], made["id"] + 1):
        response = await api.call(
            "POST", f"{api.path}/plans", json={"policy_id": policy_id}
        )
        assert response.status_code == 404


async def test_a_run_can_be_undone(database: Database) -> None:
    async with registry_api(database, undo_window=7 * DAY) as api:
        await api.put_tags(dict.fromkeys(["old", "1.0"], NOW - 40 * DAY))
        await make(api, of_project(api))
        api.clock.advance(DAY)
        await run_due(api)
        assert await api.tag_names() == ["1.0"]
        history = await api.call("GET", f"{api.path}/tags/old/history")
        job_id = history.json()[0]["job_id"]
        shown = (await api.call("GET", f"/registry/jobs/{job_id}")).json()
        assert (shown["kind"], shown["state"]) == ("run_policy", "succeeded")
        assert shown["result"] == {"deleted": 1, "skipped": 0}
        undone = await api.call("POST", f"/registry/jobs/{job_id}/undo")
        assert undone.status_code == 202, undone.text
        await api.run_jobs()
        assert await api.tag_names() == ["1.0", "old"]


# GitLab's own policy


async def _put_gitlab(api: RegistryApi, **attributes: Any) -> Any:
    body = {"container_expiration_policy_attributes": attributes}
    response = await api.call("PUT", f"/projects/{api.project.id}", json=body)
    assert response.status_code == 200, response.text
    return response.json()["container_expiration_policy"]


async def test_every_project_has_a_policy_that_is_switched_off(
    api: RegistryApi,
) -> None:
    project = (await api.call("GET", f"/projects/{api.project.id}")).json()
    assert project["container_expiration_policy"] == {
        "cadence": "1d",
        "enabled": False,
        "keep_n": 10,
        "older_than": "90d",
        "name_regex": ".*",
        "name_regex_keep": None,
        "next_run_at": "2024-03-01T12:00:00.000Z",
    }


@pytest.mark.parametrize("cadence", ["1d", "7d", "14d", "1month", "3month", "36 hours"])
async def test_cadences_come_back_as_they_were_given(
    api: RegistryApi, cadence: str
) -> None:
    policy = await _put_gitlab(api, cadence=cadence, keep_n=7, older_than="45 days")
    assert policy["cadence"] == cadence
    assert (policy["keep_n"], policy["older_than"]) == (7, "45 days")


async def test_attributes_that_are_not_given_stay(api: RegistryApi) -> None:
    await _put_gitlab(api, name_regex="v.*", keep_n=None)
    policy = await _put_gitlab(api, enabled=True)
    assert (policy["name_regex"], policy["keep_n"]) == ("v.*", None)
    policy = await _put_gitlab(api, name_regex_delete="w.*")
    assert policy["name_regex"] == "w.*"


async def test_attributes_are_read_from_a_form(api: RegistryApi) -> None:
    form = {
        "container_expiration_policy_attributes[enabled]": "true",
        "container_expiration_policy_attributes[keep_n]": "5",
        "container_expiration_policy_attributes[older_than]": "",
    }
    response = await api.call("PUT", f"/projects/{api.project.id}", data=form)
    policy = response.json()["container_expiration_policy"]
    assert (policy["enabled"], policy["keep_n"]) == (True, 5)
    assert policy["older_than"] in (None, "")


async def test_a_new_project_takes_a_policy_with_it(api: RegistryApi) -> None:
    body = {
        "name": "new",
        "namespace_id": api.group.id,
        "container_expiration_policy_attributes": {"enabled": True, "keep_n": 3},
    }
    response = await api.call("POST", "/projects", "administrator", json=body)
    assert response.status_code == 201, response.text
    policy = response.json()["container_expiration_policy"]
    assert (policy["enabled"], policy["keep_n"], policy["older_than"]) == (
        True,
        3,
        "90d",
    )


@pytest.mark.parametrize(
    ("attributes", "field", "complaint"),
    [
        ({"cadence": "often"}, "cadence", "is not included in the list"),
        ({"keep_n": -1}, "keep_n", "is not included in the list"),
        ({"older_than": "x"}, "older_than", "is not included in the list"),
        ({"enabled": True, "name_regex": ""}, "name_regex", "can't be blank"),
        ({"name_regex": "("}, "name_regex", "not valid RE2 syntax: missing ): ("),
        (
            {"name_regex_keep": "("},
            "name_regex_keep",
            "not valid RE2 syntax: missing ): (",
        ),
    ],
)
async def test_what_is_wrong_is_said_as_gitlab_says_it(
    api: RegistryApi, attributes: dict[str, Any], field: str, complaint: str
) -> None:
    body = {"container_expiration_policy_attributes": attributes}
    response = await api.call("PUT", f"/projects/{api.project.id}", json=body)
    assert response.status_code == 400
    assert response.json() == {
        "message": {f"container_expiration_policy.{field}": [complaint]}
    }


async def test_every_save_postpones_the_run(api: RegistryApi) -> None:
    await _put_gitlab(api, enabled=True, cadence="7d")
    api.clock.advance(3 * DAY)
    policy = await _put_gitlab(api, keep_n=1)
    assert policy["next_run_at"] == "2024-03-10T12:00:00.000Z"


async def test_a_policy_of_gitlab_runs_without_the_hourly_lease(
    api: RegistryApi,
) -> None:
    ages = {f"v{number}": NOW - number * DAY for number in range(1, 6)}
    await api.put_tags(ages)
    await _put_gitlab(api, enabled=True, cadence="1d", keep_n=2, older_than="1d")
    api.clock.advance(DAY)
    await run_due(api)
    assert await api.tag_names() == ["v1", "v2"]
    response = await api.call("DELETE", f"{api.path}/tags?name_regex=none")
    assert response.status_code == 202
    await api.put_tags(ages)
    api.clock.advance(DAY)
    await run_due(api)
    assert await api.tag_names() == ["v1", "v2"]


async def test_a_policy_that_was_switched_off_after_it_was_queued_does_nothing(
    api: RegistryApi,
) -> None:
    await api.put_tags(dict.fromkeys(["old"], NOW - 40 * DAY))
    made = await make(api, of_project(api))
    api.clock.advance(DAY)
    await queue_due(api.database, api.clock)
    await api.database.write(lambda tx: policies.delete(tx, made["id"]))
    await api.run_jobs()
    assert await api.tag_names() == ["old"]
