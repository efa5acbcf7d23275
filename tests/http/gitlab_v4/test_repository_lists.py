from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conftest import ENGINES
from contract import rows
from in_process.registry_api import RegistryApi, registry_api
from moorage.domain.usage import Sums
from moorage.store import usage_sums, uses
from moorage.store.uses import TagUse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx


pytestmark = pytest.mark.parametrize("engine", ENGINES, indirect=True)


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:

        def body(tx: Tx) -> None:
            proxy = rows.a_repository(tx, made.project, "web/proxy")
            usage_sums.note(tx, proxy.id, Sums(0, 5))
            usage_sums.note(tx, made.repository.id, Sums(0, 7))
            usage_sums.fold(tx, 10, now=rows.NOW)
            usage_sums.note(tx, proxy.id, Sums(0, 4))
            rows.a_repository(tx, made.project, "web/app")

        await made.database.write(body)
        await made.put_equal_tags(["v1"])
        await made.database.write(lambda tx: _use(tx, made.repository))
        yield made


def _use(tx: Tx, repository: Repository) -> None:
    uses.add(tx, [], [TagUse(repository.id, "v1", 1, rows.NOW)])


@pytest.mark.parametrize("owner", ["projects/{0.project.id}", "groups/{0.group.id}"])
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "image web/proxy web/app"),
        ("sort=desc", "web/app web/proxy image"),
        ("order_by=name", "image web/app web/proxy"),
        ("order_by=name&sort=desc", "web/proxy web/app image"),
        ("order_by=tags", "web/proxy web/app image"),
        ("order_by=tags&sort=desc", "image web/app web/proxy"),
        ("order_by=pushed", "web/proxy web/app image"),
        ("order_by=pulled", "web/proxy web/app image"),
        ("order_by=size", "web/app image web/proxy"),
        ("order_by=size&sort=desc", "web/proxy image web/app"),
        ("order_by=pushed&sort=desc&search=a", "image web/app"),
        ("search=WEB&order_by=name", "web/app web/proxy"),
        ("search=/pr", "web/proxy"),
        ("search=nothing", ""),
    ],
)
async def test_repositories_come_in_the_order_asked_for(
    api: RegistryApi, owner: str, query: str, names: str
) -> None:
    if "search=/pr" in query and "groups" in owner:
        query = "search=web/pr"
    answer = await api.call(
        "GET",
        f"/{owner.format(api)}/registry/repositories?{query}",
        "administrator",
    )
    assert [each["name"] for each in answer.json()] == names.split()
    assert answer.headers["x-total"] == str(len(names.split()))


async def test_a_group_shows_what_a_project_s_registry_is_on_for(
    api: RegistryApi,
) -> None:
    shown = []
    for level in ("disabled", "private", "disabled", "enabled"):
        path = f"/projects/{api.project.id}?container_registry_access_level={level}"
        assert (await api.call("PUT", path, "administrator")).status_code == 200
        path = f"/groups/{api.group.id}/registry/repositories"
        answer = await api.call("GET", path, "administrator")
        shown.append(len(answer.json()))
    assert shown == [0, 3, 0, 3]


async def test_details_tell_of_the_last_use(api: RegistryApi) -> None:
    answer = await api.call("GET", f"{api.repositories_path}?details=true")
    first, second, _ = answer.json()
    assert first["tags_count"] == 1
    assert first["last_pushed_at"] == "2024-02-29T12:00:00.000Z"
    assert first["last_pulled_at"] == "2024-02-29T12:00:00.000Z"
    assert (second["tags_count"], second["last_pushed_at"]) == (0, None)
    assert second["last_pulled_at"] is None


async def test_a_repository_is_found_by_its_path(api: RegistryApi) -> None:
    path = "/registry/repositories/by-path/group%2FProject%2Fimage"
    answer = await api.call("GET", path)
    assert answer.status_code == 200
    by_id = await api.call("GET", f"/registry/repositories/{api.repository.id}")
    assert answer.json() == by_id.json()


@pytest.mark.parametrize(
    ("caller", "path", "status"),
    [
        ("anonymous", "group%2Fproject%2Fimage", 401),
        ("stranger", "group%2Fproject%2Fimage", 404),
        ("stranger", "group%2Fproject%2Fnothing", 404),
        ("guest", "group%2Fproject%2Fimage", 403),
    ],
)
async def test_a_stranger_learns_nothing_by_a_path(
    api: RegistryApi, caller: str, path: str, status: int
) -> None:
    answer = await api.call("GET", f"/registry/repositories/by-path/{path}", caller)
    assert answer.status_code == status
