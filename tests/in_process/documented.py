"""The management API, held to its document: every answer is one that it tells of."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import msgspec

from in_process import client_types
from moorage.domain.errors import RegistryError
from moorage.http.gitlab_v4 import openapi
from moorage.http.gitlab_v4.app import PREFIX, ROUTES
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.routing import Route, RouteTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from moorage.http.gitlab_v4.parameters import Parameters

DOCUMENT = openapi.document(ROUTES)
TABLE = RouteTable(ROUTES)

CREDENTIALS = {"private-token", "job-token", "authorization", "cookie", "content-type"}
TOLD_HEADERS = {name.lower() for name in DOCUMENT["components"]["headers"]}


class Documented:
    """An application in front of the API that fails on what is not told of."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent: list[Message] = []

        async def record(message: Message) -> None:
            sent.append(message)
            await send(message)

        await self._app(scope, receive, record)
        route = find_route(scope["method"], scope["raw_path"].decode())
        if route is not None:
            start, *rest = sent
            body = b"".join(message.get("body", b"") for message in rest)
            headers = {key.decode(): value.decode() for key, value in start["headers"]}
            check(route, start["status"], headers, body, head=scope["method"] == "HEAD")
            if names_nobody(scope):
                check_anonymous(route, start["status"])


def names_nobody(scope: Scope) -> bool:
    """Whether no credentials were sent; a body may hold some."""
    names = {name.decode() for name, _ in scope["headers"]}
    return not names & CREDENTIALS and b"token" not in scope["query_string"]


def find_route(method: str, raw_path: str) -> Route | None:
    try:
        return TABLE.find(method, raw_path.removeprefix(PREFIX))[0]
    except RegistryError:
        return None


def check(
    route: Route, status: int, headers: Mapping[str, str], body: bytes, *, head: bool
) -> None:
    told = f"{route.method} {route.path}: {status} {body[:2000]!r}"
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    response = response_of(route, status)
    assert response is not None, f"undocumented status of {told}"
    undocumented = TOLD_HEADERS & set(headers) - {
        name.lower() for name in response.get("headers", ())
    }
    assert not undocumented, f"undocumented headers {undocumented} of {told}"
    content = response.get("content", {})
    media_type = headers.get("content-type", "").partition(";")[0]
    assert media_type in content if content else not body, told
    if media_type == "application/json" and not head:
        errors = list(validator(route, status).iter_errors(json.loads(body)))
        assert not errors, f"{errors[0]}: undocumented shape of {told}"
        if status < HTTPStatus.MULTIPLE_CHOICES:
            check_types(route, status, body)


def check_types(route: Route, status: int, body: bytes) -> None:
    call = f"{route.method} {route.path}"
    if call not in client_types.OF_CALLS or (call, status) == client_types.PREVIEW:
        return
    try:
        client_types.read(call, body)
    except msgspec.ValidationError as error:
        raise AssertionError(f"{error}: {call}: {body[:2000]!r}") from error


def check_anonymous(route: Route, status: int) -> None:
    refused = status >= HTTPStatus.MULTIPLE_CHOICES
    assert refused or route.operation.anonymous, (
        f"{route.method} {route.path} is open to strangers, and does not tell"
    )


def response_of(route: Route, status: int) -> Mapping[str, Any] | None:
    told = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
    if str(status) not in told:
        return None
    response: Mapping[str, Any] = told[str(status)]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][str(status)]
    return response


@cache
def schemas() -> Any:
    """All schemas with a name, none of which takes fields that it does not know."""
    return closed(DOCUMENT["components"]["schemas"])


def closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    walked = {name: closed(each) for name, each in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        walked["additionalProperties"] = False
    return walked


_VALIDATORS: dict[tuple[str, str, int], jsonschema_rs.Validator] = {}


def validator(route: Route, status: int) -> jsonschema_rs.Validator:
    key = route.method, route.path, status
    if key not in _VALIDATORS:
        response = response_of(route, status) or {}
        schema = {
            **response["content"]["application/json"]["schema"],
            "components": {"schemas": schemas()},
        }
        _VALIDATORS[key] = jsonschema_rs.Draft202012Validator(
            schema, validate_formats=True
        )
    return _VALIDATORS[key]


def hold_to_declarations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no handler read parameters that its route does not tell of."""
    read = Call.read

    def read_declared(call: Call, declaration: type[Parameters]) -> Parameters:
        request = call.request
        route = find_route(request.method, request.scope["raw_path"].decode())
        assert route is not None
        told = {
            name
            for each in route.operation.declarations
            for name in each.__struct_fields__
        }
        untold = set(declaration.__struct_fields__) - told
        assert not untold, f"{route.method} {route.path} does not tell of {untold}"
        return read(call, declaration)

    # What a handler reads shows nowhere outside.
    monkeypatch.setattr(Call, "read", read_declared)
