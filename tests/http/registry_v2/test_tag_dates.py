"""A tag's date is its image's, or by a setting the time of the push."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from in_process.registry import ROOT_TOKEN, Registry, image, index
from moorage.domain.media_types import OCI_INDEX

if TYPE_CHECKING:
    from moorage.wiring import Services

NAME = "root/app/image"
HEADERS = {"PRIVATE-TOKEN": ROOT_TOKEN}
BUILT = "2024-05-01T12:00:00.000+00:00"


async def call(registry: Registry, method: str, path: str) -> Any:
    answer = await registry.send(method, path, headers=HEADERS, auth=None)
    assert answer.is_success, answer.text
    return answer.json()


async def repository_path(registry: Registry) -> str:
    base = "/api/v4/projects/root%2Fapp/registry/repositories"
    return f"{base}/{(await call(registry, 'GET', base))[0]['id']}"


async def created_at(registry: Registry, tag: str) -> str:
    path = await repository_path(registry)
    found: str = (await call(registry, "GET", f"{path}/tags/{tag}"))["created_at"]
    return found


async def preview(registry: Registry) -> dict[str, str]:
    """Return when tags were created, of those that are older than a month."""
    path = await repository_path(registry)
    query = "name_regex=.*&older_than=1month&dry_run=true&decision=delete"
    plan = await call(registry, "DELETE", f"{path}/tags?{query}")
    return {each["name"]: each["created_at"] for each in plan["items"]}


def is_now(text: str) -> bool:
    age = datetime.now(UTC) - datetime.fromisoformat(text)
    return abs(age.total_seconds()) < 60


class TestPushed:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"tag_date": "pushed"}

    async def test_the_time_of_the_push_is_what_lists_show_and_rules_order_by(
        self, registry: Registry
    ) -> None:
        await registry.push_image(NAME)
        body = index(image())
        await registry.push_manifest(NAME, "multi", body, OCI_INDEX)
        assert is_now(await created_at(registry, "v1"))
        assert is_now(await created_at(registry, "multi"))
        assert await preview(registry) == {}

    @pytest.mark.parametrize("way", ["tags/v1/restore", "restore"])
    async def test_what_is_restored_has_it_as_well(
        self, registry: Registry, services: Services, way: str
    ) -> None:
        await registry.push_image(NAME)
        path = await repository_path(registry)
        await call(registry, "DELETE", f"{path}/tags/v1")
        await call(registry, "POST", f"{path}/{way}")
        while await services.worker.run_one():
            pass
        assert is_now(await created_at(registry, "v1"))


async def test_by_default_it_is_the_images_own(registry: Registry) -> None:
    await registry.push_image(NAME)
    assert await created_at(registry, "v1") == BUILT
    assert set(await preview(registry)) == {"v1"}
