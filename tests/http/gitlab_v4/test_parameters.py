from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import moorage.http.gitlab_v4.app  # noqa: F401 (brings in every declaration)
from moorage.domain.errors import ParameterError
from moorage.http.gitlab_v4.parameters import (
    UNSET,
    Parameters,
    UnsetType,
    read,
)
from moorage.http.gitlab_v4.rules import RuleParameters

if TYPE_CHECKING:
    from in_process.api import Api


class Colour(StrEnum):
    RED = "red"


class Inner(Parameters):
    keep_n: int | None = None
    enabled: bool | None = None


class Example(Parameters, kw_only=True):
    text: str | UnsetType | None = UNSET
    number: int | None = None
    flag: bool = False
    names: list[str] | None = None
    numbers: list[int] | None = None
    day: date | None = None
    colour: Colour = Colour.RED
    order: Literal["asc", "desc"] = "asc"
    inner: Inner | None = None


class Strict(Parameters, kw_only=True):
    at_least_one_of = (("a", "b"),)
    name: str
    a: str | None = None
    b: str | None = None


@pytest.mark.parametrize(
    "value",
    ["true", "True", "TRUE", "t", "T", "1", "on", "On", "ON", "y", "Y", "yes", "Yes"],
)
def test_what_means_true(value: str) -> None:
    assert read({"flag": value}, Example).flag is True


@pytest.mark.parametrize("value", ["false", "F", "0", "off", "n", "No", 0, False])
def test_what_means_false(value: object) -> None:
    assert read({"flag": value}, Example).flag is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flag", "maybe"),
        ("flag", "tRue"),
        ("flag", ["1"]),
        ("flag", 2),
        ("number", "five"),
        ("number", "1.5"),
        ("number", True),
        ("number", str(1 << 64)),
        ("number", 1 << 64),
        ("number", "1" * 5000),
        ("number", {"a": 1}),
        ("text", {"a": 1}),
        ("text", ["a"]),
        ("text", "nul\0"),
        ("text", "\ud800"),
        ("names", {"a": 1}),
        ("numbers", "1,x"),
        ("day", "2021-02-30"),
        ("day", "soon"),
        ("day", 5),
        ("inner", "x"),
    ],
)
def test_what_is_invalid(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"^{name} is invalid$"):
        read({name: value}, Example)


@pytest.mark.parametrize("name", ["colour", "order"])
def test_what_is_not_among_the_choices(name: str) -> None:
    with pytest.raises(ParameterError, match=f"^{name} does not have a valid value$"):
        read({name: "blue"}, Example)


@pytest.mark.parametrize(
    ("given", "field", "expected"),
    [
        ({"number": "5"}, "number", 5),
        ({"number": "-1"}, "number", -1),
        ({"number": ""}, "number", None),
        ({"number": 5.0}, "number", 5),
        ({"text": 5}, "text", "5"),
        ({"text": ""}, "text", ""),
        ({"text": None}, "text", None),
        ({}, "text", UNSET),
        ({"flag": ""}, "flag", False),
        ({"names": "a, b"}, "names", ["a", "b"]),
        ({"names": ["a", "b"]}, "names", ["a", "b"]),
        ({"numbers": "1,2"}, "numbers", [1, 2]),
        ({"day": "2021-01-31"}, "day", date(2021, 1, 31)),
        ({"day": "2021-01-31T10:00:00Z"}, "day", date(2021, 1, 31)),
        ({"colour": "red"}, "colour", Colour.RED),
        ({"inner": {"keep_n": "5"}}, "inner", Inner(keep_n=5)),
    ],
)
def test_what_is_read(given: dict[str, Any], field: str, expected: object) -> None:
    assert getattr(read(given, Example), field) == expected


def test_unknown_parameters_are_ignored() -> None:
    assert read({"other": "x"}, Example) == Example()


def test_all_complaints_are_made_at_once() -> None:
    with pytest.raises(ParameterError) as caught:
        read({"number": "x", "flag": "x", "inner": {"keep_n": "x"}}, Example)
    assert str(caught.value) == (
        "number is invalid, flag is invalid, inner[keep_n] is invalid"
    )


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ParameterError) as caught:
        read({}, Strict)
    assert str(caught.value) == (
        "name is missing, a, b are missing, at least one parameter must be provided"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def declarations(cls: type[Parameters]) -> Iterator[type[Parameters]]:
    for child in cls.__subclasses__():
        yield child
        yield from declarations(child)


@pytest.mark.parametrize("declaration", sorted(declarations(Parameters), key=str))
@given(data=st.data())
def test_whatever_is_sent_is_read_or_refused(
    declaration: type[Parameters], data: st.DataObject
) -> None:
    names = [field.name for field in msgspec.structs.fields(declaration)]
    given_ = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, JSON)))
    try:
        found = read(given_, declaration)
    except ParameterError:
        return
    assert isinstance(found, declaration)


async def search(api: Api, **options: Any) -> list[str]:
    response = await api.call("GET", "/users", **options)
    assert response.status_code == 200, response.text
    return [user["username"] for user in response.json()]


FORMS: list[dict[str, Any]] = [
    {"params": {"search": "roo"}},
    {"data": {"search": "roo"}},
    {"files": {"search": (None, "roo")}},
    {"json": {"search": "roo"}},
    {"content": b"search=roo"},
]


@pytest.mark.parametrize(
    "options", FORMS, ids=["query", "form", "multipart", "json", "bare"]
)
async def test_parameters_may_be_anywhere(api: Api, options: dict[str, Any]) -> None:
    await api.person()
    assert await search(api, **options) == ["root"]


async def test_an_empty_json_body_is_no_error(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    assert await search(api, headers=headers) == ["root"]


@pytest.mark.parametrize(
    "content", [b"{", b"[1]", b"\xff", b'{"a": "\\ud800"}', b"[" * 9000]
)
async def test_json_that_is_no_object_is_refused(api: Api, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await api.call("GET", "/users", headers=headers, content=content)
    assert response.status_code == 400
    assert response.json() == {"error": "message body does not match declared format"}


async def test_a_broken_multipart_body_is_refused(api: Api) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    response = await api.call("POST", "/groups", headers=headers, content=b"x")
    assert response.status_code == 400


async def test_other_content_types_are_refused(api: Api) -> None:
    headers = {"Content-Type": "text/plain"}
    response = await api.call("POST", "/groups", headers=headers, content=b"x")
    assert response.status_code == 415
    assert response.json() == {
        "error": "The provided content-type 'text/plain' is not supported."
    }


async def test_a_body_out_of_all_proportion_is_refused(api: Api) -> None:
    response = await api.call("POST", "/groups", content=b"x" * (1 << 20 | 1))
    assert response.status_code == 413


async def test_arrays_come_in_brackets(api: Api) -> None:
    group, other = await api.group(), await api.group()
    for query in ("skip_groups[]={}", "skip_groups={}", "skip_groups%5B%5D={}"):
        found = await api.get(f"/groups?{query.format(group['id'])}")
        assert [one["id"] for one in found] == [other["id"]]


_PART = b'--x\r\nContent-Disposition: form-data; name="search"\r\n\r\nroo\r\n'


@pytest.mark.parametrize(
    "content",
    [
        b"--y\r\n\r\n--y--\r\n",
        b"--x\r\nContent-Type: text/plain\r\n\r\nroo\r\n--x--\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\nroo\r\n--x--\r\n",
        b"--x\r\n\r\nroo\r\n--x--\r\n",
        b"--x\r\nContent Disposition\r\n\r\nroo\r\n--x--\r\n",
        _PART,
        _PART + b"--x",
        b"x",
    ],
)
async def test_a_malformed_multipart_body_is_refused(api: Api, content: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = await api.call("GET", "/users", headers=headers, content=content)
    assert response.status_code == 400
    assert response.json() == {"error": "message body does not match declared format"}


@pytest.mark.parametrize("boundary", ["", '""', "x" * 5000, "\u00e4"])
async def test_an_odd_boundary_is_refused(api: Api, boundary: str) -> None:
    kind = f"multipart/form-data; boundary={boundary}".encode()
    headers = [(b"PRIVATE-TOKEN", b"x"), (b"Content-Type", kind)]
    response = await api.client.request(
        "GET", "/api/v4/users", headers=headers, content=_PART + b"--x--"
    )
    assert response.status_code == 400


@pytest.mark.parametrize("how", ["query", "form", "json"])
async def test_parameters_nested_beyond_all_need_are_refused(
    api: Api, how: str
) -> None:
    deep = "a" + "[b]" * 1500
    options: dict[str, dict[str, Any]] = {
        "query": {"params": {deep: "1"}},
        "form": {"data": {deep: "1"}},
        "json": {
            "content": b'{"a":' * 300 + b"1" + b"}" * 300,
            "headers": {"Content-Type": "application/json"},
        },
    }
    response = await api.call("GET", "/users", **options[how])
    assert response.status_code == 400
    assert response.json() == {"error": "parameters are nested too deeply"}


def test_null_is_no_alternative_where_it_means_nothing() -> None:
    with pytest.raises(ParameterError, match=r"^name_regex, name_regex_delete are "):
        read({"name_regex_delete": None}, RuleParameters)
    found = read({"name_regex_delete": None, "name_regex": "y"}, RuleParameters)
    assert (found.name_regex, found.name_regex_delete) == ("y", UNSET)
    assert read({"name": "x", "a": None}, Strict).a is None
