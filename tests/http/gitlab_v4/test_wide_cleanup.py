from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from contract import rows
from contract.rows import NOW
from in_process.registry_api import EXTERNAL_URL, RegistryApi, registry_api
from moorage.domain.access import Role
from moorage.domain.errors import UnavailableError
from moorage.domain.jobs import FIRST_DELAY
from moorage.domain.projects import Scope
from moorage.store import jobs, members

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

FORBIDDEN = {"message": "403 Forbidden"}


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:
        await made.put_equal_tags(["old", "kept"])
        yield made


@pytest.fixture
async def other(api: RegistryApi) -> Repository:
    """Make a repository beside the first, in another project below the group."""

    def body(tx: Tx) -> Repository:
        below = rows.a_group(tx, "below", api.group)
        repository = rows.a_repository(tx, rows.a_project(tx, below, "more"), "tool")
        rows.put_tags(tx, repository, {"old": NOW, "new": NOW})
        account = api.accounts["maintainer"]
        members.put(
            tx, Scope(namespace_id=api.group.id), account.id, Role.MAINTAINER, now=NOW
        )
        return repository

    return await api.database.write(body)


async def delete(
    api: RegistryApi, owner: str, caller: str = "maintainer", **parameters: str
) -> Any:
    return await api.call("DELETE", f"{owner}/registry/tags", caller, params=parameters)


async def names(api: RegistryApi, repository: Repository) -> list[str]:
    return await api.database.read(lambda tx: rows.tag_names(tx, repository))


async def test_a_project_is_cleaned_up_as_a_whole(api: RegistryApi) -> None:
    second = await api.database.write(
        lambda tx: rows.a_repository(tx, api.project, "second")
    )
    await api.database.write(lambda tx: rows.put_tags(tx, second, {"old": NOW}))
    answer = await delete(api, f"/projects/{api.project.id}", name_regex_delete="old")
    assert (answer.status_code, answer.json()) == (202, 202)
    await api.run_jobs()
    assert await names(api, api.repository) == ["kept"]
    assert await names(api, second) == []
    location = answer.headers["location"].removeprefix(f"{EXTERNAL_URL}/api/v4")
    job = (await api.call("GET", location)).json()
    assert (job["kind"], job["state"]) == ("delete_tags_widely", "succeeded")
    assert job["progress"] == {"done": 2, "total": 2}
    assert len(job["result"]["job_ids"]) == 2
    one = await api.call("GET", f"/registry/jobs/{job['result']['job_ids'][0]}")
    assert one.json()["result"] == {"deleted": 1, "skipped": 0}


async def test_an_attempt_that_could_not_say_so_is_told_of_by_the_next(
    api: RegistryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await delete(api, f"/projects/{api.project.id}", name_regex_delete="old")

    def fail(*_args: Any, **_kwargs: Any) -> bool:
        raise UnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "succeed", fail)
        assert await api.worker.run_one()
    api.clock.advance(FIRST_DELAY)
    await api.run_jobs()
    job = (await api.call("GET", answer.headers["location"])).json()
    assert job["state"] == "succeeded"
    assert job["result"]["repositories"] == job["result"]["scheduled"] == 1
    assert job["result"]["too_soon_repository_ids"] == []
    (one,) = job["result"]["job_ids"]
    assert (await api.call("GET", f"/registry/jobs/{one}")).json()["result"] == {
        "deleted": 1,
        "skipped": 0,
    }


async def test_a_group_is_cleaned_up_at_any_depth(
    api: RegistryApi, other: Repository
) -> None:
    answer = await delete(api, f"/groups/{api.group.id}", name_regex_delete="old")
    assert answer.status_code == 202
    await api.run_jobs()
    assert await names(api, api.repository) == ["kept"]
    assert await names(api, other) == ["new"]
    location = answer.headers["location"]
    assert (await api.call("GET", location)).json()["progress"]["done"] == 2
    assert (await api.call("GET", location, "stranger")).status_code == 404
    assert (await api.call("GET", location, "developer")).status_code == 404


@pytest.mark.parametrize(
    "state", [{"archived": True}, {"container_registry_access_level": "disabled"}]
)
async def test_what_may_not_be_cleaned_up_is_neither_shown_nor_touched(
    api: RegistryApi, other: Repository, state: dict[str, object]
) -> None:
    group = Scope(namespace_id=api.group.id)
    account = api.accounts["maintainer"]
    await api.database.write(
        lambda tx: members.put(tx, group, account.id, Role.OWNER, now=NOW)
    )
    answer = await api.call("PUT", f"/projects/{other.project_id}", json=state)
    assert answer.status_code == 200, answer.text
    owner, rules = f"/groups/{api.group.id}", {"name_regex_delete": "old"}
    preview = await delete(api, owner, dry_run="true", **rules)
    assert [one["path"] for one in preview.json()] == [api.repository.path]
    answer = await delete(api, owner, **rules)
    await api.run_jobs()
    job = (await api.call("GET", answer.headers["location"])).json()
    assert job["progress"] == {"done": 1, "total": 1}
    assert await names(api, api.repository) == ["kept"]
    assert await names(api, other) == ["new", "old"]


async def test_an_expression_chooses_repositories_by_their_whole_path(
    api: RegistryApi, other: Repository
) -> None:
    await delete(
        api,
        f"/groups/{api.group.id}",
        name_regex_delete=".*",
        repository_regex="group/below/.*",
    )
    await api.run_jobs()
    assert await names(api, api.repository) == ["kept", "old"]
    assert await names(api, other) == []


async def test_the_hour_is_kept_per_repository(
    api: RegistryApi, other: Repository
) -> None:
    first = await api.call(
        "DELETE", f"{api.path}/tags", params={"name_regex_delete": "nothing"}
    )
    assert first.status_code == 202
    answer = await delete(api, f"/groups/{api.group.id}", name_regex_delete="old")
    await api.run_jobs()
    assert await names(api, api.repository) == ["kept", "old"]
    assert await names(api, other) == ["new"]
    job = (await api.call("GET", answer.headers["location"])).json()
    assert job["result"]["too_soon_repository_ids"] == [api.repository.id]


async def test_a_preview_shows_each_repository_and_changes_nothing(
    api: RegistryApi, other: Repository
) -> None:
    answer = await delete(
        api, f"/groups/{api.group.id}", name_regex_delete="old", dry_run="true"
    )
    assert answer.status_code == 200
    assert answer.headers["x-total"] == "2"
    assert [each["path"] for each in answer.json()] == [
        "group/project/image",
        other.path,
    ]
    assert answer.json()[0]["summary"]["delete"] == 1
    await api.run_jobs()
    assert await names(api, api.repository) == ["kept", "old"]


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        ("anonymous", 404),
        ("stranger", 404),
        ("guest", 403),
        ("reporter", 403),
        ("developer", 403),
        ("maintainer", 202),
        ("owner", 202),
        ("administrator", 202),
    ],
)
async def test_a_project_needs_who_may_clean_up_one_repository(
    api: RegistryApi, caller: str, status: int
) -> None:
    owner = f"/projects/{api.project.id}"
    answer = await delete(api, owner, caller, name_regex_delete="x")
    assert answer.status_code == status
    single = await api.call(
        "DELETE", f"{api.path}/tags", caller, params={"name_regex_delete": "x"}
    )
    assert single.status_code == status


@pytest.mark.parametrize(
    ("level", "status"),
    [(Role.REPORTER, 403), (Role.DEVELOPER, 403), (Role.MAINTAINER, 202)],
)
async def test_a_group_needs_its_maintainer(
    api: RegistryApi, level: Role, status: int
) -> None:
    account = api.accounts["stranger"]
    await api.database.write(
        lambda tx: members.put(
            tx, Scope(namespace_id=api.group.id), account.id, level, now=NOW
        )
    )
    owner = f"/groups/{api.group.id}"
    answer = await delete(api, owner, "stranger", name_regex_delete="x")
    assert answer.status_code == status
    assert (await delete(api, owner, "developer", name_regex_delete="x")).json() == (
        FORBIDDEN
    )


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
        ({"name_regex_delete": "x", "older_than": "soon"}, "older_than is invalid"),
    ],
)
async def test_wrong_parameters_are_refused(
    api: RegistryApi, parameters: dict[str, str], error: str
) -> None:
    answer = await delete(api, f"/projects/{api.project.id}", **parameters)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


async def test_an_expression_that_is_none_is_refused(api: RegistryApi) -> None:
    answer = await delete(
        api,
        f"/projects/{api.project.id}",
        name_regex_delete="x",
        repository_regex="(",
    )
    assert answer.status_code == 400
    assert "repository_regex is an invalid regexp" in answer.json()["error"]
