from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from in_process.api import URL

if TYPE_CHECKING:
    from in_process.api import Api

MOVED = {"message": "Non GET methods are not allowed for moved projects"}


def encoded(path: str) -> str:
    return path.replace("/", "%2F")


async def test_a_project_is_transferred_by_path_and_by_number(api: Api) -> None:
    project, target = await api.project(), await api.group()
    path = f"/projects/{project['id']}/transfer"
    for namespace in (target["full_path"], project["namespace"]["id"]):
        response = await api.call("PUT", path, json={"namespace": namespace})
        assert response.status_code == 200
        moved = response.json()
        assert namespace in moved["namespace"].values()
        assert await api.get(f"/projects/{project['id']}") == moved
    response = await api.post(f"/groups/{target['id']}/projects/{project['id']}", {})
    assert response["id"] == target["id"]
    (listed,) = await api.get(f"/groups/{target['id']}/projects")
    assert listed["id"] == project["id"]


async def test_a_project_is_not_transferred_where_it_cannot_be(api: Api) -> None:
    project, target = await api.project(), await api.group()
    await api.project(name=project["name"], namespace_id=target["id"])
    path = f"/projects/{project['id']}/transfer"
    for namespace, status, message in (
        (project["namespace"]["id"], 400, "Project is already in this namespace."),
        (target["id"], 400, "in target namespace already exists"),
        ("nowhere", 404, "404 Namespace Not Found"),
    ):
        response = await api.call("PUT", path, json={"namespace": namespace})
        assert response.status_code == status
        assert message in response.json()["message"]
    response = await api.call("PUT", path, json={})
    assert response.json() == {"error": "namespace is missing"}


async def test_who_transfers_owns_the_one_and_makes_projects_in_the_other(
    api: Api,
) -> None:
    project, target = await api.project(), await api.group()
    path, body = f"/projects/{project['id']}/transfer", {"namespace": target["id"]}
    owner = await api.member(project, 50)
    maintainer = await api.member(project, 40)
    membership = {"user_id": maintainer.id, "access_level": 50}
    await api.post(f"/groups/{target['id']}/members", membership)
    for person in (owner, maintainer):
        response = await api.call("PUT", path, person.token, json=body)
        assert response.status_code == 403
    membership = {"user_id": owner.id, "access_level": 40}
    await api.post(f"/groups/{target['id']}/members", membership)
    response = await api.call("PUT", path, owner.token, json=body)
    assert response.status_code == 200


async def test_a_group_is_transferred_into_another_and_to_the_top(api: Api) -> None:
    group, parent = await api.group(), await api.group()
    project = await api.project(namespace_id=group["id"])
    path = f"/groups/{group['id']}/transfer"
    moved = await api.post(path, {"group_id": parent["id"]})
    assert moved["full_path"] == f"{parent['path']}/{group['path']}"
    assert moved["parent_id"] == parent["id"]
    shown = await api.get(f"/projects/{project['id']}")
    assert shown["path_with_namespace"] == f"{moved['full_path']}/{project['path']}"
    assert (await api.post(path, {}))["parent_id"] is None
    await api.group(path=group["path"], parent_id=parent["id"])
    inner = await api.group(parent_id=group["id"])
    for target, message in (
        (None, "a top-level group"),
        (parent["id"], "with the same path"),
        (inner["id"], "lies in it"),
    ):
        body = {} if target is None else {"group_id": target}
        response = await api.call("POST", path, json=body)
        assert response.status_code == 400
        assert message in response.json()["message"]


async def test_a_former_path_leads_a_get_to_the_number(api: Api) -> None:
    project, target = await api.project(), await api.group()
    former = f"/projects/{encoded(project['path_with_namespace'])}"
    own = f"{URL}/api/v4/projects/{project['id']}"
    path = f"/projects/{project['id']}/transfer"
    await api.call("PUT", path, json={"namespace": target["id"]})
    for rest in ("", "/registry/repositories?tags=true&page=2", "/members/1"):
        response = await api.call("GET", former + rest)
        assert response.status_code == 301
        assert response.headers["Location"] == own + rest
    for method in ("PUT", "DELETE"):
        response = await api.call(method, former, json={"name": "x"})
        assert (response.status_code, response.json()) == (405, MOVED)


@pytest.mark.parametrize("token", [None, "stranger"])
async def test_who_does_not_see_a_project_is_not_told_where_it_went(
    api: Api, token: str | None
) -> None:
    project = await api.project()
    stranger = token and (await api.person()).token
    await api.call("PUT", f"/projects/{project['id']}", json={"path": "new"})
    for method in ("GET", "DELETE"):
        former = encoded(project["path_with_namespace"])
        for path in (former, f"{former}x"):
            response = await api.call(method, f"/projects/{path}", stranger)
            assert response.status_code == (404 if method == "GET" or token else 401)


async def test_a_project_in_a_renamed_group_is_found_by_its_former_path(
    api: Api,
) -> None:
    project = await api.project()
    group_id = project["namespace"]["id"]
    await api.call("PUT", f"/groups/{group_id}", json={"path": "renamed"})
    shown = await api.get(f"/projects/{project['id']}")
    assert shown["path_with_namespace"] == f"renamed/{project['path']}"
    former = f"/projects/{encoded(project['path_with_namespace'])}"
    assert (await api.call("GET", former)).status_code == 301
    # Groups do not lead on.
    path = project["namespace"]["path"]
    assert (await api.call("GET", f"/groups/{path}")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/projects/{project}", {"path": "other"}),
        ("PUT", "/projects/{project}/transfer", {"namespace": "target"}),
        ("POST", "/groups/{target}/projects/{project}", {}),
        ("PUT", "/groups/{group}", {"path": "other"}),
        ("POST", "/groups/{group}/transfer", {"group_id": "target"}),
    ],
)
async def test_rules_that_would_become_the_same_keep_a_project_where_it_is(
    api: Api, method: str, path: str, body: dict[str, str]
) -> None:
    group, target = await api.group(), await api.group(path="target")
    project = await api.project(namespace_id=group["id"])
    base = f"/projects/{project['id']}/registry/protection/repository/rules"
    full_path = project["path_with_namespace"]
    rules = [
        await api.post(
            base,
            {
                "repository_path_pattern": f"{spelt}/app*",
                "minimum_access_level_for_push": "maintainer",
            },
        )
        for spelt in (full_path, f"{group['path'].upper()}/{project['path']}")
    ]
    where = {
        "project": project["id"],
        "group": group["id"],
        "target": target["id"],
    }
    if "group_id" in body:
        body = {"group_id": target["id"]}
    response = await api.call(method, path.format(**where), json=body)
    assert response.status_code == 400
    complaint = {"repository_path_pattern": ["has already been taken"]}
    assert response.json() == {"message": complaint}
    assert await api.get(base) == rules
    shown = await api.get(f"/projects/{project['id']}")
    assert shown["path_with_namespace"] == full_path
    await api.call("DELETE", f"{base}/{rules[0]['id']}")
    response = await api.call(method, path.format(**where), json=body)
    assert response.is_success
