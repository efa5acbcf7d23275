from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from in_process.api import ROOT_TOKEN
from moorage.http.gitlab_v4 import paging

if TYPE_CHECKING:
    import httpx

    from in_process.api import Api

BASE = "https://registry.example.com:8443/api/v4/groups"
HEADERS = [
    "x-total",
    "x-total-pages",
    "x-page",
    "x-per-page",
    "x-next-page",
    "x-prev-page",
]


@pytest.fixture
async def seven(api: Api) -> None:
    for _ in range(7):
        await api.group()


def numbers(response: httpx.Response) -> list[str]:
    return [response.headers[name] for name in HEADERS]


def link(query: str, relation: str) -> str:
    return f'<{BASE}?{query}>; rel="{relation}"'


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize(
    ("query", "items", "expected", "links"),
    [
        ("", 7, ["7", "1", "1", "20", "", ""], ["first:1", "last:1"]),
        (
            "per_page=3",
            3,
            ["7", "3", "1", "3", "2", ""],
            ["next:2", "first:1", "last:3"],
        ),
        (
            "per_page=3&page=2",
            3,
            ["7", "3", "2", "3", "3", "1"],
            ["prev:1", "next:3", "first:1", "last:3"],
        ),
        (
            "per_page=3&page=3",
            1,
            ["7", "3", "3", "3", "", "2"],
            ["prev:2", "first:1", "last:3"],
        ),
        (
            "per_page=3&page=9",
            0,
            ["7", "3", "9", "3", "", "8"],
            ["prev:8", "first:1", "last:3"],
        ),
        ("per_page=7", 7, ["7", "1", "1", "7", "", ""], ["first:1", "last:1"]),
        ("per_page=101", 7, ["7", "1", "1", "100", "", ""], ["first:1", "last:1"]),
        ("search=none", 0, ["0", "1", "1", "20", "", ""], ["first:1", "last:1"]),
    ],
)
async def test_a_page_is_labelled(
    api: Api, query: str, items: int, expected: list[str], links: list[str]
) -> None:
    response = await api.call("GET", f"/groups?{query}")
    assert len(response.json()) == items
    assert numbers(response) == expected
    size = expected[3]
    extra = "&search=none" if "search" in query else ""
    assert response.headers["link"] == ", ".join(
        link(f"page={number}&per_page={size}{extra}", relation)
        for relation, _, number in (one.partition(":") for one in links)
    )


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("per_page=0", "per_page does not have a valid value"),
        ("page=0", "page does not have a valid value"),
        (
            "page=-1&per_page=-1",
            "page does not have a valid value, per_page does not have a valid value",
        ),
        ("page=x", "page is invalid"),
        ("per_page=99999999999999999999", "per_page is invalid"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(
    api: Api, query: str, error: str
) -> None:
    response = await api.call("GET", f"/groups?{query}")
    assert response.status_code == 400
    assert response.json() == {"error": error}


async def test_a_page_far_out_is_empty(api: Api) -> None:
    assert await api.get(f"/groups?page={(1 << 63) - 1}&per_page=100") == []


async def test_links_repeat_what_was_asked_sorted_by_name(api: Api) -> None:
    group = await api.group()
    path = f"/groups/{group['id']}/projects?simple=True&visibility=public&order_by=id"
    response = await api.call("GET", path)
    assert response.headers["link"].startswith(
        f"<{BASE}/{group['id']}/projects?id={group['id']}&order_by=id&page=1"
        "&per_page=20&simple=True&visibility=public>"
    )


@pytest.mark.usefixtures("seven")
async def test_a_long_list_has_no_total(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MAX_COUNTED", 5)
    response = await api.call("GET", "/groups?per_page=3&page=2")
    assert "x-total" not in response.headers
    assert "x-total-pages" not in response.headers
    assert response.headers["x-next-page"] == "3"
    assert "last" not in response.headers["link"]
    response = await api.call("GET", "/groups?per_page=3&page=3")
    assert response.headers["x-next-page"] == ""


async def test_links_do_not_repeat_secrets(api: Api) -> None:
    for name in ("private_token", "access_token"):
        query = f"/groups?{name}={ROOT_TOKEN}&visibility=public"
        response = await api.call("GET", query, None)
        assert response.status_code == 200
        assert ROOT_TOKEN not in response.headers["link"]
        assert "visibility=public" in response.headers["link"]
    response = await api.call("GET", "/groups?job_token=")
    assert "job_token" not in response.headers["link"]


async def test_links_stay_short(api: Api) -> None:
    search = "s" * 1500
    body = {"long": "x" * 5000, **{f"p{n}": "y" * 500 for n in range(100)}}
    response = await api.call("GET", f"/groups?search={search}&other=1", json=body)
    link = response.headers["link"].partition(",")[0]
    assert search in link
    assert "other=1" in link
    assert "long" not in link
    assert len(link) < 5000
