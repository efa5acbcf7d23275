"""What the tokens of CI jobs open, at the API, the token service and the registry."""

from __future__ import annotations

import pytest

from in_process.registry import Registry
from in_process.tree import Json, Tree, granted

USERNAME = "gitlab-ci-token"
REFUSAL = {
    "message": "403 Forbidden - This project's CI/CD job token cannot be used to "
    "authenticate with the container registry of a different project."
}


@pytest.fixture
def tree(registry: Registry) -> Tree:
    return Tree(registry)


async def job_token(tree: Tree, project: Json, user: Json | None = None) -> Json:
    body = {} if user is None else {"user_id": user["id"]}
    return await tree.make(f"/projects/{project['id']}/ci_job_tokens", body)


def forms(secret: str) -> list[dict[str, str]]:
    return [{"JOB-TOKEN": secret}, {"Authorization": f"Bearer {secret}"}]


@pytest.mark.parametrize(
    ("level", "actions"),
    [
        (10, []),
        (20, ["pull"]),
        (30, ["delete", "pull", "push"]),
        (40, ["delete", "pull", "push"]),
        (50, ["delete", "pull", "push"]),
    ],
)
async def test_a_job_may_what_its_user_may_in_its_project(
    tree: Tree, level: int, actions: list[str]
) -> None:
    project = await tree.project()
    user = await tree.person(project, level)
    made = await job_token(tree, project, user)
    name = f"{project['path_with_namespace']}/app"
    found = await granted(tree.registry, name, (USERNAME, made["token"]))
    assert sorted(found) == actions


async def test_a_job_pulls_from_elsewhere_what_everybody_may(tree: Tree) -> None:
    project = await tree.project()
    auth = USERNAME, (await job_token(tree, project))["token"]
    name = "{path_with_namespace}/app"
    for visibility, actions in (
        ("private", []),
        ("internal", []),
        ("public", ["pull"]),
    ):
        other = await tree.project(visibility=visibility)
        assert await granted(tree.registry, name.format(**other), auth) == actions


async def test_a_job_makes_no_projects_and_sees_no_catalog(tree: Tree) -> None:
    auth = USERNAME, (await job_token(tree, await tree.project()))["token"]
    assert await granted(tree.registry, "root/new/app", auth) == []
    response = await tree.registry.ask_token("registry:catalog:*", auth)
    assert response.json()["scope"] == ""
    response = await tree.registry.send("GET", "/v2/_catalog", auth=auth)
    assert response.status_code == 401


async def test_a_job_s_token_goes_with_one_user_name(tree: Tree) -> None:
    secret = (await job_token(tree, await tree.project()))["token"]
    for wrong in ("root", "", "Gitlab-CI-Token"):
        response = await tree.registry.ask_token("", (wrong, secret))
        assert response.status_code == 401


async def test_a_registry_token_of_a_job_pushes_and_deletes(tree: Tree) -> None:
    project = await tree.project()
    name = await tree.image(project)
    auth = USERNAME, (await job_token(tree, project))["token"]
    response = await tree.registry.ask_token(f"repository:{name}:pull,delete", auth)
    headers = {"Authorization": f"Bearer {response.json()['token']}"}
    path = f"/v2/{name}/manifests/v1"
    for method, status in (("GET", 200), ("DELETE", 202), ("GET", 404)):
        response = await tree.registry.send(method, path, auth=None, headers=headers)
        assert response.status_code == status


@pytest.mark.parametrize(
    ("level", "read", "tag", "repository"),
    [
        (10, 403, 403, 403),
        (20, 200, 403, 403),
        (30, 200, 200, 403),
        (40, 200, 200, 202),
    ],
)
async def test_the_api_takes_a_job_for_its_user(
    tree: Tree, level: int, read: int, tag: int, repository: int
) -> None:
    project = await tree.project()
    await tree.image(project)
    path = await tree.repository_path(project)
    user = await tree.person(project, level)
    secret = (await job_token(tree, project, user))["token"]
    for headers in forms(secret):
        response = await tree.call("GET", f"{path}/tags", token=None, headers=headers)
        assert response.status_code == read
    headers = {"JOB-TOKEN": secret}
    for method, where, status in (
        ("DELETE", f"{path}/tags/v1", tag),
        ("DELETE", path, repository),
    ):
        response = await tree.call(method, where, token=None, headers=headers)
        assert response.status_code == status, response.text


async def test_a_job_token_may_be_a_parameter(tree: Tree) -> None:
    project = await tree.project()
    secret = (await job_token(tree, project))["token"]
    path = f"/projects/{project['id']}/registry/repositories?job_token={secret}"
    assert (await tree.call("GET", path, token=None)).status_code == 200
    by_path = project["path_with_namespace"].replace("/", "%2F").upper()
    path = f"/projects/{by_path}/registry/repositories?job_token={secret}"
    assert (await tree.call("GET", path, token=None)).status_code == 200


@pytest.mark.parametrize("visibility", ["private", "internal", "public"])
async def test_another_project_is_refused_whether_it_is_there_or_not(
    tree: Tree, visibility: str
) -> None:
    other = await tree.project(visibility=visibility)
    secret = (await job_token(tree, await tree.project()))["token"]
    for project_id in (other["id"], 999_999):
        for headers in forms(secret):
            path = f"/projects/{project_id}/registry/repositories"
            response = await tree.call("GET", path, token=None, headers=headers)
            assert response.status_code == 403
            assert response.json() == REFUSAL


@pytest.mark.parametrize(
    "path",
    [
        "/user",
        "/projects",
        "/projects/{id}",
        "/projects/{id}/members",
        "/projects/{id}/registry/usage",
        "/registry/repositories/1",
        "/registry/jobs/1",
        "/groups/1/registry/repositories",
        "/personal_access_tokens/self",
    ],
)
async def test_other_endpoints_do_not_take_jobs(tree: Tree, path: str) -> None:
    project = await tree.project()
    secret = (await job_token(tree, project))["token"]
    for headers in forms(secret):
        response = await tree.call(
            "GET", path.format(**project), token=None, headers=headers
        )
        assert response.status_code == 401


async def test_a_job_s_token_is_no_access_token_nor_the_other_way_round(
    tree: Tree,
) -> None:
    project = await tree.project()
    secret = (await job_token(tree, project))["token"]
    person = await tree.person(project, 40)
    path = f"/projects/{project['id']}/registry/repositories"
    response = await tree.call("GET", path, token=secret)
    assert response.status_code == 401
    headers = {"JOB-TOKEN": person["token"]}
    response = await tree.call("GET", path, token=None, headers=headers)
    assert response.status_code == 401


async def test_a_finished_job_s_token_opens_nothing(tree: Tree) -> None:
    project = await tree.project()
    made = await job_token(tree, project)
    base = f"/projects/{project['id']}"
    path = f"{base}/ci_job_tokens/{made['id']}"
    assert (await tree.call("DELETE", path)).status_code == 204
    assert (await tree.call("DELETE", path)).status_code == 204
    auth = USERNAME, made["token"]
    assert (await tree.registry.ask_token("", auth)).status_code == 401
    for headers in forms(made["token"]):
        response = await tree.call(
            "GET", f"{base}/registry/repositories", token=None, headers=headers
        )
        assert response.status_code == 401


async def test_what_is_told_of_a_new_job_token(tree: Tree) -> None:
    project = await tree.project()
    user = await tree.person(project, 30)
    made = await tree.make(
        f"/projects/{project['id']}/ci_job_tokens",
        {"user_id": user["id"], "expires_in": 60},
    )
    assert made["token"].startswith("glcbt-")
    assert set(made) == {
        "id",
        "project_id",
        "user_id",
        "created_at",
        "expires_at",
        "token",
    }
    assert (made["project_id"], made["user_id"]) == (project["id"], user["id"])


@pytest.mark.parametrize(
    ("level", "status"), [(0, 404), (10, 403), (30, 403), (40, 201), (50, 201)]
)
async def test_maintainers_make_and_revoke_them(
    tree: Tree, level: int, status: int
) -> None:
    project = await tree.project()
    user = await tree.person(project, level)
    path = f"/projects/{project['id']}/ci_job_tokens"
    response = await tree.call("POST", path, {}, token=user["token"])
    assert response.status_code == status
    made = await job_token(tree, project)
    response = await tree.call("DELETE", f"{path}/{made['id']}", token=user["token"])
    assert response.status_code == (204 if status == 201 else status)


async def test_nobody_lends_more_than_they_are(tree: Tree) -> None:
    project = await tree.project()
    maintainer = await tree.person(project, 40)
    owner = await tree.person(project, 50)
    developer = await tree.person(project, 30)
    path = f"/projects/{project['id']}/ci_job_tokens"
    for user_id, status in ((1, 403), (owner["id"], 403), (developer["id"], 201)):
        response = await tree.call(
            "POST", path, {"user_id": user_id}, token=maintainer["token"]
        )
        assert response.status_code == status
    response = await tree.call("POST", path, {"user_id": 99_999})
    assert response.json() == {"message": "404 User Not Found"}


@pytest.mark.parametrize("expires_in", [0, -1, 10**9, "soon"])
async def test_how_long_a_job_may_last(tree: Tree, expires_in: object) -> None:
    project = await tree.project()
    path = f"/projects/{project['id']}/ci_job_tokens"
    response = await tree.call("POST", path, {"expires_in": expires_in})
    assert response.status_code == 400


async def test_only_a_job_of_this_project_is_revoked_here(tree: Tree) -> None:
    project, other = await tree.project(), await tree.project()
    made = await job_token(tree, other)
    path = f"/projects/{project['id']}/ci_job_tokens"
    for token_id in (made["id"], 1, 99_999):
        response = await tree.call("DELETE", f"{path}/{token_id}")
        assert response.status_code == 404
