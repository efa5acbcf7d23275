from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from in_process.api import ROOT_TOKEN
from moorage.domain.access import Role
from moorage.store import projects, repositories

if TYPE_CHECKING:
    from in_process.api import Api, Json
    from moorage.domain.repositories import Repository

BASIC = [
    "id",
    "description",
    "name",
    "name_with_namespace",
    "path",
    "path_with_namespace",
    "created_at",
    "default_branch",
    "tag_list",
    "topics",
    "ssh_url_to_repo",
    "http_url_to_repo",
    "web_url",
    "readme_url",
    "forks_count",
    "avatar_url",
    "star_count",
    "last_activity_at",
    "namespace",
]

# Those of the full form that GitLab's documents name, in its order.
DETAILS = [
    "container_registry_image_prefix",
    "_links",
    "packages_enabled",
    "empty_repo",
    "archived",
    "visibility",
    "container_expiration_policy",
    "issues_enabled",
    "container_registry_enabled",
    "container_registry_access_level",
    "creator_id",
    "permissions",
]


async def test_a_project_is_made_and_found_by_number_and_by_path(api: Api) -> None:
    group = await api.group()
    made = await api.project(namespace_id=group["id"])
    assert await api.get(f"/projects/{made['id']}") == made
    assert await api.get(f"/projects/{group['path']}%2F{made['path'].upper()}") == made


async def test_a_project_is_shown_with_its_fields_in_order(api: Api) -> None:
    group = await api.group(name="Group", path="Group")
    made = await api.post("/projects", {"name": "My App", "namespace_id": group["id"]})
    fields = list(made)
    assert fields[: len(BASIC)] == BASIC
    assert [field for field in fields if field in DETAILS] == DETAILS
    assert made["path"] == "my-app"
    assert made["name_with_namespace"] == "Group / My App"
    assert made["path_with_namespace"] == "Group/my-app"
    assert made["container_registry_image_prefix"] == (
        "registry.example.com:8443/group/my-app"
    )
    assert made["visibility"] == "private"
    assert made["container_registry_enabled"] is True
    assert made["container_registry_access_level"] == "enabled"
    assert made["creator_id"] == 1
    assert made["permissions"] == {
        "project_access": None,
        "group_access": {"access_level": 50, "notification_level": 3},
    }
    assert "owner" not in made


async def test_a_project_without_a_namespace_is_one_s_own(api: Api) -> None:
    person = await api.person()
    made = await api.post("/projects", {"path": "app"}, person.token)
    assert made["path_with_namespace"] == f"{person.username}/app"
    assert made["owner"]["id"] == person.id
    assert made["namespace"]["kind"] == "user"
    (listed,) = await api.get(f"/users/{person.username}/projects")
    assert listed["id"] == made["id"]
    assert await api.get(f"/users/{person.id}/projects", None) == []
    assert (await api.call("GET", "/users/nobody/projects")).status_code == 404


@pytest.mark.parametrize("visibility", ["public", "internal", "private"])
async def test_who_sees_a_project(api: Api, visibility: str) -> None:
    project = await api.project(visibility=visibility)
    guest, person = await api.member(project, 10), await api.person()
    external = await api.person(external=True)
    sees = {
        None: visibility == "public",
        external.token: visibility == "public",
        person.token: visibility != "private",
        guest.token: True,
    }
    for token, expected in sees.items():
        listed = await api.get("/projects", token)
        assert [one["id"] for one in listed] == ([project["id"]] if expected else [])
        for path in (project["id"], project["path_with_namespace"].replace("/", "%2F")):
            response = await api.call("GET", f"/projects/{path}", token)
            assert response.status_code == (200 if expected else 404)
            if not expected:
                assert response.json() == {"message": "404 Project Not Found"}


async def test_strangers_and_who_asks_for_it_get_the_simple_form(api: Api) -> None:
    project = await api.project(visibility="public")
    assert list(await api.get(f"/projects/{project['id']}", None)) == BASIC
    (listed,) = await api.get("/projects?simple=true")
    assert list(listed) == BASIC


@pytest.mark.parametrize(
    "query",
    [
        "starred=true",
        "topic=images",
        "with_issues_enabled=true",
        "with_merge_requests_enabled=1",
        "pagination=keyset&order_by=id&starred=true",
    ],
)
async def test_what_no_project_has_here_finds_none(api: Api, query: str) -> None:
    project = await api.project()
    group = project["namespace"]["id"]
    assert len(await api.get("/projects")) == 1
    assert await api.get(f"/projects?{query}") == []
    assert await api.get(f"/groups/{group}/projects?{query}") == []


async def test_projects_are_filtered(api: Api) -> None:
    one = await api.project(name="Alpha", visibility="public")
    two = await api.project(name="Beta")
    person = await api.member(one, 30)
    own = await api.post("/projects", {"name": "Gamma"}, person.token)

    async def names(query: str, token: str = person.token) -> list[str]:
        return [one["name"] for one in await api.get(f"/projects?{query}", token)]

    assert await names("") == ["Gamma", "Alpha"]
    assert await names("membership=true&sort=asc") == ["Alpha", "Gamma"]
    assert await names("owned=1") == ["Gamma"]
    assert await names("min_access_level=40") == ["Gamma"]
    assert await names("visibility=public") == ["Alpha"]
    assert await names("search=LPH") == ["Alpha"]
    group = two["namespace"]["path"]
    assert await names(f"search={group}", ROOT_TOKEN) == []
    assert await names(f"search={group}&search_namespaces=true", ROOT_TOKEN) == ["Beta"]
    assert await names("order_by=name&sort=asc", ROOT_TOKEN) == [
        "Alpha",
        "Beta",
        "Gamma",
    ]
    assert await names("order_by=id&sort=desc", ROOT_TOKEN) == [
        "Gamma",
        "Beta",
        "Alpha",
    ]
    await api.post(f"/projects/{own['id']}/archive", {})
    assert await names("archived=true") == ["Gamma"]
    assert await names("archived=false") == ["Alpha"]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            {},
            {
                "error": "name, path are missing, at least one parameter must be "
                "provided"
            },
        ),
        (
            {"name": "Taken"},
            {
                "message": {
                    "name": ["has already been taken"],
                    "path": ["has already been taken"],
                }
            },
        ),
        (
            {"name": "x", "container_registry_access_level": "on"},
            {"error": "container_registry_access_level does not have a valid value"},
        ),
        (
            {"name": "x", "visibility": "internal"},
            {
                "message": {
                    "visibility_level": ["internal is not allowed in a private group."]
                }
            },
        ),
        ({"name": " ", "path": "x"}, {"message": {"name": ["can't be blank"]}}),
        ({"name": "x", "namespace_id": "x"}, {"error": "namespace_id is invalid"}),
    ],
)
async def test_a_project_that_cannot_be_is_refused(
    api: Api, body: dict[str, Any], answer: object
) -> None:
    group = await api.group(visibility="private")
    await api.post("/projects", {"name": "taken", "namespace_id": group["id"]})
    body = {"namespace_id": group["id"], **body}
    response = await api.call("POST", "/projects", json=body)
    assert response.status_code == 400
    assert response.json() == answer


@pytest.mark.parametrize(
    "path", ["-a", "a/b", "a.git", ".", "a..b", "x-", "_x", "a--b--", "a___b", "a.-b"]
)
async def test_a_path_that_is_none_is_refused(api: Api, path: str) -> None:
    response = await api.call("POST", "/projects", json={"path": path})
    assert response.status_code == 400
    assert list(response.json()["message"]) == ["path"]


async def test_a_path_that_no_image_can_have_is_refused(api: Api) -> None:
    rule = (
        "must not start or end with a special character and must not contain "
        "consecutive special characters."
    )
    response = await api.call("POST", "/projects", json={"path": "a_.b"})
    assert response.json() == {"message": {"path": [rule]}}
    made = await api.project()
    path = f"/projects/{made['id']}"
    assert (await api.call("PUT", path, json={"path": "x-"})).status_code == 400


async def test_where_projects_may_be_made(api: Api) -> None:
    group, private = await api.group(), await api.group(visibility="private")
    person, external = await api.person(), await api.person(external=True)
    maintainer = await api.member(group, 40)

    async def status(token: str | None, namespace_id: int | None) -> int:
        body = {"name": "x", "namespace_id": namespace_id}
        return (await api.call("POST", "/projects", token, json=body)).status_code

    assert await status(None, group["id"]) == 401
    assert await status(person.token, group["id"]) == 403
    assert await status(person.token, private["id"]) == 404
    assert await status(person.token, 1) == 404
    assert await status(person.token, 999) == 404
    assert await status(external.token, None) == 403
    assert await status(maintainer.token, group["id"]) == 201


@pytest.mark.parametrize(
    ("level", "body", "status"),
    [
        (30, {"description": "new"}, 403),
        (40, {"description": "new"}, 200),
        (40, {"container_registry_access_level": "private"}, 200),
        (40, {"visibility": "public"}, 403),
        (50, {"visibility": "public"}, 200),
        (40, {"archived": True}, 403),
    ],
)
async def test_who_may_change_what_of_a_project(
    api: Api, level: int, body: dict[str, Any], status: int
) -> None:
    project = await api.project()
    person = await api.member(project, level)
    path = f"/projects/{project['id']}/"
    response = await api.call("PUT", path, person.token, json=body)
    assert response.status_code == status
    if status == 200:
        shown = await api.get(path)
        assert {name: shown[name] for name in body} == body


async def test_a_change_has_to_change_something(api: Api) -> None:
    project = await api.project()
    response = await api.call("PUT", f"/projects/{project['id']}", json={"x": 1})
    assert response.status_code == 400
    assert response.json()["error"].endswith(
        "are missing, at least one parameter must be provided"
    )


async def test_the_registry_is_switched_off_by_the_old_name_too(api: Api) -> None:
    project = await api.project(container_registry_enabled="false")
    assert project["container_registry_enabled"] is False
    assert project["container_registry_access_level"] == "disabled"
    response = await api.call(
        "PUT",
        f"/projects/{project['id']}",
        data={"container_registry_enabled": "1"},
    )
    assert response.json()["container_registry_access_level"] == "enabled"


async def test_a_private_registry_is_not_there_for_guests(api: Api) -> None:
    project = await api.project(
        visibility="public", container_registry_access_level="private"
    )
    guest, reporter = await api.member(project, 10), await api.member(project, 20)
    path = f"/projects/{project['id']}"
    assert (await api.get(path))["container_registry_enabled"] is True
    assert (await api.get(path, guest.token))["container_registry_enabled"] is False
    assert (await api.get(path, reporter.token))["container_registry_enabled"] is True


async def test_an_archived_project_comes_back(api: Api) -> None:
    project = await api.project()
    path = f"/projects/{project['id']}"
    assert (await api.post(f"{path}/archive", {}))["archived"] is True
    assert (await api.post(f"{path}/unarchive", {}))["archived"] is False


async def test_an_owner_deletes_a_project(api: Api) -> None:
    project = await api.project()
    maintainer, owner = await api.member(project, 40), await api.member(project, 50)
    path = f"/projects/{project['id']}"
    assert (await api.call("DELETE", path, maintainer.token)).status_code == 403
    response = await api.call("DELETE", path, owner.token)
    assert response.status_code == 202
    assert response.json() == {"message": "202 Accepted"}
    assert (await api.call("GET", path)).status_code == 404


async def give_repository(api: Api, project: Json) -> None:
    project_id, namespace_id = project["id"], project["namespace"]["id"]
    path, now = project["path_with_namespace"], api.clock.now()
    await api.database.write(
        lambda tx: repositories.create(tx, project_id, namespace_id, "", path, now)
    )


async def test_what_has_repositories_is_deleted_with_them(api: Api) -> None:
    person = await api.person()
    group, top = await api.group(), await api.group()
    inner = await api.group(parent_id=top["id"])
    made = await api.project(namespace_id=group["id"])
    below = await api.project(namespace_id=inner["id"])
    own = await api.post("/projects", {"name": "own"}, person.token)
    for project in (made, below, own):
        await give_repository(api, project)
    for path, status in (
        (f"/projects/{made['id']}", 202),
        (f"/groups/{top['id']}", 202),
        (f"/users/{person.id}", 204),
    ):
        response = await api.call("DELETE", path)
        assert response.status_code == status
        assert (await api.call("GET", path)).status_code == 404
    for project in (made, below, own):
        assert (await api.call("GET", f"/projects/{project['id']}")).status_code == 404
        path = project["path_with_namespace"]
        assert await find_repository(api, path) is None
    # The path is free, and the new project has nothing of the old one.
    again = await api.project(name=made["name"], namespace_id=group["id"])
    assert again["path_with_namespace"] == made["path_with_namespace"]
    await give_repository(api, again)
    assert await find_repository(api, again["path_with_namespace"]) is not None


async def find_repository(api: Api, path: str) -> Repository | None:
    return await api.database.quick(lambda tx: repositories.find_by_path(tx, path))


async def test_a_project_owns_the_images_below_its_path(api: Api) -> None:
    top = await api.group(path="top")
    middle = await api.group(path="middle", parent_id=top["id"])
    outer = await api.project(name="App", namespace_id=top["id"])
    inner = await api.project(name="app", namespace_id=middle["id"])

    async def owner(path: str) -> int | None:
        found = await api.database.quick(lambda tx: projects.find_owning(tx, path))
        return found.id if found else None

    assert await owner("top/app") == outer["id"]
    assert await owner("top/app/a/b/c/d") == outer["id"]
    assert await owner("top/middle/app/x") == inner["id"]
    assert await owner("top/middle") is None
    assert await owner("top/apple") is None


def test_roles_are_gitlab_s_numbers() -> None:
    assert [int(role) for role in Role] == [0, 5, 10, 15, 20, 30, 40, 50]


async def test_a_project_is_renamed(api: Api) -> None:
    group = await api.group()
    project = await api.project(namespace_id=group["id"])
    other = await api.project(namespace_id=group["id"])
    path = f"/projects/{project['id']}"
    response = await api.call("PUT", path, json={"path": "New"})
    assert response.json()["path_with_namespace"] == f"{group['path']}/New"
    assert (await api.get(f"/projects/{group['path']}%2Fnew"))["id"] == project["id"]
    for taken in (other["path"], "a/b"):
        response = await api.call("PUT", path, json={"path": taken})
        assert response.status_code == 400
