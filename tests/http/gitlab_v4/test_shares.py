from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from in_process.api import Api, Json


async def share(api: Api, of: Json, group: Json, level: int, **more: object) -> Json:
    folder = "projects" if "path_with_namespace" in of else "groups"
    body = {"group_id": group["id"], "group_access": level, **more}
    made: Json = await api.post(f"/{folder}/{of['id']}/share", body)
    return made


async def test_a_group_is_invited_to_a_project(api: Api) -> None:
    project, group = await api.project(), await api.group(visibility="private")
    person = await api.member(group, 40)
    path = f"/projects/{project['id']}"
    assert (await api.call("GET", path, person.token)).status_code == 404
    made = await share(api, project, group, 30, expires_at="2090-01-01")
    assert made == {
        "id": made["id"],
        "project_id": project["id"],
        "group_id": group["id"],
        "group_access": 30,
        "expires_at": "2090-01-01",
    }
    shown = await api.get(path, person.token)
    assert shown["permissions"]["group_access"]["access_level"] == 30
    assert shown["shared_with_groups"] == [
        {
            "group_id": group["id"],
            "group_name": group["name"],
            "group_full_path": group["full_path"],
            "group_access_level": 30,
            "expires_at": "2090-01-01",
        }
    ]
    listed = await api.get("/projects?membership=true", person.token)
    assert [one["id"] for one in listed] == [project["id"]]
    everybody = {
        one["id"]: one["access_level"] for one in await api.get(f"{path}/members/all")
    }
    assert everybody[person.id] == 30
    response = await api.call("DELETE", f"{path}/share/{group['id']}")
    assert response.status_code == 204
    assert (await api.call("GET", path, person.token)).status_code == 404
    response = await api.call("DELETE", f"{path}/share/{group['id']}")
    assert response.status_code == 404
    assert response.json() == {"message": "404 Group Link Not Found"}


async def test_a_group_is_invited_to_a_group(api: Api) -> None:
    outer, group = await api.group(visibility="private"), await api.group()
    project = await api.project(namespace_id=outer["id"])
    person = await api.member(group, 50)
    shown = await share(api, outer, group, 20)
    (invited,) = shown["shared_with_groups"]
    assert (invited["group_id"], invited["expires_at"]) == (group["id"], None)
    seen = await api.get(f"/projects/{project['id']}", person.token)
    assert seen["permissions"]["group_access"]["access_level"] == 20
    path = f"/groups/{outer['id']}"
    assert (await api.get(path, person.token))["shared_with_groups"] == [invited]
    everybody = await api.get(f"{path}/members/all")
    assert person.id in [one["id"] for one in everybody]
    response = await api.call("DELETE", f"{path}/share/{group['id']}")
    assert response.status_code == 204
    assert (await api.call("GET", path, person.token)).status_code == 404


async def test_projects_that_a_group_was_invited_to_are_listed_with_its_own(
    api: Api,
) -> None:
    project, group = await api.project(), await api.group()
    await share(api, project, group, 20)
    path = f"/groups/{group['id']}"
    (listed,) = await api.get(f"{path}/projects")
    assert listed["id"] == project["id"]
    assert await api.get(f"{path}/projects?with_shared=false") == []
    shown = await api.get(path)
    assert shown["projects"] == []
    assert [one["id"] for one in shown["shared_projects"]] == [project["id"]]
    # Who does not see the project does not see it here either.
    assert (await api.get(path, None))["shared_projects"] == []


async def test_a_hidden_group_is_not_shown_to_who_does_not_see_it(api: Api) -> None:
    project = await api.project()
    hidden = await api.group(visibility="private")
    reader = await api.member(project, 20)
    await share(api, project, hidden, 20)
    shown = await api.get(f"/projects/{project['id']}", reader.token)
    assert shown["shared_with_groups"] == []


@pytest.mark.parametrize("kind", ["projects", "groups"])
async def test_an_invitation_that_cannot_be_is_refused(api: Api, kind: str) -> None:
    project, group = await api.project(), await api.group()
    of = project if kind == "projects" else project["namespace"]
    path = f"/{kind}/{of['id']}/share"
    good = {"group_id": group["id"], "group_access": 30}
    await api.post(path, good)
    for change, status in (
        ({}, 409),
        ({"group_id": 999}, 404),
        ({"group_id": "x"}, 400),
        ({"group_access": 35}, 400),
        ({"expires_at": "2001-01-01"}, 400),
        ({"group_id": None}, 400),
    ):
        response = await api.call("POST", path, json={**good, **change})
        assert response.status_code == status, response.text
    if kind == "groups":
        response = await api.call("POST", path, json={**good, "group_id": of["id"]})
        assert response.status_code == 400


async def test_who_invites_manages_members_and_gives_no_more_than_they_have(
    api: Api,
) -> None:
    project, group = await api.project(), await api.group()
    path = f"/projects/{project['id']}/share"
    developer, maintainer = (
        await api.member(project, 30),
        await api.member(project, 40),
    )
    body = {"group_id": group["id"], "group_access": 50}
    for person in (developer, maintainer):
        response = await api.call("POST", path, person.token, json=body)
        assert response.status_code == 403
    await api.post(path, {**body, "group_access": 40}, maintainer.token)
    response = await api.call("DELETE", f"{path}/{group['id']}", developer.token)
    assert response.status_code == 403
    assert (await api.call("POST", path, None, json=body)).status_code == 401
