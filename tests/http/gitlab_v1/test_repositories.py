import pytest

from in_process.registry import CONFIG, ROOT_TOKEN, Registry, codes

NAME = "root/app/image"
BASE = "/gitlab/v1"
PATH = f"{BASE}/repositories/{NAME}/"


async def test_the_base_says_that_the_calls_are_offered(registry: Registry) -> None:
    response = await registry.send("GET", f"{BASE}/")
    assert (response.status_code, response.content) == (200, b"")
    refused = await registry.send("GET", f"{BASE}/", auth=None)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == (
        'Bearer realm="http://127.0.0.1:5000/jwt/auth",service="container_registry"'
    )


async def test_a_path_without_its_slash_leads_to_the_one_with_it(
    registry: Registry,
) -> None:
    response = await registry.send("GET", f"{PATH[:-1]}?size=self")
    assert response.status_code == 301
    assert response.headers["location"] == f"{PATH}?size=self"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{BASE}/nothing/", 404),
        ("PATCH", PATH, 405),
        ("GET", f"{BASE}/repositories/", 404),
    ],
)
async def test_what_is_not_offered(
    registry: Registry, method: str, path: str, status: int
) -> None:
    assert (await registry.send(method, path)).status_code == status


async def test_details_of_a_repository(registry: Registry) -> None:
    await registry.push_image(NAME)
    response = await registry.send("GET", PATH)
    assert response.status_code == 200
    body = response.json()
    assert body["created_at"].endswith("Z")
    assert body["last_published_at"] >= body["created_at"]
    assert {**body, "created_at": "", "last_published_at": ""} == {
        "name": "image",
        "path": NAME,
        "created_at": "",
        "last_published_at": "",
    }


async def test_sizes_count_what_tags_share_once(registry: Registry) -> None:
    await registry.push_image(NAME, layers=(b"one", b"both"))
    await registry.push_image(f"{NAME}/part", layers=(b"three", b"both"))
    own = len(CONFIG) + len(b"one") + len(b"both")
    for size, expected in (("self", own), ("self_with_descendants", own + 5)):
        body = (await registry.send("GET", f"{PATH}?size={size}")).json()
        assert (body["size_bytes"], body["size_precision"]) == (expected, "default")


async def test_what_a_neighbour_stores_is_not_counted_below(registry: Registry) -> None:
    await registry.push_image(NAME, layers=(b"one",))
    await registry.push_image(f"{NAME}-neighbour", layers=(b"two and more",))
    path = f"{PATH}?size=self_with_descendants"
    body = (await registry.send("GET", path)).json()
    assert body["size_bytes"] == len(CONFIG) + 3


async def test_a_size_that_is_none_is_refused(registry: Registry) -> None:
    response = await registry.send("GET", f"{PATH}?size=huge")
    assert response.status_code == 400
    assert codes(response) == ["INVALID_QUERY_PARAMETER_VALUE"]


async def test_a_repository_that_is_not_there(registry: Registry) -> None:
    await registry.push_image(NAME)
    for path in (
        f"{BASE}/repositories/root/app/other/",
        f"{BASE}/repositories/root/app/other/tags/list/",
    ):
        response = await registry.send("GET", path)
        assert response.status_code == 404
        assert codes(response) == ["NAME_UNKNOWN"]


async def test_a_name_that_is_none(registry: Registry) -> None:
    response = await registry.send("GET", f"{BASE}/repositories/Root/app/")
    assert response.status_code == 400
    assert codes(response) == ["NAME_INVALID"]


async def test_sizes_below_need_a_token_for_below(registry: Registry) -> None:
    await registry.push_image(NAME)
    path = f"{PATH}?size=self_with_descendants"
    own = await registry.token(f"repository:{NAME}:pull")
    response = await registry.send(
        "GET", path, headers={"Authorization": f"Bearer {own}"}, auth=None
    )
    assert response.status_code == 401
    assert response.headers["www-authenticate"].endswith(
        f'scope="repository:{NAME}:pull repository:{NAME}/*:pull"'
        ',error="insufficient_scope"'
    )
    both = await registry.token(f"repository:{NAME}:pull repository:{NAME}/*:pull")
    response = await registry.send(
        "GET", path, headers={"Authorization": f"Bearer {both}"}, auth=None
    )
    assert response.status_code == 200


async def test_a_token_for_below_allows_to_read_alone(registry: Registry) -> None:
    await registry.push_image(NAME)
    scope = f"repository:{NAME}/*:pull,push,delete,*"
    response = await registry.ask_token(scope, ("root", ROOT_TOKEN))
    assert response.json()["scope"] == f"repository:{NAME}/*:pull"


async def test_a_repository_and_those_below_are_listed_in_pages(
    registry: Registry,
) -> None:
    await registry.push_image("root/app")
    for name in ("image", "image/b", "image/a", "image-neighbour"):
        await registry.push_image(f"root/app/{name}")
    await registry.start_upload("root/app/image/without-tags")
    path = f"{BASE}/repository-paths/root/app/image/repositories/list/"
    first = await registry.send("GET", f"{path}?n=2")
    assert [one["path"] for one in first.json()] == [
        "root/app/image",
        "root/app/image/a",
    ]
    assert first.json()[1]["name"] == "a"
    link = first.headers["link"]
    assert link == (
        f'<http://127.0.0.1:5000{path}?last=root%2Fapp%2Fimage%2Fa&n=2>; rel="next"'
    )
    second = await registry.send("GET", link[1 : link.index(">")])
    assert [one["path"] for one in second.json()] == ["root/app/image/b"]
    assert "link" not in second.headers


async def test_below_what_has_no_tags_of_its_own_there_may_be_some(
    registry: Registry,
) -> None:
    await registry.push_image("root/app/image/a")
    await registry.start_upload("root/app/image")

    async def paths(top: str) -> list[str]:
        path = f"{BASE}/repository-paths/{top}/repositories/list/"
        response = await registry.send("GET", path)
        assert response.status_code == 200
        return [one["path"] for one in response.json()]

    for top in ("root/app", "root/app/image"):
        assert await paths(top) == ["root/app/image/a"]
    assert await paths("root/app/nothing") == []
    response = await registry.send(
        "GET", f"{BASE}/repository-paths/root/no-project/repositories/list/"
    )
    assert response.status_code == 404
    assert codes(response) == ["NAME_UNKNOWN"]
