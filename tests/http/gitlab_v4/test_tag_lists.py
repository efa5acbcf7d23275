from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from conftest import ENGINES
from contract import rows
from contract.rows import NOW
from in_process.registry_api import HOST, RegistryApi, registry_api
from moorage.store import totals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.ports.database import Database

pytestmark = pytest.mark.parametrize("engine", ENGINES, indirect=True)

HOUR = timedelta(hours=1)

# Name, hours since it was created.
TAGS = {"v10": 1, "v9": 3, "latest": 2}


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:
        await made.put_tags({name: NOW - age * HOUR for name, age in TAGS.items()})
        yield made


async def listed(api: RegistryApi, query: str) -> list[str]:
    answer = await api.call("GET", f"{api.path}/tags?{query}")
    assert answer.status_code == 200, answer.text
    return [tag["name"] for tag in answer.json()]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "latest v10 v9"),
        ("sort=desc", "v9 v10 latest"),
        ("order_by=version", "v9 v10 latest"),
        ("order_by=version&sort=desc", "latest v10 v9"),
        ("order_by=created", "v9 latest v10"),
        ("order_by=created&sort=desc", "v10 latest v9"),
        ("order_by=pushed", "latest v10 v9"),
        ("order_by=pulled&sort=desc", "v9 v10 latest"),
        ("order_by=size", "latest v10 v9"),
        ("search=v", "v10 v9"),
        ("search=v&order_by=created", "v9 v10"),
        ("search=test", "latest"),
        ("search=", "latest v10 v9"),
        ("search=nothing", ""),
    ],
)
async def test_tags_come_in_the_order_asked_for(
    api: RegistryApi, query: str, names: str
) -> None:
    assert await listed(api, query) == names.split()


async def test_a_search_is_counted_and_cut_into_pages(api: RegistryApi) -> None:
    answer = await api.call("GET", f"{api.path}/tags?search=v&per_page=1&page=2")
    assert [tag["name"] for tag in answer.json()] == ["v9"]
    assert answer.headers["x-total"] == "2"
    assert answer.headers["x-next-page"] == ""


@pytest.mark.parametrize(
    ("path", "pages"),
    [
        ("tags?search=v", 2),
        ("tags?at=2024-03-01T00:00:00Z", 3),
        ("history?", 3),
    ],
)
async def test_of_many_no_total_is_told(
    api: RegistryApi, monkeypatch: pytest.MonkeyPatch, path: str, pages: int
) -> None:
    monkeypatch.setattr(totals, "MOST", 1)
    for page in range(1, pages + 1):
        answer = await api.call("GET", f"{api.path}/{path}&per_page=1&page={page}")
        assert len(answer.json()) == 1
        assert "x-total" not in answer.headers
        assert "x-total-pages" not in answer.headers
        assert 'rel="last"' not in answer.headers["link"]
        following = str(page + 1) if page < pages else ""
        assert answer.headers["x-next-page"] == following
        assert ("next" in answer.links) == (page < pages)


async def test_without_parameters_a_tag_is_told_as_gitlab_does(
    api: RegistryApi,
) -> None:
    for query in ("", "order_by=size", "search=lat", "pagination=keyset"):
        answer = await api.call("GET", f"{api.path}/tags?{query}")
        assert answer.json()[0] == {
            "name": "latest",
            "path": "group/project/image:latest",
            "location": f"{HOST}/group/project/image:latest",
        }


@pytest.mark.parametrize("order", ["name", "version", "created", "pulled", "size"])
@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("search", ["", "v"])
async def test_links_lead_through_a_list_in_any_order(
    api: RegistryApi, order: str, sort: str, search: str
) -> None:
    query = f"order_by={order}&sort={sort}&search={search}"
    whole = await listed(api, query)
    url: str | None = f"{api.path}/tags?{query}&pagination=keyset&per_page=1"
    names = []
    while url:
        answer = await api.call("GET", url)
        assert "x-total" not in answer.headers
        names += [tag["name"] for tag in answer.json()]
        url = answer.links.get("next", {}).get("url")
    assert names == whole


async def test_by_name_the_marker_is_a_name(api: RegistryApi) -> None:
    answer = await api.call("GET", f"{api.path}/tags?pagination=keyset&per_page=1")
    query = parse_qs(urlsplit(answer.links["next"]["url"]).query)
    assert query["last"] == ["latest"]
    assert query["sort"] == ["asc"]


@pytest.mark.parametrize(
    ("order", "last"),
    [
        *(
            ("created", each)
            for each in ("v10", "W10", "WyJhIiwiYiJd", "é", "W251bGwsImIiXQ")
        ),
        ("version", "WzEsImIiXQ"),
        ("size", "WzE4NDQ2NzQ0MDczNzA5NTUxNjE2LCJhIl0"),
    ],
)
async def test_a_marker_of_another_list_is_refused(
    api: RegistryApi, order: str, last: str
) -> None:
    answer = await api.call(
        "GET", f"{api.path}/tags?pagination=keyset&order_by={order}&last={last}"
    )
    assert (answer.status_code, answer.json()) == (400, {"error": "last is invalid"})


async def test_an_order_that_there_is_not_is_refused(api: RegistryApi) -> None:
    answer = await api.call("GET", f"{api.path}/tags?order_by=colour")
    assert answer.status_code == 400
    assert answer.json() == {"error": "order_by does not have a valid value"}


async def test_details_tell_all_that_is_known(api: RegistryApi) -> None:
    await api.call("POST", f"{api.path}/holds", json={"tag": "v9", "reason": "needed"})
    answer = await api.call("GET", f"{api.path}/tags?details=true&search=v")
    first, second = answer.json()
    assert list(first) == [
        *("name", "path", "location", "digest", "media_type", "artifact_type"),
        *("platforms", "created_at", "pushed_at", "last_pulled_at", "pull_count"),
        *("total_size", "exclusive_bytes", "protected", "immutable", "held"),
    ]
    assert first["digest"].startswith("sha256:")
    assert first["platforms"] == []
    assert first["created_at"] == "2024-02-29T11:00:00.000+00:00"
    assert first["last_pulled_at"] is None
    assert first["total_size"] == 1000
    assert first["exclusive_bytes"] == 0
    assert (first["held"], second["held"]) == (False, True)


async def test_details_of_one_tag_tell_the_same(api: RegistryApi) -> None:
    one = await api.call("GET", f"{api.path}/tags/v9?details=true")
    many = await api.call("GET", f"{api.path}/tags?details=true&search=v9")
    assert many.json()[0].items() <= one.json().items()


async def test_details_tell_of_protection(api: RegistryApi) -> None:
    rules = f"/projects/{api.project.id}/registry/protection/tag/rules"
    made = await api.call(
        "POST",
        rules,
        "maintainer",
        json={
            "tag_name_pattern": "^v9$",
            "minimum_access_level_for_push": "maintainer",
            "minimum_access_level_for_delete": "maintainer",
        },
    )
    assert made.status_code == 201, made.text
    answer = await api.call("GET", f"{api.path}/tags?details=true")
    assert [(tag["protected"], tag["immutable"]) for tag in answer.json()] == [
        (False, False),
        (False, False),
        (True, False),
    ]


async def test_a_repository_without_tags_has_an_empty_list(api: RegistryApi) -> None:
    made = await api.database.write(
        lambda tx: rows.a_repository(tx, api.project, "empty")
    )
    answer = await api.call(
        "GET", f"{api.repositories_path}/{made.id}/tags?details=true&order_by=size"
    )
    assert (answer.status_code, answer.json()) == (200, [])
