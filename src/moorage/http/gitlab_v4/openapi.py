"""The document of this API, OpenAPI 3.1, made of the table of routes.

Nothing is written twice: a route says what it takes and answers, see ``operations``.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from moorage import __version__
from moorage.http.gitlab_v4.authentication import SESSION_COOKIE
from moorage.http.gitlab_v4.error_shapes import ERRORS
from moorage.http.gitlab_v4.formats import DIGEST_PATTERN
from moorage.http.gitlab_v4.paging import DEFAULT_SIZE
from moorage.http.gitlab_v4.parameter_texts import PATH_TEXTS, TEXTS
from moorage.http.gitlab_v4.parameters import MAX_INTEGER
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.schemas import Schema, Schemas

Document = dict[str, Any]

IN_QUERY = frozenset({"GET", "DELETE"})
"""Methods whose parameters are told as those of the query; bodies work as well."""

EVERYWHERE = (400, 401, 403, 404, 413, 415, 503)
"""Statuses that every route may answer with: sudo alone brings about half of them."""

_DESCRIPTION = """\
GitLab's container registry API with what it needs, and what Moorage adds to it.

Parameters may be sent in the query, as a form or as JSON, with every method; those of a
body win. Numbers, booleans and dates may be sent as texts, lists as texts with commas.
What an endpoint does not know is ignored. `HEAD` is answered wherever `GET` is.

Who calls is said by a token in one of the headers `PRIVATE-TOKEN`, `JOB-TOKEN` (of CI
jobs) and `Authorization: Bearer`, or in the parameter `private_token`. Administrators
act for somebody else with `Sudo: NAME`. A browser that signed in (`POST /session`) has
a cookie; whatever is no GET then needs the header `X-CSRF-Token` from that answer.
"""

_SECURITY: Mapping[str, Schema] = {
    "token": {"type": "apiKey", "in": "header", "name": "PRIVATE-TOKEN"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "job": {"type": "apiKey", "in": "header", "name": "JOB-TOKEN"},
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
}

_LOCATION = "#/components/headers/Location"
_JSON = "application/json"
_BODIES = (_JSON, "application/x-www-form-urlencoded", "multipart/form-data")


def document(routes: Iterable[Route]) -> Document:
    """Write the document; who serves it adds its ``servers``."""
    writer = _Writer()
    paths: dict[str, Any] = {}
    sections = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = writer.operation(route)
        sections[_section(route)] = _sentence(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Moorage",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{name: []} for name in ("token", "bearer", "session")],
        "tags": [
            {"name": name, "description": sentence}
            for name, sentence in sections.items()
        ],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(writer.schemas.named.items())),
            "responses": writer.refusals,
            "headers": _HEADERS,
            "securitySchemes": _SECURITY,
        },
    }


class _Writer:
    """Writes operations, and collects the schemas that they name."""

    def __init__(self) -> None:
        self.schemas = Schemas()
        self.refusals = {
            str(status): self._refusal(status, kind) for status, kind in ERRORS.items()
        }
        self._names: Counter[str] = Counter()

    def operation(self, route: Route) -> Schema:
        told = route.operation
        written: Schema = {
            "operationId": self._unique(_name(route)),
            "summary": told.summary,
            "tags": [_section(route)],
            "parameters": [*_path_parameters(route.path)],
            "responses": self._responses(route),
        }
        taken = self.schemas.of_parameters(told.declarations)
        if route.method in IN_QUERY:
            written["parameters"] += _query_parameters(taken)
        elif taken["properties"]:
            written["requestBody"] = _body(taken)
        if told.paged:
            written["parameters"] += _PAGE
        if security := _security(route):
            written["security"] = security
        return written

    def _unique(self, name: str) -> str:
        self._names[name] += 1
        number = self._names[name]
        return name if number == 1 else f"{name}_{number}"

    def _responses(self, route: Route) -> Schema:
        told = route.operation
        responses = {
            str(status): self._answer(route, status, kind)
            for status, kind in told.answers.items()
        }
        if route.method == "GET":
            responses["304"] = {"description": "What `If-None-Match` names is current."}
        for status in (*EVERYWHERE, *told.errors, *_moved(route)):
            responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
        return dict(sorted(responses.items()))

    def _answer(self, route: Route, status: int, kind: Any) -> Schema:
        written: Schema = {"description": HTTPStatus(status).phrase}
        headers = dict(_headers(route, status))
        if headers:
            written["headers"] = headers
        if kind is not None:
            media_type = route.operation.media_type
            written["content"] = {media_type: {"schema": self.schemas.of(kind)}}
        return written

    def _refusal(self, status: int, kind: Any) -> Schema:
        written: Schema = {
            "description": HTTPStatus(status).phrase,
            "content": {_JSON: {"schema": self.schemas.of(kind)}},
        }
        if status == HTTPStatus.MOVED_PERMANENTLY:
            written["headers"] = {"Location": {"$ref": _LOCATION}}
        return written


def _moved(route: Route) -> tuple[int, ...]:
    """Return how a route answers who names a project by a former path."""
    if not route.path.startswith("/projects/{id}"):
        return ()
    return (301,) if route.method == "GET" else (405,)


# What a route is called


def _section(route: Route) -> str:
    return route.handler.__module__.rpartition(".")[2].replace("_", " ")


def _sentence(route: Route) -> str:
    """Return the first line that the module of a handler says about itself."""
    text = inspect.getdoc(sys.modules[route.handler.__module__]) or ""
    return text.partition("\n")[0]


def _name(route: Route) -> str:
    """Name an operation after its path: ``get_projects_id_members``."""
    words = re.sub(r"[^a-z]+", "_", route.path.lower()).strip("_")
    return f"{route.method.lower()}_{words}"


def _security(route: Route) -> list[Schema]:
    """Tell who may call; nothing where it is as everywhere."""
    told: list[Schema] = [{"token": []}, {"bearer": []}, {"session": []}]
    job: list[Schema] = [{"job": []}] if route.for_jobs else []
    nobody: list[Schema] = [{}] if route.operation.anonymous else []
    return [*told, *job, *nobody] if job or nobody else []


# Parameters


_INTEGER: Schema = {"type": "integer", "minimum": 1}
_EITHER: Schema = {"anyOf": [_INTEGER, {"type": "string", "minLength": 1}]}
_OWNERS = re.compile(r"/(projects|groups|namespaces)/\{id\}|/users/\{id\}/projects")


def _path_parameters(path: str) -> Iterator[Schema]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": _path_text(path, name),
            "schema": _path_schema(path, name),
        }


def _path_schema(path: str, name: str) -> Schema:
    if name == "digest":
        return {"type": "string", "pattern": DIGEST_PATTERN}
    if name == "id":
        return _EITHER if _OWNERS.match(path) else _INTEGER
    return _INTEGER if name.endswith("_id") else {"type": "string", "minLength": 1}


def _path_text(path: str, name: str) -> str:
    if name == "id" and _OWNERS.match(path):
        return PATH_TEXTS["id or path"]
    return PATH_TEXTS[name]


def _query_parameters(taken: Schema) -> Iterator[Schema]:
    for name, schema in taken["properties"].items():
        plain = _without_null(schema)
        listed = plain.get("type") == "array"
        yield {
            "name": f"{name}[]" if listed else name,
            "in": "query",
            "required": name in taken.get("required", ()),
            "description": TEXTS[name],
            "schema": plain,
        }


def _without_null(schema: Schema) -> Schema:
    """Leave null out of what a text can say."""
    if "anyOf" in schema:
        rest = [part for part in schema["anyOf"] if part != {"type": "null"}]
        return rest[0] if len(rest) == 1 else {**schema, "anyOf": rest}
    kind = schema.get("type")
    if not isinstance(kind, list):
        return schema
    plain = {**schema, "type": next(each for each in kind if each != "null")}
    if "enum" in schema:
        plain["enum"] = [value for value in schema["enum"] if value is not None]
    return plain


def _body(taken: Schema) -> Schema:
    described = {
        **taken,
        "properties": {
            name: {"description": TEXTS[name], **schema}
            for name, schema in taken["properties"].items()
        },
    }
    return {
        "required": bool(taken.get("required") or taken.get("allOf")),
        "content": {media_type: {"schema": described} for media_type in _BODIES},
    }


_COUNTING: Schema = {**_INTEGER, "maximum": MAX_INTEGER}

_PAGE: Sequence[Schema] = (
    {
        "name": "page",
        "in": "query",
        "description": TEXTS["page"],
        "schema": {**_COUNTING, "default": 1},
    },
    {
        "name": "per_page",
        "in": "query",
        "description": TEXTS["per_page"],
        "schema": {**_COUNTING, "default": DEFAULT_SIZE},
    },
)


# Headers

_NUMBER_OR_NOTHING: Schema = {"type": "string", "pattern": "^[0-9]*$"}

_HEADERS: Mapping[str, Schema] = {
    "Location": {
        "description": "Where to go on: the job, what was made, or where it is now.",
        "schema": {"type": "string", "format": "uri"},
    },
    "Link": {
        "description": "The addresses of other pages: prev, next, first, last.",
        "schema": {"type": "string"},
    },
    **{
        name: {"description": text, "schema": schema}
        for name, text, schema in (
            ("X-Page", "The number of the page.", _INTEGER),
            ("X-Per-Page", "How many items a page has.", _INTEGER),
            ("X-Next-Page", "The number of the next page.", _NUMBER_OR_NOTHING),
            ("X-Prev-Page", "The number of the page before.", _NUMBER_OR_NOTHING),
            (
                "X-Total",
                "How many items there are; left out where there are very many.",
                {"type": "integer", "minimum": 0},
            ),
            ("X-Total-Pages", "How many pages there are.", _INTEGER),
        )
    },
}


def _headers(route: Route, status: int) -> Iterator[tuple[str, Schema]]:
    told = route.operation
    paged = told.paged and status != HTTPStatus.ACCEPTED
    located = told.located and status != HTTPStatus.OK
    for name in _HEADERS:
        if located if name == "Location" else paged:
            yield name, {"$ref": f"#/components/headers/{name}"}
