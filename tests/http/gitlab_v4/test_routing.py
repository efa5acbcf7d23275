from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moorage.http.gitlab_v4.app import ROUTES
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.routing import (
    MethodNotAllowedError,
    PathInvalidError,
    Route,
    RouteTable,
    RouteUnknownError,
)

if TYPE_CHECKING:
    from starlette.responses import Response

    from in_process.api import Api
    from moorage.http.gitlab_v4.call import Call


async def handler(call: Call) -> Response:
    raise NotImplementedError(call)


OPERATION = Operation("Do it", {204: None})

TABLE = RouteTable(
    [
        Route("GET", "/things", handler, OPERATION),
        Route("POST", "/things", handler, OPERATION),
        Route("GET", "/things/self", handler, OPERATION),
        Route("GET", "/things/{id}", handler, OPERATION),
        Route("DELETE", "/things/{id}", handler, OPERATION),
        Route("GET", "/things/{id}/parts/{name}", handler, OPERATION),
    ]
)


@pytest.mark.parametrize(
    ("path", "route", "parameters"),
    [
        ("/things", "/things", {}),
        ("/things/", "/things", {}),
        ("/things/self", "/things/self", {}),
        ("/things/7", "/things/{id}", {"id": "7"}),
        ("/things/a%2Fb", "/things/{id}", {"id": "a/b"}),
        ("/things/7/parts/v1.0.json", "/things/{id}/parts/{name}", None),
        ("/things/self/parts/x%20y", "/things/{id}/parts/{name}", None),
    ],
)
def test_a_path_finds_its_route(
    path: str, route: str, parameters: dict[str, str] | None
) -> None:
    found, decoded = TABLE.find("GET", path)
    assert found.path == route
    if parameters is not None:
        assert decoded == parameters


def test_a_suffix_belongs_to_the_name() -> None:
    _, decoded = TABLE.find("GET", "/things/7/parts/v1.0.json")
    assert decoded == {"id": "7", "name": "v1.0.json"}


def test_a_method_that_only_the_parameter_has_is_found_behind_a_literal() -> None:
    found, decoded = TABLE.find("DELETE", "/things/self")
    assert found.path == "/things/{id}"
    assert decoded == {"id": "self"}


def test_head_is_answered_by_get() -> None:
    assert TABLE.find("HEAD", "/things")[0].method == "GET"


@pytest.mark.parametrize(
    "path", ["/", "", "/thing", "/things/7/parts", "/things//parts/x"]
)
def test_an_unknown_path_is_unknown(path: str) -> None:
    with pytest.raises(RouteUnknownError):
        TABLE.find("GET", path)


def test_a_wrong_method_tells_the_right_ones() -> None:
    with pytest.raises(MethodNotAllowedError) as caught:
        TABLE.find("PUT", "/things")
    assert caught.value.detail["allow"] == ["GET", "HEAD", "OPTIONS", "POST"]


@pytest.mark.parametrize("path", ["/things/%00", "/things/%ff"])
def test_a_path_that_is_no_text_is_invalid(path: str) -> None:
    with pytest.raises(PathInvalidError):
        TABLE.find("GET", path)


def test_two_routes_of_one_method_and_path_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="twice"):
        RouteTable(
            [
                Route("GET", "/a/{id}", handler, OPERATION),
                Route("GET", "/a/{x}", handler, OPERATION),
            ]
        )


def test_every_route_of_the_product_is_in_one_table() -> None:
    table = RouteTable(ROUTES)
    for route in ROUTES:
        assert table.find(route.method, route.path)[0] is route


async def test_an_unknown_route_is_404_under_error(api: Api) -> None:
    response = await api.call("GET", "/nothing/here")
    assert response.status_code == 404
    assert response.json() == {"error": "404 Not Found"}
    assert response.headers["content-type"] == "application/json"


async def test_a_wrong_method_is_405_with_allow(api: Api) -> None:
    response = await api.call("PATCH", "/version")
    assert response.status_code == 405
    assert response.json() == {"error": "405 Not Allowed"}
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_version_3_is_gone(api: Api) -> None:
    response = await api.client.get("/api/v3/projects")
    assert response.status_code == 410
    assert response.json() == {
        "error": "API V3 is no longer supported. Use API V4 instead."
    }


async def test_head_has_the_headers_of_get_and_no_body(api: Api) -> None:
    get, head = await api.call("GET", "/projects"), await api.call("HEAD", "/projects")
    assert head.status_code == 200
    assert head.content == b""
    for name in ("x-total", "content-length", "etag", "link"):
        assert head.headers[name] == get.headers[name]


async def test_a_trailing_slash_is_tolerated(api: Api) -> None:
    assert (await api.call("GET", "/user/")).status_code == 200


async def test_every_answer_has_the_headers_that_gitlab_gives(api: Api) -> None:
    good, bad = await api.call("GET", "/user"), await api.call("GET", "/user", None)
    for response in (good, bad):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "SAMEORIGIN"
        assert response.headers["vary"] == "Origin"
        assert response.headers["x-request-id"]
        assert float(response.headers["x-runtime"]) >= 0
    assert good.headers["cache-control"] == "max-age=0, private, must-revalidate"
    assert good.headers["etag"].startswith('W/"')
    assert bad.headers["cache-control"] == "no-cache"


async def test_who_has_the_answer_is_told_that_nothing_changed(api: Api) -> None:
    etag = (await api.call("GET", "/user")).headers["etag"]
    again = await api.call("GET", "/user", headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert again.content == b""


async def test_a_surprise_is_a_bare_500(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_principal: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(api.context.users, "current", fail)
    response = await api.call("GET", "/user")
    assert response.status_code == 500
    assert response.json() == {"message": "500 Internal Server Error"}


@pytest.mark.parametrize("path", ["/api/v4user", "/api/v4", "/api/v5/user", "/user"])
async def test_only_what_lies_below_the_prefix_is_the_api(api: Api, path: str) -> None:
    response = await api.client.get(path)
    assert response.status_code == 404
    assert response.json() == {"error": "404 Not Found"}
