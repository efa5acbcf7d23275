"""The document of the API.

That it is true is seen to elsewhere: every answer in the tests of this API is held to
it, see ``in_process/documented.py``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, TypedDict

import pytest
from openapi_spec_validator import validate

from in_process.documented import DOCUMENT
from moorage.http.gitlab_v4 import errors
from moorage.http.gitlab_v4.app import ROUTES
from moorage.http.gitlab_v4.error_shapes import ERRORS
from moorage.http.gitlab_v4.parameter_texts import PATH_TEXTS, TEXTS
from moorage.http.gitlab_v4.parameters import MAX_INTEGER, Parameters
from moorage.http.gitlab_v4.schemas import NO_NUL, Schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from in_process.api import Api

OPERATIONS = {
    (method.upper(), path): told
    for path, methods in DOCUMENT["paths"].items()
    for method, told in methods.items()
}


async def test_the_document_is_valid_and_says_where_the_api_is(api: Api) -> None:
    document = await api.get("/openapi.json", None)
    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": "https://registry.example.com:8443/api/v4"}]
    validate(document)


def test_every_route_is_in_the_document_and_nothing_else() -> None:
    assert set(OPERATIONS) == {(route.method, route.path) for route in ROUTES}


def test_operations_have_names_of_their_own() -> None:
    names = [told["operationId"] for told in OPERATIONS.values()]
    assert len(set(names)) == len(names)


def test_each_text_about_a_parameter_is_about_one_and_is_a_sentence() -> None:
    used = {name for told in OPERATIONS.values() for name in names_in(told)}
    assert used == {*TEXTS, *PATH_TEXTS} - {"id or path"}
    assert all(re.fullmatch(r"[A-Z`].*\.", text) for text in TEXTS.values())


def names_in(told: dict[str, Any]) -> Iterator[str]:
    yield from (each["name"].removesuffix("[]") for each in told["parameters"])
    if "requestBody" in told:
        content = told["requestBody"]["content"]["application/json"]
        yield from content["schema"]["properties"]


def test_every_status_that_an_error_is_rendered_with_has_a_shape() -> None:
    statuses = {renderer(cls())[0] for cls, renderer in errors.RENDERING.items()}
    # A former path of a project is answered apart.
    assert statuses | {301} == set(ERRORS)


class Thing(TypedDict):
    """Called like the next."""


class ThingEntity(TypedDict):
    """Called like the one before."""


def test_two_types_of_one_name_are_a_mistake() -> None:
    schemas = Schemas()
    schemas.of(Thing)
    with pytest.raises(ValueError, match="Thing"):
        schemas.of(ThingEntity)


class Inner(Parameters):
    keep: bool | None = None


class Outer(Parameters):
    at_least_one_of = (("a", "b"),)
    inner: Inner
    a: int | None = None
    b: list[str] | None = None


def test_what_a_declaration_takes() -> None:
    assert Schemas().of(Outer) == {
        "type": "object",
        "properties": {
            "inner": {
                "type": "object",
                "properties": {"keep": {"type": ["boolean", "null"]}},
            },
            "a": {
                "type": ["integer", "null"],
                "minimum": -MAX_INTEGER,
                "maximum": MAX_INTEGER,
            },
            "b": {
                "type": ["array", "null"],
                "items": {"type": "string", "pattern": NO_NUL},
            },
        },
        "required": ["inner"],
        "allOf": [{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}],
    }


# The page


class Page(HTMLParser):
    """What a browser would find in the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found[name] or "" for name in ("href", "src") if name in found]
        assert not [name for name in found if name.startswith("on") or name == "style"]


async def test_the_page_needs_neither_scripts_nor_the_internet(api: Api) -> None:
    response = await api.call("GET", "/docs", None)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(response.text)
    assert "script" not in page.tags
    assert {link for link in page.links if not link.startswith("#")} == {"openapi.json"}
    assert {link[1:] for link in page.links if link[0] == "#"} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)


async def test_the_page_may_load_nothing_and_has_its_own_style(api: Api) -> None:
    response = await api.call("GET", "/docs", None)
    policy = response.headers["content-security-policy"]
    style = re.search(r"<style>(.*)</style>", response.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


async def test_the_page_tells_of_every_operation(api: Api) -> None:
    text = (await api.call("GET", "/docs", None)).text
    for method, path in OPERATIONS:
        assert f"<code>{method} {path}</code>" in text


async def test_an_example_has_what_is_needed(api: Api) -> None:
    text = (await api.call("GET", "/docs", None)).text
    block = text.partition('id="post_projects_id_members"')[2].partition("</details>")[
        0
    ]
    assert "--request POST" in block
    assert "--data &#x27;access_level=5&#x27;" in block
    assert "https://registry.example.com:8443/api/v4/projects/1/members" in block
