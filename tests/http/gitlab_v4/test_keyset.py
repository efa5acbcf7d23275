"""Lists of projects and users by keyset: the pages follow ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from in_process.api import URL
from moorage.store.ids import MAX_ID

if TYPE_CHECKING:
    from in_process.api import Api

KEYSET = "pagination=keyset&order_by=id&per_page=2"


async def walk(api: Api, path: str) -> list[int]:
    """Read all pages, by their links; no page is empty."""
    found: list[int] = []
    while path:
        response = await api.call("GET", path)
        assert response.status_code == 200
        assert not [name for name in response.headers if name.startswith("x-total")]
        page = [one["id"] for one in response.json()]
        assert page or not found
        found += page
        address, _, relation = response.headers.get("Link", "").partition("; ")
        assert relation in ("", 'rel="next"')
        path = address.strip("<>").removeprefix(f"{URL}/api/v4")
    return found


async def make(api: Api, kind: str) -> list[int]:
    if kind == "users":
        return [1, *[(await api.person()).id for _ in range(3)]]
    return [(await api.project())["id"] for _ in range(4)]


@pytest.mark.parametrize("kind", ["projects", "users"])
async def test_pages_are_walked_in_both_directions(api: Api, kind: str) -> None:
    made = await make(api, kind)
    assert await walk(api, f"/{kind}?{KEYSET}&sort=asc") == made
    assert await walk(api, f"/{kind}?{KEYSET}&sort=desc") == made[::-1]
    assert await walk(api, f"/{kind}?{KEYSET}") == made[::-1]
    assert await walk(api, f"/{kind}?{KEYSET}&sort=asc&id_after={made[1]}") == made[2:]
    assert await walk(api, f"/{kind}?{KEYSET}&id_before={made[1]}") == made[:1]
    assert await walk(api, f"/{kind}?{KEYSET}&id_before=0") == []
    assert await walk(api, f"/{kind}?{KEYSET}&id_after={MAX_ID}") == []


@pytest.mark.parametrize("kind", ["projects", "users"])
async def test_what_is_made_or_goes_meanwhile_moves_no_page(
    api: Api, kind: str
) -> None:
    made = await make(api, kind)
    response = await api.call("GET", f"/{kind}?{KEYSET}&sort=asc")
    await make_room(api, kind, made[1])
    new = (await api.project())["id"] if kind == "projects" else (await api.person()).id
    following = response.links["next"]["url"].removeprefix(f"{URL}/api/v4")
    assert await walk(api, following) == [*made[2:], new]


async def make_room(api: Api, kind: str, id_: int) -> None:
    response = await api.call("DELETE", f"/{kind}/{id_}")
    assert response.is_success


@pytest.mark.parametrize(
    "path",
    [
        "/projects?pagination=keyset",
        "/projects?pagination=keyset&order_by=name",
        "/projects?pagination=keyset&order_by=created_at",
        "/users?pagination=keyset&order_by=created_at",
    ],
)
async def test_only_ids_are_keys(api: Api, path: str) -> None:
    response = await api.call("GET", path)
    assert response.status_code == 405
    assert response.json() == {
        "error": "Keyset pagination is not yet available for this type of request"
    }


async def test_filters_hold_on_every_page(api: Api) -> None:
    made = [(await api.project(visibility="internal"))["id"] for _ in range(3)]
    await api.project(visibility="private")
    person = await api.person()
    path = f"/projects?{KEYSET}&sort=asc&visibility=internal"
    assert await walk(api, path) == made
    page: list[Any] = await api.get(f"/projects?{KEYSET}&sort=asc", person.token)
    assert [one["id"] for one in page] == made[:2]
    blocked = [(await api.person()).id for _ in range(3)]
    for id_ in blocked:
        await api.post(f"/users/{id_}/block", {})
    path = f"/users?{KEYSET}&sort=asc&blocked=true"
    assert await walk(api, path) == blocked


async def test_users_are_sorted_by_id(api: Api) -> None:
    person = await api.person()
    for query, expected in (
        ("", [person.id, 1]),
        ("?sort=asc", [1, person.id]),
        ("?order_by=created_at&sort=asc", [1, person.id]),
    ):
        assert [one["id"] for one in await api.get(f"/users{query}")] == expected
