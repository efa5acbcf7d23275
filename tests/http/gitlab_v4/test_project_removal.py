"""What becomes of images when their project is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from in_process.registry_api import RegistryApi, registry_api
from moorage.services import removal
from moorage.store import repositories

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.ports.database import Database


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:
        yield made


async def delete(api: RegistryApi) -> tuple[int, object]:
    response = await api.call("DELETE", f"/projects/{api.project.id}", "owner")
    return response.status_code, response.json()


async def test_deleted_repositories_do_not_keep_a_project(api: RegistryApi) -> None:
    await api.put_equal_tags(["a"])
    assert (await api.call("DELETE", api.path)).status_code == 202
    await api.run_jobs()
    assert await delete(api) == (202, {"message": "202 Accepted"})
    listed = await api.call("GET", f"/projects/{api.project.id}", "administrator")
    assert listed.status_code == 404


async def test_the_tags_go_with_the_project(api: RegistryApi) -> None:
    await api.put_equal_tags(["a", "b"])
    assert (await delete(api))[0] == 202
    assert await api.tag_names() == []
    listed = await api.call(
        "GET", f"/groups/{api.group.id}/registry/repositories", "administrator"
    )
    assert listed.json() == []
    found = await api.call(
        "GET", f"/registry/repositories/{api.repository.id}", "administrator"
    )
    assert found.status_code == 404


async def test_many_tags_are_hidden_at_once_and_removed_by_a_job(
    api: RegistryApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "BATCH", 2)
    await api.put_equal_tags(["a", "b", "c", "d", "e"])
    assert (await delete(api))[0] == 202
    assert await api.tag_names() == ["c", "d", "e"]
    path = api.repository.path
    assert (
        await api.database.read(lambda tx: repositories.find_by_path(tx, path)) is None
    )
    await api.run_jobs()
    assert await api.tag_names() == []


async def test_a_hold_keeps_a_project(api: RegistryApi) -> None:
    await api.put_equal_tags(["a"])
    held = await api.call(
        "POST", f"{api.path}/holds", json={"tag": "a", "reason": "audit"}
    )
    assert held.status_code == 201, held.text
    status, _ = await delete(api)
    assert status == 409
    assert await api.tag_names() == ["a"]


async def test_a_rule_keeps_a_project(api: RegistryApi) -> None:
    await api.put_equal_tags(["a"])
    rule = await api.call(
        "POST",
        f"/projects/{api.project.id}/registry/protection/tag/rules",
        json={
            "tag_name_pattern": "a",
            "minimum_access_level_for_push": "admin",
            "minimum_access_level_for_delete": "admin",
        },
    )
    assert rule.status_code == 201, rule.text
    assert (await delete(api))[0] == 403
    assert await api.tag_names() == ["a"]
