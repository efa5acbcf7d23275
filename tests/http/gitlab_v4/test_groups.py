from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from in_process.api import ROOT_TOKEN

if TYPE_CHECKING:
    from in_process.api import Api


async def test_a_group_is_shown_with_its_fields_in_order(api: Api) -> None:
    made = await api.group(name="Top", path="top")
    below = await api.group(name="Below", path="below", parent_id=made["id"])
    assert below["full_name"] == "Top / Below"
    assert below["full_path"] == "top/below"
    assert below["parent_id"] == made["id"]
    assert below["web_url"] == ("https://registry.example.com:8443/groups/top/below")
    shown = await api.get("/groups/TOP%2Fbelow")
    assert list(shown)[:6] == [
        "id",
        "web_url",
        "name",
        "path",
        "description",
        "visibility",
    ]
    assert shown["projects"] == []
    assert shown["shared_with_groups"] == []
    assert "projects" not in await api.get("/groups/top?with_projects=false")


async def test_who_makes_a_group_owns_it(api: Api) -> None:
    person = await api.person()
    group = await api.group(person.token, visibility="private")
    (member,) = await api.get(f"/groups/{group['id']}/members", person.token)
    assert (member["id"], member["access_level"]) == (person.id, 50)


async def test_a_stranger_does_not_see_a_private_group(api: Api) -> None:
    group = await api.group(visibility="private")
    person = await api.person()
    for token in (None, person.token):
        for path in (
            f"/groups/{group['id']}",
            f"/groups/{group['path']}",
            f"/groups/{group['id']}/projects",
            f"/groups/{group['id']}/subgroups",
            f"/groups/{group['id']}/members",
            "/groups/99",
        ):
            response = await api.call("GET", path, token)
            assert response.status_code == 404
            assert response.json() == {"message": "404 Group Not Found"}
        assert await api.get("/groups", token) == []
    for method in ("PUT", "DELETE"):
        response = await api.call(method, f"/groups/{group['id']}", person.token)
        assert response.status_code == 404


async def test_internal_is_for_who_signed_in_and_is_not_external(api: Api) -> None:
    group = await api.group(visibility="internal")
    person, external = await api.person(), await api.person(external=True)
    path = f"/groups/{group['id']}"
    assert (await api.call("GET", path, None)).status_code == 404
    assert (await api.call("GET", path, external.token)).status_code == 404
    assert (await api.call("GET", path, person.token)).status_code == 200
    assert len(await api.get("/groups", person.token)) == 1
    assert await api.get("/groups", external.token) == []


async def test_a_personal_namespace_is_no_group(api: Api) -> None:
    assert (await api.call("GET", "/groups/1")).status_code == 404
    assert (await api.call("GET", "/groups/root")).status_code == 404


async def test_groups_are_listed_below_a_group(api: Api) -> None:
    top = await api.group()
    middle = await api.group(parent_id=top["id"])
    bottom = await api.group(parent_id=middle["id"])

    async def ids(path: str) -> list[int]:
        return [group["id"] for group in await api.get(path)]

    below = f"/groups/{top['id']}"
    assert await ids(f"{below}/subgroups") == [middle["id"]]
    assert await ids(f"{below}/descendant_groups") == [middle["id"], bottom["id"]]
    assert await ids("/groups?top_level_only=true") == [top["id"]]
    assert await ids(f"/groups?search={bottom['name'].upper()}") == [bottom["id"]]
    assert await ids("/groups?order_by=id&sort=desc") == [
        bottom["id"],
        middle["id"],
        top["id"],
    ]


async def test_groups_are_filtered_by_role(api: Api) -> None:
    group, _ = await api.group(), await api.group()
    below = await api.group(parent_id=group["id"])
    person = await api.member(group, 30)

    async def ids(query: str) -> list[int]:
        found = await api.get(f"/groups?{query}", person.token)
        return [group["id"] for group in found]

    assert await ids("min_access_level=30") == [group["id"], below["id"]]
    assert await ids("min_access_level=40") == []
    assert await ids("owned=true") == []
    assert len(await ids("")) == 3


async def test_projects_of_a_group_are_listed(api: Api) -> None:
    group = await api.group()
    below = await api.group(parent_id=group["id"])
    direct = await api.project(namespace_id=group["id"])
    deep = await api.project(namespace_id=below["id"])
    path = f"/groups/{group['id']}/projects"
    assert [one["id"] for one in await api.get(path)] == [direct["id"]]
    found = await api.get(f"{path}?include_subgroups=true&order_by=id&sort=asc")
    assert [one["id"] for one in found] == [direct["id"], deep["id"]]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, {"error": "name is missing, path is missing"}),
        (
            {"name": "x", "path": "TAKEN"},
            {"message": 'Failed to save group {:path=>["has already been taken"]}'},
        ),
        (
            {"name": "x", "path": "root"},
            {"message": 'Failed to save group {:path=>["has already been taken"]}'},
        ),
        (
            {"name": "x", "path": "x", "visibility": "secret"},
            {"error": "visibility does not have a valid value"},
        ),
        (
            {"name": "", "path": "x"},
            {"message": 'Failed to save group {:name=>["can\'t be blank"]}'},
        ),
    ],
)
async def test_a_group_that_cannot_be_is_refused(
    api: Api, body: dict[str, Any], answer: object
) -> None:
    await api.group(path="taken")
    response = await api.call("POST", "/groups", json=body)
    assert response.status_code == 400
    assert response.json() == answer


async def test_a_group_is_no_wider_than_its_parent(api: Api) -> None:
    parent = await api.group(visibility="private")
    body = {"name": "x", "path": "x", "parent_id": parent["id"], "visibility": "public"}
    response = await api.call("POST", "/groups", json=body)
    assert response.status_code == 400
    assert "visibility_level" in response.json()["message"]
    del body["visibility"]
    assert (await api.post("/groups", body))["visibility"] == "private"


@pytest.mark.parametrize(("level", "status"), [(30, 403), (40, 201)])
async def test_who_may_make_subgroups(api: Api, level: int, status: int) -> None:
    group = await api.group()
    person = await api.member(group, level)
    body = {"name": "x", "path": "x", "parent_id": group["id"]}
    response = await api.call("POST", "/groups", person.token, json=body)
    assert response.status_code == status


async def test_strangers_make_no_groups(api: Api) -> None:
    body = {"name": "x", "path": "x"}
    assert (await api.call("POST", "/groups", None, json=body)).status_code == 401
    external = await api.person(external=True)
    response = await api.call("POST", "/groups", external.token, json=body)
    assert response.status_code == 403
    private = await api.group(visibility="private")
    person = await api.person()
    body["parent_id"] = private["id"]
    response = await api.call("POST", "/groups", person.token, json=body)
    assert response.status_code == 404


async def test_an_owner_changes_and_deletes_a_group(api: Api) -> None:
    group = await api.group()
    maintainer, owner = await api.member(group, 40), await api.member(group, 50)
    path, body = f"/groups/{group['id']}", {"name": "New", "description": "text"}
    response = await api.call("PUT", path, maintainer.token, json=body)
    assert response.status_code == 403
    response = await api.call("PUT", path, owner.token, json=body)
    assert response.status_code == 200
    assert response.json()["name"] == "New"
    assert (await api.get(path))["description"] == "text"
    assert (await api.call("DELETE", path, maintainer.token)).status_code == 403
    response = await api.call("DELETE", path, owner.token)
    assert response.status_code == 202
    assert response.json() == {"message": "202 Accepted"}
    assert (await api.call("GET", path)).status_code == 404


async def test_a_group_goes_with_all_below_and_its_path_is_free(api: Api) -> None:
    top = await api.group(path="top")
    middle = await api.group(parent_id=top["id"], path="middle")
    project = await api.project(namespace_id=middle["id"])
    assert (await api.call("DELETE", f"/groups/{top['id']}")).status_code == 202
    for path in (f"/groups/{middle['id']}", f"/projects/{project['id']}"):
        assert (await api.call("GET", path)).status_code == 404
    await api.group(path="top")


async def test_namespaces_are_one_s_own_and_the_groups_one_is_in(api: Api) -> None:
    group, other = await api.group(), await api.group(visibility="private")
    person = await api.member(group, 10)
    found = await api.get("/namespaces", person.token)
    assert [(one["kind"], one["path"]) for one in found] == [
        ("group", group["path"]),
        ("user", person.username),
    ]
    assert list(found[0]) == [
        "id",
        "name",
        "path",
        "kind",
        "full_path",
        "parent_id",
        "avatar_url",
        "web_url",
    ]
    for path in (other["id"], "root", 99):
        response = await api.call("GET", f"/namespaces/{path}", person.token)
        assert response.status_code == 404
        assert response.json() == {"message": "404 Namespace Not Found"}
    assert len(await api.get("/namespaces")) == 4
    (one,) = await api.get(f"/namespaces?search={group['path']}")
    assert one["id"] == group["id"]
    assert (await api.call("GET", "/namespaces", None)).status_code == 401


async def test_an_administrator_reads_pages_of_all_namespaces(api: Api) -> None:
    group = await api.group()
    below = await api.group(parent_id=group["id"])
    response = await api.call("GET", "/namespaces?per_page=1&page=2")
    assert [one["id"] for one in response.json()] == [group["id"]]
    assert response.headers["X-Total"] == "3"
    found = await api.get(f"/namespaces?search={below['full_path'].upper()}")
    assert [one["id"] for one in found] == [below["id"]]


async def test_it_is_told_whether_a_path_is_taken(api: Api) -> None:
    group = await api.group(path="taken", visibility="private")
    await api.group(path="taken1")
    await api.group(path="inner", parent_id=group["id"], visibility="private")
    person = await api.person()

    async def ask(path: str, token: str) -> tuple[bool, list[str]]:
        found = await api.get(f"/namespaces/{path}", token)
        return found["exists"], found["suggests"]

    inner = f"inner/exists?parent_id={group['id']}"
    for token in (person.token, ROOT_TOKEN):
        assert await ask("Taken/exists", token) == (True, ["Taken2"])
        assert await ask("inner/exists", token) == (False, [])
        assert await ask("taken%2Finner/exists", token) == (False, [])
        assert await ask("inner/exists?parent_id=99", token) == (False, [])
    assert await ask(inner, ROOT_TOKEN) == (True, ["inner1"])
    assert await ask(inner, person.token) == (False, [])
    assert (await api.call("GET", f"/namespaces/{inner}", None)).status_code == 401


async def test_a_group_is_renamed(api: Api) -> None:
    top, other = await api.group(), await api.group()
    below = await api.group(parent_id=top["id"])
    path = f"/groups/{below['id']}"
    response = await api.call("PUT", path, json={"path": "New"})
    assert response.json()["full_path"] == f"{top['path']}/New"
    assert (await api.get(f"/groups/{top['path']}%2Fnew"))["id"] == below["id"]
    for name in (other["path"], "a/b"):
        response = await api.call("PUT", f"/groups/{top['id']}", json={"path": name})
        assert response.status_code == 400
    response = await api.call("PUT", path, json={"path": "a/b"})
    assert response.status_code == 400


async def test_a_group_is_no_narrower_than_what_it_holds(api: Api) -> None:
    group = await api.group()
    await api.project(namespace_id=group["id"], visibility="internal")
    path = f"/groups/{group['id']}"
    response = await api.call("PUT", path, json={"visibility": "private"})
    assert response.status_code == 400
    assert "higher visibility" in response.json()["message"]
    response = await api.call("PUT", path, json={"visibility": "internal"})
    assert response.status_code == 200


async def test_a_bot_makes_no_groups_of_its_own(api: Api) -> None:
    group = await api.group()
    base = f"/groups/{group['id']}/access_tokens"
    bot = await api.post(base, {"name": "bot", "scopes": ["api"], "access_level": 50})
    body = {"name": "x", "path": "x"}
    response = await api.call("POST", "/groups", bot["token"], json=body)
    assert response.status_code == 403
    await api.post("/groups", {**body, "parent_id": group["id"]}, bot["token"])


@pytest.mark.parametrize("path", ["42", "x-", "_x", "a___b", "a.-b"])
async def test_a_path_that_names_no_images_is_refused(api: Api, path: str) -> None:
    response = await api.call("POST", "/groups", json={"name": "x", "path": path})
    assert response.status_code == 400
    assert response.json()["message"].startswith("Failed to save group {:path=>")
    group = await api.group()
    response = await api.call("PUT", f"/groups/{group['id']}", json={"path": path})
    assert response.status_code == 400
