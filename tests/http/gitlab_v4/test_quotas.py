from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from in_process.registry_api import RegistryApi, registry_api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.ports.database import Database


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:
        yield made


def paths(api: RegistryApi) -> list[str]:
    return [f"/projects/{api.project.id}", f"/groups/{api.group.id}"]


async def quota(api: RegistryApi, path: str) -> Any:
    answer = await api.call("GET", f"{path}/registry/usage", "administrator")
    return answer.json()["quota_bytes"]


async def test_an_administrator_sets_it_and_takes_it_away(api: RegistryApi) -> None:
    for path in paths(api):
        for given, expected in ((1000, 1000), (0, 0), (5, 5), (None, None)):
            body = {"registry_quota_bytes": given}
            answer = await api.call("PUT", path, "administrator", json=body)
            assert answer.status_code == 200, answer.text
            assert await quota(api, path) == expected


async def test_what_does_not_name_it_leaves_it_alone(api: RegistryApi) -> None:
    for path in paths(api):
        body = {"registry_quota_bytes": 1000}
        await api.call("PUT", path, "administrator", json=body)
        body_of_owner = {"description": "other"}
        await api.call("PUT", path, "administrator", json=body_of_owner)
        assert await quota(api, path) == 1000


async def test_nobody_else_sets_it(api: RegistryApi) -> None:
    for path in paths(api):
        body = {"registry_quota_bytes": 1000}
        answer = await api.call("PUT", path, "owner", json=body)
        assert answer.status_code == 403
        assert await quota(api, path) is None


async def test_what_is_no_number_of_bytes_is_refused(api: RegistryApi) -> None:
    for given, complaint in (
        (-1, "registry_quota_bytes does not have a valid value"),
        ("much", "registry_quota_bytes is invalid"),
    ):
        body = {"registry_quota_bytes": given}
        answer = await api.call("PUT", paths(api)[0], "administrator", json=body)
        assert (answer.status_code, answer.json()) == (400, {"error": complaint})
