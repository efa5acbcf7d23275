from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from in_process.api import Api


async def test_a_project_is_made_and_found_by_number_and_by_path(api: Api) -> None:
    group = await api.group()
    made = await api.project(namespace_id=group["id"])
    assert await api.get(f"/projects/{made['id']}") == made
    assert await api.get(f"/projects/{group['path']}%2F{made['path'].upper()}") == made
