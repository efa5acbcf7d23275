from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from in_process.api import Api

URL = "https://hooks.example/registry"


async def test_a_maintainer_adds_lists_and_removes_webhooks(api: Api) -> None:
    project = await api.project()
    maintainer = await api.member(project, 40)
    path = f"/projects/{project['id']}/registry/webhooks"
    made = await api.post(path, {"url": URL}, maintainer.token)
    assert made == {
        "id": made["id"],
        "project_id": project["id"],
        "url": URL,
        "created_at": made["created_at"],
    }
    assert await api.get(path, maintainer.token) == [made]
    assert await api.get(f"{path}/{made['id']}", maintainer.token) == made
    response = await api.call("DELETE", f"{path}/{made['id']}", maintainer.token)
    assert response.status_code == 204
    assert await api.get(path, maintainer.token) == []
    response = await api.call("DELETE", f"{path}/{made['id']}", maintainer.token)
    assert response.status_code == 404


async def test_the_password_in_an_address_is_not_shown(api: Api) -> None:
    project = await api.project()
    made = await api.post(
        f"/projects/{project['id']}/registry/webhooks",
        {"url": "https://me:secret@hooks.example:8443/a?b=c"},
    )
    assert made["url"] == "https://me:***@hooks.example:8443/a?b=c"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "ftp://hooks.example",
        "https://",
        "https://a b",
        "https://x:99999/",
        "https://x:port/",
        "https://é.example/",
        "https://x/" + "a" * 2000,
    ],
)
async def test_what_is_no_address_is_refused(api: Api, url: str) -> None:
    project = await api.project()
    response = await api.call(
        "POST", f"/projects/{project['id']}/registry/webhooks", json={"url": url}
    )
    assert response.status_code == 400


async def test_an_address_is_told_once(api: Api) -> None:
    path = f"/projects/{(await api.project())['id']}/registry/webhooks"
    await api.post(path, {"url": URL})
    response = await api.call("POST", path, json={"url": URL})
    assert response.status_code == 409


@pytest.mark.parametrize(
    ("level", "status"), [(10, 403), (20, 403), (30, 403), (40, 200), (50, 200)]
)
async def test_members_below_maintainer_see_no_webhooks(
    api: Api, level: int, status: int
) -> None:
    project = await api.project()
    member = await api.member(project, level)
    path = f"/projects/{project['id']}/registry/webhooks"
    assert (await api.call("GET", path, member.token)).status_code == status


async def test_strangers_learn_nothing(api: Api) -> None:
    group = await api.group(visibility="private")
    project = await api.project(namespace_id=group["id"], visibility="private")
    stranger = await api.person()
    path = f"/projects/{project['id']}/registry/webhooks"
    made = await api.post(path, {"url": URL})
    for token in (stranger.token, None):
        for one in (path, f"{path}/{made['id']}"):
            assert (await api.call("GET", one, token)).status_code == 404


async def test_a_webhook_of_another_project_is_not_there(api: Api) -> None:
    first, second = await api.project(), await api.project()
    made = await api.post(f"/projects/{first['id']}/registry/webhooks", {"url": URL})
    path = f"/projects/{second['id']}/registry/webhooks/{made['id']}"
    for method in ("GET", "DELETE"):
        assert (await api.call(method, path)).status_code == 404
