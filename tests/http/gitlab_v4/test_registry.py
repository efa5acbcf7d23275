from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from conftest import ENGINES
from contract import rows
from in_process.registry_api import HOST, RegistryApi, put_token, registry_api
from moorage.domain.access import Visibility
from moorage.store import repositories

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

pytestmark = pytest.mark.parametrize("engine", ENGINES, indirect=True)

FORBIDDEN = {"message": "403 Forbidden"}
NO_PROJECT = {"message": "404 Project Not Found"}
NO_REPOSITORY = {"message": "404 Not found"}
NO_TAG = {"message": "404 Tag Not Found"}


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:
        yield made


# Lists of repositories


async def test_a_project_lists_its_repositories(api: RegistryApi) -> None:
    answer = await api.call("GET", api.repositories_path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == [
        {
            "id": api.repository.id,
            "name": "image",
            "path": "group/project/image",
            "project_id": api.project.id,
            "location": f"{HOST}/group/project/image",
            "created_at": "2024-02-29T12:00:00.000Z",
            "cleanup_policy_started_at": None,
            "status": None,
        }
    ]


async def test_a_project_is_addressed_by_path_in_any_case(api: RegistryApi) -> None:
    answer = await api.call("GET", "/projects/GROUP%2Fproject/registry/repositories")
    assert len(answer.json()) == 1


async def test_tags_and_their_count_come_when_asked_for(api: RegistryApi) -> None:
    await api.put_equal_tags(["b", "a"])
    answer = await api.call("GET", api.repositories_path + "?tags=1&tags_count=True")
    found = answer.json()[0]
    assert list(found) == [
        *("id", "name", "path", "project_id", "location", "created_at"),
        *("cleanup_policy_started_at", "tags_count", "tags", "status"),
    ]
    assert found["tags_count"] == 2
    assert found["tags"] == [
        {
            "name": name,
            "path": f"group/project/image:{name}",
            "location": f"{HOST}/group/project/image:{name}",
        }
        for name in ("a", "b")
    ]


async def test_a_repository_named_like_its_project_has_an_empty_name(
    api: RegistryApi,
) -> None:
    await api.database.write(lambda tx: rows.a_repository(tx, api.project))
    answer = await api.call("GET", api.repositories_path)
    assert [each["name"] for each in answer.json()] == ["image", ""]
    assert answer.json()[1]["location"] == f"{HOST}/group/project"


async def test_a_group_lists_the_repositories_below_it(api: RegistryApi) -> None:
    await api.put_equal_tags(["a"])
    answer = await api.call(
        "GET", "/groups/group/registry/repositories?tags=true", "administrator"
    )
    assert answer.status_code == 200
    assert [each["id"] for each in answer.json()] == [api.repository.id]
    assert [tag["name"] for tag in answer.json()[0]["tags"]] == ["a"]
    assert answer.headers["x-total"] == "1"


async def test_a_group_needs_a_reporter_of_the_group(api: RegistryApi) -> None:
    path = f"/groups/{api.group.id}/registry/repositories"
    for caller in ("anonymous", "stranger", "maintainer"):
        answer = await api.call("GET", path, caller)
        assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
    answer = await api.call("GET", "/groups/999/registry/repositories")
    assert answer.json() == {"message": "404 Group Not Found"}


async def test_lists_are_cut_into_pages(api: RegistryApi) -> None:
    def body(tx: Tx) -> None:
        for number in range(4):
            rows.a_repository(tx, api.project, f"more-{number}")

    await api.database.write(body)
    first = await api.call("GET", api.repositories_path + "?per_page=2")
    assert len(first.json()) == 2
    headers = {
        name: first.headers[name]
        for name in (
            *("x-total", "x-total-pages", "x-page", "x-per-page"),
            *("x-next-page", "x-prev-page"),
        )
    }
    assert list(headers.values()) == ["5", "3", "1", "2", "2", ""]
    last = await api.call("GET", api.repositories_path + "?per_page=2&page=3")
    assert len(last.json()) == 1
    assert last.headers["x-next-page"] == ""
    beyond = await api.call("GET", api.repositories_path + "?per_page=2&page=9")
    assert (beyond.status_code, beyond.json()) == (200, [])


@pytest.mark.parametrize("name", ["tags", "tags_count"])
async def test_a_flag_that_is_neither_true_nor_false_is_refused(
    api: RegistryApi, name: str
) -> None:
    answer = await api.call("GET", f"{api.repositories_path}?{name}=maybe")
    assert (answer.status_code, answer.json()) == (400, {"error": f"{name} is invalid"})


# One repository


async def test_a_repository_is_found_by_its_number_alone(api: RegistryApi) -> None:
    await api.put_equal_tags(["a"])
    path = f"/registry/repositories/{api.repository.id}"
    answer = await api.call("GET", path + "?tags=1&tags_count=1&size=1")
    found = answer.json()
    assert answer.status_code == 200
    assert found["tags_count"] == 1
    assert [tag["name"] for tag in found["tags"]] == ["a"]
    assert found["size"] == 0
    assert found["delete_api_path"] == (
        f"https://{HOST}/api/v4/projects/{api.project.id}"
        f"/registry/repositories/{api.repository.id}"
    )
    bare = (await api.call("GET", path, "reporter")).json()
    assert {"tags", "tags_count", "size", "delete_api_path"}.isdisjoint(bare)


@pytest.mark.parametrize(
    ("caller", "expected"),
    [("anonymous", 401), ("stranger", 404), ("guest", 403), ("reporter", 200)],
)
async def test_by_its_number_alone_a_stranger_learns_nothing(
    api: RegistryApi, caller: str, expected: int
) -> None:
    path = f"/registry/repositories/{api.repository.id}"
    answer = await api.call("GET", path, caller)
    assert answer.status_code == expected
    if expected == 404:
        absent = await api.call("GET", "/registry/repositories/999", caller)
        assert answer.json() == absent.json() == NO_REPOSITORY


async def test_what_is_no_number_has_no_route(api: RegistryApi) -> None:
    answer = await api.call("GET", "/registry/repositories/abc")
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})


# Tags


async def test_tags_are_listed_in_byte_order(api: RegistryApi) -> None:
    await api.put_equal_tags(["latest", "a", "B", "1.9", "1.10"])
    answer = await api.call("GET", api.path + "/tags")
    names = [each["name"] for each in answer.json()]
    assert names == ["1.10", "1.9", "B", "a", "latest"]
    assert answer.headers["x-total"] == "5"
    assert list(answer.json()[0]) == ["name", "path", "location"]


async def test_tags_are_cut_into_pages_with_links(api: RegistryApi) -> None:
    await api.put_equal_tags("abcde")
    answer = await api.call("GET", api.path + "/tags?per_page=2&page=2")
    assert [each["name"] for each in answer.json()] == ["c", "d"]
    relations = [link.split("; ")[1] for link in answer.headers["link"].split(", ")]
    assert relations == ['rel="prev"', 'rel="next"', 'rel="first"', 'rel="last"']
    assert answer.headers["link"].startswith(f"<https://{HOST}/api/v4/projects/")


async def test_the_tags_of_an_empty_repository_are_none(api: RegistryApi) -> None:
    answer = await api.call("GET", api.path + "/tags")
    assert (answer.status_code, answer.json()) == (200, [])
    assert answer.headers["x-total-pages"] == "1"


@pytest.mark.parametrize(("sort", "names"), [("asc", "abcde"), ("desc", "edcba")])
async def test_keyset_pages_follow_their_links_to_the_end(
    api: RegistryApi, sort: str, names: str
) -> None:
    await api.put_equal_tags("abcde")
    query = f"pagination=keyset&per_page=2&sort={sort}"
    seen = []
    url: str | None = f"{api.path}/tags?{query}"
    while url is not None:
        answer = await api.call("GET", url)
        assert "x-total" not in answer.headers
        assert "x-page" not in answer.headers
        seen += [each["name"] for each in answer.json()]
        link = answer.headers.get("link")
        url = None if link is None else link[1 : link.index(">")]
        if url is not None:
            given = parse_qs(urlsplit(url).query)
            assert given["last"] == [seen[-1]]
            assert given["sort"] == [sort]
    assert "".join(seen) == names


async def test_keyset_pages_begin_anywhere(api: RegistryApi) -> None:
    await api.put_equal_tags("abd")
    answer = await api.call("GET", api.path + "/tags?pagination=keyset&last=c")
    assert [each["name"] for each in answer.json()] == ["d"]


async def test_a_tag_shows_what_it_points_to(api: RegistryApi) -> None:
    created = datetime(2019, 1, 6, 16, 49, 51, 272_000, tzinfo=UTC)

    def body(tx: Tx) -> rows.Image:
        image = rows.an_image(
            tx, api.repository, created_at=created, total_bytes=350_224_384
        )
        rows.put_tag(tx, api.repository, "v10.0.0", image)
        return image

    image = await api.database.write(body)
    answer = await api.call("GET", api.path + "/tags/v10.0.0", "reporter")
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "v10.0.0",
        "path": "group/project/image:v10.0.0",
        "location": f"{HOST}/group/project/image:v10.0.0",
        "revision": image.config_digest.hex,
        "short_revision": image.config_digest.hex[:9],
        "digest": str(image.digest),
        "created_at": "2019-01-06T16:49:51.272+00:00",
        "total_size": 350_224_384,
    }


@pytest.mark.parametrize("name", ["absent", "V1", "v1.json", "%C3%A9", "-", "a%2Fb"])
async def test_a_tag_that_is_not_there_is_not_found(
    api: RegistryApi, name: str
) -> None:
    await api.put_equal_tags(["v1"])
    for method in ("GET", "DELETE"):
        answer = await api.call(method, f"{api.path}/tags/{name}")
        assert (answer.status_code, answer.json()) == (404, NO_TAG)


async def test_deleting_a_tag_leaves_the_others_of_its_manifest(
    api: RegistryApi,
) -> None:
    def body(tx: Tx) -> None:
        image = rows.an_image(tx, api.repository)
        for name in ("latest", "v1", "v2"):
            rows.put_tag(tx, api.repository, name, image)

    await api.database.write(body)
    for name in ("v1", "latest"):
        answer = await api.call("DELETE", f"{api.path}/tags/{name}", "developer")
        assert (answer.status_code, answer.json()) == (200, 200)
    assert await api.tag_names() == ["v2"]
    events = await api.database.read(rows.tag_events)
    assert [each["actor"] for each in events[3:]] == ["developer", "developer"]


# Deleting a repository


async def test_a_repository_is_scheduled_then_gone(api: RegistryApi) -> None:
    await api.put_equal_tags(["latest", "v1"])
    answer = await api.call("DELETE", api.path)
    assert (answer.status_code, answer.json()) == (202, 202)
    listed = (await api.call("GET", api.repositories_path)).json()
    assert listed[0]["status"] == "delete_scheduled"
    again = await api.call("DELETE", api.path)
    assert again.status_code == 202
    assert again.headers["location"] == answer.headers["location"]
    await api.run_jobs()
    assert (await api.call("GET", api.repositories_path)).json() == []
    assert (await api.call("DELETE", api.path)).json() == NO_REPOSITORY
    job = (await api.call("GET", answer.headers["location"])).json()
    assert (job["state"], job["kind"]) == ("succeeded", "delete_repository")


async def test_a_repository_of_another_project_is_not_found(api: RegistryApi) -> None:
    def body(tx: Tx) -> Repository:
        return rows.a_repository(tx, rows.a_project(tx, api.group, "other"))

    other = await api.database.write(body)
    path = f"{api.repositories_path}/{other.id}"
    for method, suffix in (("GET", "/tags"), ("DELETE", ""), ("GET", "/tags/v1")):
        answer = await api.call(method, path + suffix)
        assert (answer.status_code, answer.json()) == (404, NO_REPOSITORY)
    found = await api.database.read(lambda tx: repositories.find(tx, other.id))
    assert found == other


# Who may what


READ = {
    "anonymous": (404, 404, 200),
    "stranger": (404, 200, 200),
    "guest": (403, 200, 200),
    "reporter": (200, 200, 200),
    "developer": (200, 200, 200),
    "maintainer": (200, 200, 200),
    "owner": (200, 200, 200),
    "administrator": (200, 200, 200),
    "unknown": (401, 401, 401),
}
DESTROY = {
    "anonymous": (404, 404, 403),
    "stranger": (404, 403, 403),
    "guest": (403, 403, 403),
    "reporter": (403, 403, 403),
}
DELETE_TAG = {
    **DESTROY,
    **dict.fromkeys(("developer", "maintainer", "owner", "administrator"), (200,) * 3),
    "unknown": (401, 401, 401),
}
ADMINISTER = {
    **DESTROY,
    "developer": (403, 403, 403),
    **dict.fromkeys(("maintainer", "owner", "administrator"), (202,) * 3),
    "unknown": (401, 401, 401),
}
CALLS = [
    ("GET", "", READ),
    ("GET", "/{id}/tags", READ),
    ("GET", "/{id}/tags/v1", READ),
    ("DELETE", "/{id}/tags/v1", DELETE_TAG),
    ("DELETE", "/{id}/tags?name_regex_delete=.*", ADMINISTER),
    ("DELETE", "/{id}", ADMINISTER),
]
REFUSALS = {401: {"message": "401 Unauthorized"}, 403: FORBIDDEN, 404: NO_PROJECT}


@pytest.mark.parametrize("visibility", list(Visibility))
async def test_every_caller_gets_what_the_table_says(
    api: RegistryApi, visibility: Visibility
) -> None:
    column = list(Visibility).index(visibility)
    await api.set_visibility(visibility)
    for method, suffix, table in CALLS:
        for caller, row in table.items():
            await api.put_equal_tags(["v1"])
            api.clock.advance(timedelta(hours=1))
            path = api.repositories_path + suffix.format(id=api.repository.id)
            answer = await api.call(method, path, caller)
            assert answer.status_code == row[column], (method, suffix, caller)
            if answer.status_code in REFUSALS:
                assert answer.json() == REFUSALS[answer.status_code]


async def test_a_registry_that_is_off_forbids_everything_to_everybody(
    api: RegistryApi,
) -> None:
    await api.set_visibility(Visibility.PUBLIC)
    await api.set_registry_access("disabled")
    for method, suffix, _ in CALLS:
        for caller in ("anonymous", "owner", "administrator"):
            path = api.repositories_path + suffix.format(id=api.repository.id)
            answer = await api.call(method, path, caller)
            assert (answer.status_code, answer.json()) == (403, FORBIDDEN)


async def test_an_archived_project_is_only_read(api: RegistryApi) -> None:
    await api.put_equal_tags(["v1"])
    await api.archive()
    for method, suffix, _ in CALLS:
        path = api.repositories_path + suffix.format(id=api.repository.id)
        answer = await api.call(method, path, "owner")
        assert answer.status_code == (200 if method == "GET" else 403)


async def test_a_token_that_only_reads_cannot_delete(api: RegistryApi) -> None:
    await api.database.write(
        lambda tx: put_token(tx, api.accounts["owner"], "token-reader", "read_api")
    )
    assert (await api.call("GET", api.path + "/tags", "reader")).status_code == 200
    answer = await api.call("DELETE", api.path, "reader")
    assert answer.status_code == 403
    assert answer.json()["error"] == "insufficient_scope"


async def test_checks_come_in_the_documented_order(api: RegistryApi) -> None:
    absent = f"{api.repositories_path}/999/tags"
    bad = "?name_regex_delete=("
    invisible = await api.call("DELETE", absent + bad, "anonymous")
    assert (invisible.status_code, invisible.json()) == (404, NO_PROJECT)
    unreadable = await api.call("DELETE", absent + bad, "guest")
    assert unreadable.status_code == 403
    malformed = await api.call("DELETE", absent + bad, "reporter")
    assert malformed.status_code == 400
    missing = await api.call("DELETE", absent + "?name_regex_delete=x", "reporter")
    assert (missing.status_code, missing.json()) == (404, NO_REPOSITORY)
    low = await api.call("DELETE", api.path + "/tags/absent", "reporter")
    assert (low.status_code, low.json()) == (403, FORBIDDEN)
