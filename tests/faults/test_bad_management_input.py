"""Bad requests to ``/api/v4``: GitLab's error, never a 500, nothing changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from live.images import an_image

if TYPE_CHECKING:
    import httpx

    from live.estate import Estate

pytestmark = pytest.mark.clients

NOT_FOUND = {"message": "404 Not found"}
NO_PROJECT = {"message": "404 Project Not Found"}
NO_ROUTE = {"error": "404 Not Found"}
WRONG_METHOD = {"error": "405 Not Allowed"}
BEYOND_64_BITS = "9" * 25


@dataclass(frozen=True, slots=True)
class Bad:
    """A call, and what must come back; ``{project}`` and ``{id}`` are put in."""

    method: str
    path: str
    status: int
    body: Any = None
    request: dict[str, Any] = field(default_factory=dict)


R = "/projects/{project}/registry/repositories"
TAGS = R + "/{id}/tags"


def bulk(body: Any, **form: str) -> Bad:
    return Bad("DELETE", TAGS, 400, body, {"data": form})


def invalid(name: str) -> dict[str, str]:
    return {"error": f"{name} is invalid"}


BAD: dict[str, Bad] = {
    # routes and methods
    "no such route": Bad("GET", "/nothing", 404, NO_ROUTE),
    "no such route below a project": Bad(
        "GET", "/projects/{project}/no", 404, NO_ROUTE
    ),
    "method of the list": Bad("POST", R, 405, WRONG_METHOD),
    "method of a tag": Bad("PUT", TAGS + "/v1", 405, WRONG_METHOD),
    "a repository that is no number, alone": Bad(
        "GET", "/registry/repositories/abc", 404, NO_ROUTE
    ),
    # identifiers
    "project absent": Bad(
        "GET", "/projects/999999/registry/repositories", 404, NO_PROJECT
    ),
    "project absent by path": Bad(
        "GET", "/projects/no%2Fsuch/registry/repositories", 404, NO_PROJECT
    ),
    "project beyond 64 bits": Bad(
        "GET", f"/projects/{BEYOND_64_BITS}/registry/repositories", 404, NO_PROJECT
    ),
    "project path with nul": Bad("GET", "/projects/a%00b/registry/repositories", 400),
    "project path not utf-8": Bad("GET", "/projects/%ff/registry/repositories", 400),
    "group absent": Bad(
        "GET",
        "/groups/999999/registry/repositories",
        404,
        {"message": "404 Group Not Found"},
    ),
    "repository absent": Bad("GET", R + "/999999/tags", 404, NOT_FOUND),
    "repository beyond 64 bits": Bad("GET", R + f"/{BEYOND_64_BITS}/tags", 404),
    "repository no number": Bad("GET", R + "/abc/tags", 400, invalid("repository_id")),
    "repository no number on delete": Bad(
        "DELETE", R + "/abc", 400, invalid("repository_id")
    ),
    "repository absent on delete": Bad("DELETE", R + "/999999", 404, NOT_FOUND),
    "repository absent, alone": Bad(
        "GET", "/registry/repositories/999999", 404, NOT_FOUND
    ),
    "tag absent": Bad("GET", TAGS + "/absent", 404, {"message": "404 Tag Not Found"}),
    "tag absent on delete": Bad(
        "DELETE", TAGS + "/absent", 404, {"message": "404 Tag Not Found"}
    ),
    "tag with nul": Bad("GET", TAGS + "/a%00b", 400),
    # parameters of lists
    "tags neither true nor false": Bad("GET", R + "?tags=maybe", 400, invalid("tags")),
    "tags_count neither": Bad("GET", R + "?tags_count=2", 400, invalid("tags_count")),
    "per_page zero": Bad("GET", R + "?per_page=0", 400),
    "per_page a word": Bad("GET", R + "?per_page=many", 400, invalid("per_page")),
    "page a word": Bad("GET", TAGS + "?page=first", 400, invalid("page")),
    # bulk delete
    "bulk without an expression": bulk(
        {
            "error": "name_regex, name_regex_delete are missing, "
            "at least one parameter must be provided"
        }
    ),
    "bulk keep_n a word": bulk(
        invalid("keep_n"), name_regex_delete=".*", keep_n="five"
    ),
    "bulk keep_n beyond 64 bits": bulk(
        None, name_regex_delete=".*", keep_n=BEYOND_64_BITS + "x"
    ),
    "bulk older_than a word": bulk(
        invalid("older_than"), name_regex_delete=".*", older_than="soon"
    ),
    "bulk older_than negative": bulk(
        invalid("older_than"), name_regex_delete=".*", older_than="-2d"
    ),
    "bulk expression not closed": bulk(None, name_regex_delete="v("),
    "bulk expression with look-ahead": bulk(None, name_regex_delete="(?!v).*"),
    "bulk old expression not closed": bulk(None, name_regex="v("),
    "bulk keep expression not closed": bulk(
        None, name_regex_delete=".*", name_regex_keep="["
    ),
    "bulk expression that repeats a thousandfold": bulk(
        None, name_regex_delete="((a{1000}){1000}){1000}"
    ),
    "bulk body no json": Bad(
        *("DELETE", TAGS, 400, None),
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
    ),
    "bulk body a json list": Bad(
        *("DELETE", TAGS, 400, None),
        {"content": b"[]", "headers": {"Content-Type": "application/json"}},
    ),
    "bulk body with a lone surrogate": Bad(
        *("DELETE", TAGS, 400, None),
        {
            "content": b'{"name_regex_delete": "\\ud800("}',
            "headers": {"Content-Type": "application/json"},
        },
    ),
    # what surrounds the registry
    "user without anything": Bad("POST", "/users", 400),
    "user taken": Bad(
        *("POST", "/users", 409, {"message": "Username has already been taken"}),
        {
            "data": {
                "username": "root",
                "name": "Root",
                "email": "another@example.com",
                "password": "correct horse battery",
            }
        },
    ),
    "group without anything": Bad("POST", "/groups", 400),
    "group with a bad path": Bad(
        "POST", "/groups", 400, None, {"data": {"name": "x", "path": "a b/c"}}
    ),
    "project without anything": Bad(
        *("POST", "/projects", 400),
        {"error": "name, path are missing, at least one parameter must be provided"},
    ),
    "project in no namespace": Bad(
        *("POST", "/projects", 404, {"message": "404 Namespace Not Found"}),
        {"data": {"name": "x", "namespace_id": "999999"}},
    ),
    "project with a wrong visibility": Bad(
        *("POST", "/projects", 400),
        {"error": "visibility does not have a valid value"},
        {"data": {"name": "x", "visibility": "secret"}},
    ),
    "member absent": Bad(
        *("POST", "/projects/{project}/members", 404),
        {"message": "404 User Not Found"},
        {"data": {"user_id": 999999, "access_level": 30}},
    ),
    "member at no level": Bad(
        *("POST", "/projects/{project}/members", 400),
        {"message": {"access_level": ["is not included in the list"]}},
        {"data": {"user_id": 1, "access_level": 31}},
    ),
    "token for nobody": Bad(
        *("POST", "/users/999999/personal_access_tokens", 404, None),
        {"data": {"name": "x", "scopes[]": "api"}},
    ),
    "token with an unknown scope": Bad(
        *("POST", "/users/1/personal_access_tokens", 400, None),
        {"data": {"name": "x", "scopes[]": "everything"}},
    ),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A project with one repository, and the way to see it unchanged."""

    estate: Estate
    project_id: int
    repository_id: int

    def call(self, bad: Bad) -> httpx.Response:
        path = bad.path.format(project=self.project_id, id=self.repository_id)
        headers = {
            "PRIVATE-TOKEN": self.estate.admin.token,
            **bad.request.get("headers", {}),
        }
        request = {**bad.request, "headers": headers}
        return self.estate.api.request(bad.method, path, **request)

    def state(self) -> tuple[Any, ...]:
        root = self.estate.admin
        base = f"/projects/{self.project_id}"
        totals = [
            self.estate.call(root, "HEAD", path).headers["X-Total"]
            for path in ("/projects", "/groups", "/users", f"{base}/members")
        ]
        listed = self.estate.call(root, "GET", f"{base}/registry/repositories?tags=1")
        return totals, listed.json()


@pytest.fixture(scope="module")
def place(estate: Estate) -> Place:
    project = estate.project()
    path = f"{project.path_with_namespace}/app"
    with estate.registry(estate.admin) as registry:
        for tag in ("v1", "v2", "latest"):
            registry.push(path, tag, an_image(tag))
    return Place(estate, project.id, estate.repository_id(project, path))


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_call_gets_its_error_and_changes_nothing(place: Place, bad: Bad) -> None:
    before = place.state()
    answer = place.call(bad)
    assert answer.status_code == bad.status, answer.text
    if bad.body is None:
        assert answer.json().keys() & {"error", "message"}
    else:
        assert answer.json() == bad.body
    assert place.state() == before


def test_no_refused_bulk_delete_uses_up_the_hour(place: Place) -> None:
    for bad in BAD.values():
        if bad.path == TAGS and bad.method == "DELETE":
            place.call(bad)
    allowed = Bad("DELETE", TAGS, 202, 202, {"data": {"name_regex_delete": "none"}})
    answer = place.call(allowed)
    assert (answer.status_code, answer.json()) == (202, 202)


def test_an_invalid_expression_is_named_with_its_parameter(place: Place) -> None:
    for name in ("name_regex", "name_regex_delete"):
        error = place.call(bulk(None, **{name: "v("})).json()["error"]
        assert error.startswith(f"{name} is an invalid regexp")


STRANGE = ["\0", "a\0b", "\ud800", "\u202e", "x" * 100_000, "../..", "%00", " "]


@pytest.mark.parametrize("text", STRANGE, ids=lambda text: ascii(text)[:12])
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/groups", ("name", "path", "description")),
        ("/projects", ("name", "path", "description")),
        ("/users", ("username", "name", "email", "password")),
        ("/users/1/personal_access_tokens", ("name", "scopes", "expires_at")),
        ("/projects/{project}/members", ("user_id", "username", "expires_at")),
    ],
)
def test_strange_texts_are_refused_or_stored_but_never_a_fault(
    place: Place, path: str, fields: tuple[str, ...], text: str
) -> None:
    good = {
        "name": place.estate.new_name("strange"),
        "path": place.estate.new_name("strange"),
        "username": place.estate.new_name("strange"),
        "email": f"{place.estate.new_name('strange')}@example.com",
        "password": "correct horse battery",
        "scopes": ["api"],
        "access_level": 30,
    }
    for name in fields:
        # Spelled with escapes, as every JSON library would.
        content = json.dumps({**good, name: text}).encode()
        headers = {"Content-Type": "application/json"}
        answer = place.call(
            Bad("POST", path, 0, None, {"content": content, "headers": headers})
        )
        assert answer.status_code < 500, (name, answer.text)


@pytest.mark.parametrize("number", ["-1", "0", "2147483648", "9" * 19, BEYOND_64_BITS])
@pytest.mark.parametrize(
    "path",
    [
        *("/projects/{number}", "/groups/{number}", "/users/{number}"),
        *("/projects?page={number}", "/projects?per_page={number}"),
        *(TAGS + "?page={number}&per_page=100", TAGS + "?per_page={number}"),
        *(R + "/{number}/tags", "/registry/repositories/{number}"),
        *("/personal_access_tokens/{number}", "/projects/{project}/members/{number}"),
        *("/namespaces/{number}", "/projects?min_access_level={number}"),
    ],
)
def test_numbers_of_any_size_are_no_fault(place: Place, path: str, number: str) -> None:
    answer = place.call(Bad("GET", path.replace("{number}", number), 0))
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "query",
    [
        *("search=%00", "search=%ff", "search=%25", "search=_", "search=" + "a" * 5000),
        *("order_by=nothing", "sort=sideways", "visibility=%00", "username=%00"),
        *("pagination=keyset&last=%00&sort=sideways", "pagination=keyset&last=%ff"),
        *("page=1&page=2", "page[]=1", "=", "&&&", "%", "a[b][c]=1", "tags[]=1"),
    ],
    ids=lambda query: query[:20],
)
@pytest.mark.parametrize("path", ["/projects", "/groups", "/users", R, TAGS])
def test_strange_queries_are_no_fault(place: Place, path: str, query: str) -> None:
    assert place.call(Bad("GET", f"{path}?{query}", 0)).status_code < 500


@pytest.mark.parametrize(
    "path",
    [R + "?other=1", TAGS + "?other[]=x", TAGS + "/v1?x=%00", "/user?x=1"],
)
def test_unknown_parameters_are_ignored(place: Place, path: str) -> None:
    assert place.call(Bad("GET", path, 200)).status_code == 200


def test_the_third_version_of_the_api_is_gone(estate: Estate) -> None:
    answer = estate.api.get(f"{estate.server.url}/api/v3/projects")
    assert answer.status_code == 410
    assert answer.json() == {
        "error": "API V3 is no longer supported. Use API V4 instead."
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"PRIVATE-TOKEN": "glpat-unknown"},
        {"Authorization": "Bearer unknown"},
        {"PRIVATE-TOKEN": "x" * 5000},
    ],
    ids=str,
)
def test_an_unknown_token_is_never_anonymous(
    estate: Estate, headers: dict[str, str]
) -> None:
    project = estate.project(visibility="public")
    answer = estate.api.get(
        f"/projects/{project.id}/registry/repositories", headers=headers
    )
    assert answer.status_code == 401
    assert answer.json() == {"message": "401 Unauthorized"}
