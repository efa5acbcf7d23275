"""What protection rules stop, whoever tries it and on whichever way."""

from __future__ import annotations

import pytest

from in_process.registry import ROOT_TOKEN, Registry, codes, image
from in_process.tree import Json, Tree

ROOT = ("root", ROOT_TOKEN)
LEVELS = {40: "maintainer", 50: "owner", 60: "admin"}
MEMBERS = [30, 40, 50]
FORBIDDEN_PUSH = {
    "errors": [
        {"code": "DENIED", "message": "Pushing to protected repository path forbidden"}
    ],
    "http_status": 403,
}
CANNOT = {"message": "403 Forbidden - cannot delete protected tag(s)"}
HEADERS = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}

every_level = pytest.mark.parametrize("level", LEVELS)


@pytest.fixture
def tree(registry: Registry) -> Tree:
    return Tree(registry)


async def protect_path(
    tree: Tree, project: Json, *, push: int | None = None, delete: int | None = None
) -> None:
    levels = {"push": push, "delete": delete}
    await tree.make(
        f"/projects/{project['id']}/registry/protection/repository/rules",
        {
            "repository_path_pattern": f"{project['path_with_namespace']}/*",
            **{
                f"minimum_access_level_for_{action}": LEVELS[level]
                for action, level in levels.items()
                if level is not None
            },
        },
    )


async def protect_tags(
    tree: Tree, project: Json, pattern: str = "^v", *, push: int = 40, delete: int = 40
) -> None:
    await tree.make(
        f"/projects/{project['id']}/registry/protection/tag/rules",
        {
            "tag_name_pattern": pattern,
            "minimum_access_level_for_push": LEVELS[push],
            "minimum_access_level_for_delete": LEVELS[delete],
        },
    )


async def freeze_tags(tree: Tree, project: Json, pattern: str = "^v") -> None:
    await tree.make(
        f"/projects/{project['id']}/registry/protection/tag/rules",
        {"tag_name_pattern": pattern, "immutable": True},
    )


async def callers(tree: Tree, project: Json) -> dict[int, tuple[str, str]]:
    """Return credentials by standing, the administrator's as 60."""
    found = {60: ROOT}
    for level in MEMBERS:
        person = await tree.person(project, level)
        found[level] = person["username"], person["token"]
    return found


async def push(
    tree: Tree, name: str, auth: tuple[str, str], reference: str = "v1"
) -> tuple[int, list[str]]:
    response = await tree.registry.send(
        "PUT",
        f"/v2/{name}/manifests/{reference}",
        content=image(),
        headers=HEADERS,
        auth=auth,
    )
    return response.status_code, [] if response.status_code < 300 else codes(response)


# Rules for repositories


@every_level
async def test_a_protected_path_gives_no_token_to_push(tree: Tree, level: int) -> None:
    project = await tree.project()
    name = await tree.image(project)
    await protect_path(tree, project, push=level)
    for standing, auth in (await callers(tree, project)).items():
        ask = tree.registry.ask_token
        for actions in ("push", "pull,push", "*"):
            response = await ask(f"repository:{name}:{actions}", auth)
            if actions == "*" and standing < 40:
                assert response.json()["scope"] == ""
            elif standing < level:
                assert response.status_code == 403
                assert response.json() == FORBIDDEN_PUSH
            else:
                assert response.json()["scope"] == f"repository:{name}:{actions}"
        response = await ask(f"repository:{name}:pull", auth)
        assert response.json()["scope"] == f"repository:{name}:pull"
        status, found = await push(tree, name, auth)
        assert (status, found) == ((403, ["DENIED"]) if standing < level else (201, []))


async def test_a_job_is_stopped_as_its_user_and_a_deploy_token_is_not(
    tree: Tree,
) -> None:
    project = await tree.project()
    name = await tree.image(project)
    await protect_path(tree, project, push=40)
    base = f"/projects/{project['id']}"
    for level, status in ((30, 403), (40, 200)):
        person = await tree.person(project, level)
        made = await tree.make(f"{base}/ci_job_tokens", {"user_id": person["id"]})
        response = await tree.registry.ask_token(
            f"repository:{name}:push", ("gitlab-ci-token", made["token"])
        )
        assert response.status_code == status
    made = await tree.make(
        f"{base}/deploy_tokens", {"name": "x", "scopes": ["write_registry"]}
    )
    auth = made["username"], made["token"]
    response = await tree.registry.ask_token(f"repository:{name}:push", auth)
    assert response.json()["scope"] == f"repository:{name}:push"


@every_level
async def test_a_protected_repository_is_not_deleted(tree: Tree, level: int) -> None:
    project = await tree.project()
    await tree.image(project)
    path = await tree.repository_path(project)
    await protect_path(tree, project, delete=level)
    for standing, (_, token) in sorted((await callers(tree, project)).items()):
        response = await tree.call("DELETE", path, token=token)
        if standing < 40:
            assert response.json() == {"message": "403 Forbidden"}
        elif standing < level:
            assert response.status_code == 403
            assert response.json() == {
                "message": "403 Forbidden - Deleting protected container repository "
                "forbidden."
            }
        else:
            assert response.status_code == 202


async def test_rules_for_other_paths_stop_nothing(tree: Tree) -> None:
    project = await tree.project()
    name = await tree.image(project)
    await tree.make(
        f"/projects/{project['id']}/registry/protection/repository/rules",
        {
            "repository_path_pattern": f"{project['path_with_namespace']}/other*",
            "minimum_access_level_for_push": "admin",
            "minimum_access_level_for_delete": "admin",
        },
    )
    auth = (await callers(tree, project))[40]
    assert await push(tree, name, auth) == (201, [])
    assert (await push(tree, f"{name[:-3]}other2", auth))[0] == 403
    path = await tree.repository_path(project)
    assert (await tree.call("DELETE", path, token=auth[1])).status_code == 202


# Rules for tags


@every_level
async def test_a_protected_tag_is_not_pushed(tree: Tree, level: int) -> None:
    project = await tree.project()
    name = await tree.image(project, "other")
    await protect_tags(tree, project, push=level)
    for standing, auth in sorted((await callers(tree, project)).items()):
        expected = (401, ["PROTECTED_TAG"]) if standing < level else (201, [])
        assert await push(tree, name, auth, "v1") == expected
        assert await push(tree, name, auth, "latest") == (201, [])


async def test_a_refused_tag_says_so_in_gitlab_s_words_and_nothing_is_stored(
    tree: Tree,
) -> None:
    project = await tree.project()
    name = await tree.image(project, "other")
    await protect_tags(tree, project, push=60)
    auth = (await callers(tree, project))[50]
    response = await tree.registry.send(
        "PUT",
        f"/v2/{name}/manifests/v1",
        content=image(annotations={"a": "b"}),
        headers=HEADERS,
        auth=auth,
    )
    [error] = response.json()["errors"]
    assert (
        error["message"] == "insufficient permissions to push or delete protected tag"
    )
    response = await tree.registry.send("GET", f"/v2/{name}/tags/list")
    assert response.json()["tags"] == ["other"]


async def test_tags_beside_a_digest_are_looked_at_too(tree: Tree) -> None:
    project = await tree.project()
    name = await tree.image(project, "other")
    digest = await tree.registry.push_image(name, "other")
    await protect_tags(tree, project, push=60)
    auth = (await callers(tree, project))[50]
    found = await push(tree, name, auth, f"{digest}?tag=ok&tag=v1")
    assert found == (401, ["PROTECTED_TAG"])
    assert await push(tree, name, auth, f"{digest}?tag=ok") == (201, [])


async def test_a_deploy_token_pushes_no_protected_tag(tree: Tree) -> None:
    project = await tree.project()
    name = await tree.image(project, "other")
    await protect_tags(tree, project)
    made = await tree.make(
        f"/projects/{project['id']}/deploy_tokens",
        {"name": "x", "scopes": ["read_registry", "write_registry"]},
    )
    auth = made["username"], made["token"]
    assert await push(tree, name, auth, "v1") == (401, ["PROTECTED_TAG"])
    assert await push(tree, name, auth, "w1") == (201, [])


@every_level
async def test_a_protected_tag_is_not_deleted(tree: Tree, level: int) -> None:
    project = await tree.project()
    name = await tree.image(project)
    path = await tree.repository_path(project)
    await protect_tags(tree, project, delete=level)
    for standing, auth in sorted((await callers(tree, project)).items()):
        await tree.registry.push_image(name, "v1")
        response = await tree.call("DELETE", f"{path}/tags/v1", token=auth[1])
        if standing < level:
            assert (response.status_code, response.json()) == (403, CANNOT)
        else:
            assert response.status_code == 200
        digest = await tree.registry.push_image(name, "v1")
        for reference in (f"manifests/{digest}", "manifests/v1", "tags/reference/v1"):
            response = await tree.registry.send(
                "DELETE", f"/v2/{name}/{reference}", auth=auth
            )
            if standing < 40:
                assert codes(response) == ["UNAUTHORIZED"]
            elif standing < level:
                assert response.status_code == 401
                assert codes(response) == ["PROTECTED_TAG"]
            else:
                assert response.status_code == 202
                await tree.registry.push_image(name, "v1")


@every_level
async def test_a_repository_with_tags_is_not_deleted_below_any_rule(
    tree: Tree, level: int
) -> None:
    project = await tree.project()
    await tree.image(project, "unmatched")
    path = await tree.repository_path(project)
    await protect_tags(tree, project, delete=level)
    for standing, (_, token) in sorted((await callers(tree, project)).items()):
        if standing >= 40:
            response = await tree.call("DELETE", path, token=token)
            assert response.status_code == (403 if standing < level else 202)


async def test_a_repository_without_tags_is_deleted_whatever_rules_say(
    tree: Tree,
) -> None:
    project = await tree.project()
    name = f"{project['path_with_namespace']}/app"
    await tree.registry.push_blob(name, b"x")
    await protect_tags(tree, project, delete=60)
    await freeze_tags(tree, project, "^w")
    auth = (await callers(tree, project))[40]
    path = await tree.repository_path(project)
    assert (await tree.call("DELETE", path, token=auth[1])).status_code == 202


# Immutable tags


async def test_an_immutable_tag_is_made_once_by_anybody(tree: Tree) -> None:
    project = await tree.project()
    name = await tree.image(project, "other")
    await freeze_tags(tree, project)
    for standing, auth in (await callers(tree, project)).items():
        tag = f"v{standing}"
        assert await push(tree, name, auth, tag) == (201, [])
        assert await push(tree, name, auth, tag) == (401, ["IMMUTABLE_TAG"])
        assert await push(tree, name, auth, "other") == (201, [])


async def test_nobody_deletes_an_immutable_tag(tree: Tree) -> None:
    project = await tree.project()
    name = await tree.image(project)
    path = await tree.repository_path(project)
    digest = await tree.registry.push_image(name, "other")
    await freeze_tags(tree, project)
    for standing, auth in (await callers(tree, project)).items():
        response = await tree.call("DELETE", f"{path}/tags/v1", token=auth[1])
        assert (response.status_code, response.json()) == (403, CANNOT)
        if standing < 40:
            continue
        response = await tree.call("DELETE", path, token=auth[1])
        assert response.status_code == 403
        for reference, code in (
            ("manifests/v1", "IMMUTABLE_TAG"),
            (f"manifests/{digest}", "PROTECTED_MANIFEST"),
        ):
            response = await tree.registry.send(
                "DELETE", f"/v2/{name}/{reference}", auth=auth
            )
            assert response.status_code == 401
            assert codes(response) == [code]
    response = await tree.registry.send("GET", f"/v2/{name}/manifests/v1")
    assert response.status_code == 200


async def test_a_tag_that_is_not_there_is_missing_not_protected(tree: Tree) -> None:
    project = await tree.project()
    await tree.image(project, "other")
    path = await tree.repository_path(project)
    await freeze_tags(tree, project)
    await protect_tags(tree, project, "w", delete=60)
    token = (await callers(tree, project))[40][1]
    for tag in ("v9", "w9"):
        response = await tree.call("DELETE", f"{path}/tags/{tag}", token=token)
        assert response.json() == {"message": "404 Tag Not Found"}


async def test_without_rules_any_more_all_is_as_before(tree: Tree) -> None:
    project = await tree.project()
    await tree.image(project)
    path = await tree.repository_path(project)
    await freeze_tags(tree, project)
    rules = f"/projects/{project['id']}/registry/protection/tag/rules"
    [rule] = (await tree.call("GET", f"{rules}?immutable=true")).json()
    await tree.call("DELETE", f"{rules}/{rule['id']}")
    response = await tree.call("DELETE", f"{path}/tags/v1")
    assert response.status_code == 200
