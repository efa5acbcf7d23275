from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from in_process.api import Api


async def test_the_version_is_one_that_tools_can_split(api: Api) -> None:
    found = await api.get("/version")
    assert list(found) == ["version", "revision"]
    assert all(part.isdigit() for part in found["version"].split("."))


async def test_metadata_adds_to_the_version(api: Api) -> None:
    found = await api.get("/metadata")
    assert list(found) == ["version", "revision", "kas", "enterprise"]
    assert found["enterprise"] is False


async def test_the_version_is_not_for_strangers(api: Api) -> None:
    for path in ("/version", "/metadata"):
        assert (await api.call("GET", path, None)).status_code == 401
