"""What deploy tokens open, at the token service and the registry."""

from __future__ import annotations

import pytest

from in_process.registry import ROOT_TOKEN, Registry, image
from in_process.tree import Json, Tree, granted

BOTH = ["read_registry", "write_registry"]


@pytest.fixture
def tree(registry: Registry) -> Tree:
    return Tree(registry)


async def deploy_token(
    tree: Tree, folder: str, owner: Json, scopes: list[str]
) -> tuple[str, str]:
    made = await tree.make(
        f"/{folder}/{owner['id']}/deploy_tokens", {"name": "x", "scopes": scopes}
    )
    return made["username"], made["token"]


@pytest.mark.parametrize(
    ("scopes", "actions"),
    [
        (["read_registry"], ["pull"]),
        (["write_registry"], ["push"]),
        (BOTH, ["pull", "push"]),
        (["read_repository"], []),
    ],
)
async def test_scopes_say_what_a_deploy_token_may(
    tree: Tree, scopes: list[str], actions: list[str]
) -> None:
    project = await tree.project()
    auth = await deploy_token(tree, "projects", project, scopes)
    name = f"{project['path_with_namespace']}/app"
    assert sorted(await granted(tree.registry, name, auth)) == actions


async def test_a_project_s_token_opens_no_other_project(tree: Tree) -> None:
    project = await tree.project()
    auth = await deploy_token(tree, "projects", project, BOTH)
    other = await tree.project()
    public = await tree.project(visibility="public")
    internal = await tree.project(visibility="internal")
    name = "{path_with_namespace}/app"
    assert await granted(tree.registry, name.format(**other), auth) == []
    assert await granted(tree.registry, name.format(**internal), auth) == []
    assert await granted(tree.registry, name.format(**public), auth) == ["pull"]


async def test_a_group_s_token_opens_all_projects_below(tree: Tree) -> None:
    group = await tree.group()
    below = await tree.project(await tree.group(group))
    beside = await tree.project()
    auth = await deploy_token(tree, "groups", group, BOTH)
    name = "{path_with_namespace}/app"
    found = await granted(tree.registry, name.format(**below), auth)
    assert sorted(found) == ["pull", "push"]
    assert await granted(tree.registry, name.format(**beside), auth) == []
    new = f"{group['full_path']}/new/app"
    assert await granted(tree.registry, new, auth) == []


async def test_a_deploy_token_goes_with_its_user_name_alone(tree: Tree) -> None:
    project = await tree.project()
    username, secret = await deploy_token(tree, "projects", project, BOTH)
    for wrong in ("", "root", username.upper(), f"{username}1"):
        response = await tree.registry.ask_token("", (wrong, secret))
        assert response.status_code == 401
        response = await tree.registry.send("GET", "/v2/", auth=(wrong, secret))
        assert response.status_code == 401
    response = await tree.registry.send("GET", "/v2/", auth=(username, secret))
    assert response.status_code == 200


async def test_basic_credentials_pull_and_push(tree: Tree) -> None:
    project = await tree.project()
    name = await tree.image(project)
    reading = await deploy_token(tree, "projects", project, ["read_registry"])
    writing = await deploy_token(tree, "projects", project, BOTH)
    path = f"/v2/{name}/manifests/v1"
    response = await tree.registry.send("GET", path, auth=reading)
    assert response.status_code == 200
    headers = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
    for auth, status in ((reading, 401), (writing, 201)):
        response = await tree.registry.send(
            "PUT", path, auth=auth, content=image(), headers=headers
        )
        assert response.status_code == status
    response = await tree.registry.send("DELETE", path, auth=writing)
    assert response.status_code == 401


async def test_a_registry_token_of_a_deploy_token_mounts_within_its_reach(
    tree: Tree,
) -> None:
    project = await tree.project()
    name = await tree.image(project)
    auth = await deploy_token(tree, "projects", project, BOTH)
    response = await tree.registry.ask_token(f"repository:{name}2:pull,push", auth)
    digest = await tree.registry.push_blob(name, b"layer")
    path = f"/v2/{name}2/blobs/uploads/?mount={digest}"
    bearer = {"Authorization": f"Bearer {response.json()['token']}"}
    response = await tree.registry.send("POST", path, auth=None, headers=bearer)
    assert response.status_code == 201


async def test_no_refresh_token_for_a_deploy_token(tree: Tree) -> None:
    auth = await deploy_token(tree, "projects", await tree.project(), BOTH)
    response = await tree.registry.ask_token("", auth)
    assert "refresh_token" not in response.json()


async def test_a_disabled_or_archived_project_shuts_deploy_tokens_out(
    tree: Tree,
) -> None:
    project = await tree.project()
    auth = await deploy_token(tree, "projects", project, BOTH)
    name = f"{project['path_with_namespace']}/app"
    await tree.call(
        "PUT",
        f"/projects/{project['id']}",
        {"container_registry_access_level": "disabled"},
    )
    assert await granted(tree.registry, name, auth) == []


async def test_a_deleted_deploy_token_opens_nothing(tree: Tree) -> None:
    project = await tree.project()
    base = f"/projects/{project['id']}/deploy_tokens"
    made = await tree.make(base, {"name": "x", "scopes": BOTH})
    auth = made["username"], made["token"]
    assert (await tree.registry.ask_token("", auth)).status_code == 200
    assert (await tree.call("DELETE", f"{base}/{made['id']}")).status_code == 204
    assert (await tree.registry.ask_token("", auth)).status_code == 401


async def test_the_api_does_not_take_deploy_tokens(tree: Tree) -> None:
    project = await tree.project()
    public = await tree.project(visibility="public")
    _, secret = await deploy_token(tree, "projects", project, BOTH)
    for one, ignored in ((project, 404), (public, 200)):
        path = f"/projects/{one['id']}/registry/repositories"
        for headers in (
            {"PRIVATE-TOKEN": secret},
            {"Authorization": f"Bearer {secret}"},
            {"JOB-TOKEN": secret},
        ):
            response = await tree.call("GET", path, token=None, headers=headers)
            assert response.status_code == 401
        response = await tree.call(
            "GET", path, token=None, headers={"Deploy-Token": secret}
        )
        assert response.status_code == ignored
    assert secret.startswith("gldt-")
    assert ROOT_TOKEN not in secret
