import pytest

from in_process.registry import ROOT_TOKEN, Registry, codes

NAME = "root/app/image"
REALM = 'Bearer realm="http://127.0.0.1:5000/jwt/auth",service="container_registry"'


async def challenge(
    registry: Registry, method: str, path: str, authorization: str | None = None
) -> str:
    headers = {"Authorization": authorization} if authorization else {}
    response = await registry.send(method, path, headers=headers, auth=None)
    assert response.status_code == 401
    if method != "HEAD":
        assert codes(response) == ["UNAUTHORIZED"]
    assert response.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    value: str = response.headers["WWW-Authenticate"]
    return value


async def test_the_base_challenges_and_then_answers(registry: Registry) -> None:
    assert await challenge(registry, "GET", "/v2/") == REALM
    response = await registry.send("GET", "/v2/")
    assert response.status_code == 200
    assert response.content == b"{}"
    assert response.headers["Content-Type"] == "application/json"


async def test_the_base_says_which_release_of_gitlab_s_registry_it_is_like(
    registry: Registry,
) -> None:
    named = {
        "gitlab-container-registry-version": "4.32.0-gitlab",
        "gitlab-container-registry-features": "tag_delete",
        "gitlab-container-registry-database-enabled": "true",
    }
    for auth, status in ((None, 401), (("root", ROOT_TOKEN), 200)):
        response = await registry.send("GET", "/v2/", auth=auth)
        assert response.status_code == status
        assert named.items() <= dict(response.headers).items()
    response = await registry.send("GET", f"/v2/{NAME}/tags/list")
    assert not set(named) & set(response.headers)


@pytest.mark.parametrize(
    ("method", "path", "actions"),
    [
        ("GET", "manifests/v1", "pull"),
        ("HEAD", "manifests/v1", "pull"),
        ("PUT", "manifests/v1", "pull,push"),
        ("DELETE", "manifests/v1", "delete"),
        ("GET", "tags/list", "pull"),
        ("POST", "blobs/uploads/", "pull,push"),
        ("PATCH", "blobs/uploads/x", "pull,push"),
        ("DELETE", "blobs/uploads/x", "pull,push"),
        ("DELETE", "blobs/sha256:x", "delete"),
        ("GET", "referrers/sha256:x", "pull"),
    ],
)
async def test_a_challenge_names_the_scope(
    registry: Registry, method: str, path: str, actions: str
) -> None:
    expected = f'{REALM},scope="repository:{NAME}:{actions}"'
    assert await challenge(registry, method, f"/v2/{NAME}/{path}") == expected


async def test_what_is_there_and_what_is_not_look_the_same(registry: Registry) -> None:
    await registry.push_image(NAME)
    one = await challenge(registry, "GET", f"/v2/{NAME}/manifests/v1")
    other = await challenge(registry, "GET", f"/v2/{NAME}x/manifests/v1")
    assert one.replace(NAME, "") == other.replace(f"{NAME}x", "")


async def test_a_token_that_is_none_or_too_narrow(registry: Registry) -> None:
    path = f"/v2/{NAME}/manifests/v1"
    found = await challenge(registry, "GET", path, "Bearer no")
    assert found.endswith(',error="invalid_token"')
    token = await registry.token(f"repository:{NAME}x:pull")
    found = await challenge(registry, "GET", path, f"Bearer {token}")
    assert found.endswith(',error="insufficient_scope"')


async def test_a_token_opens_what_it_names(registry: Registry) -> None:
    await registry.push_image(NAME)
    token = await registry.token(f"repository:{NAME}:pull")
    headers = {"Authorization": f"Bearer {token}"}
    path = f"/v2/{NAME}/manifests/v1"
    response = await registry.send("GET", path, headers=headers, auth=None)
    assert response.status_code == 200
    assert "insufficient_scope" in await challenge(
        registry, "DELETE", path, f"Bearer {token}"
    )


async def test_the_catalog_needs_a_scope_of_its_own(registry: Registry) -> None:
    found = await challenge(registry, "GET", "/v2/_catalog")
    assert found.endswith(',scope="registry:catalog:*"')
    token = await registry.token("registry:catalog:*")
    response = await registry.send(
        "GET", "/v2/_catalog", headers={"Authorization": f"Bearer {token}"}, auth=None
    )
    assert response.status_code == 200


async def test_wrong_credentials(registry: Registry) -> None:
    response = await registry.send("GET", "/v2/", auth=("root", "glpat-wrong"))
    assert response.status_code == 401
    for value in ("Basic", "Basic !", "Basic cm9vdA==", "Negotiate x"):
        await challenge(registry, "GET", "/v2/", value)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/x/y", 404),
        ("/v2/x/manifests", 404),
        ("/v2//manifests/v1", 400),
        ("/v2/UPPER/manifests/v1", 400),
        ("/v2/a..b/tags/list", 400),
        ("/v2/%00/tags/list", 400),
        ("/v2/a%2Fb/tags/list", 404),
    ],
)
async def test_odd_paths(registry: Registry, path: str, status: int) -> None:
    assert (await registry.send("GET", path)).status_code in {status, 401}


async def test_a_name_may_look_like_an_endpoint(registry: Registry) -> None:
    name = "root/app/blobs/uploads/manifests"
    await registry.push_image(name)
    response = await registry.send("GET", f"/v2/{name}/manifests/v1")
    assert response.status_code == 200


async def test_a_method_that_is_not_offered(registry: Registry) -> None:
    response = await registry.send("POST", f"/v2/{NAME}/tags/list")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
