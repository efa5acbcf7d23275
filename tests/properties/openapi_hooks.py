"""What schemathesis is told about the estate it explores.

Loaded by schemathesis in a process of its own: see ``test_openapi.py``. Most cases are
about what is there, and none takes the caller's own account or token away.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from typing import Any
from urllib.parse import quote

import httpx
import schemathesis
from schemathesis import AuthContext, Case, HookContext
from schemathesis.core.parameters import ParameterLocation

URL = os.environ["EXPLORED_URL"]
TOKEN = os.environ["EXPLORER_TOKEN"]
KNOWN: dict[str, list[Any]] = json.loads(os.environ["EXPLORED_IDS"])
"""What is there, by the path that ends with its parameter."""

CHANGES = {"", "/archive", "/unarchive", "/transfer", "/share"}
"""Endings of what changes the thing itself."""

NOBODY = 999_999_999
OWN = {"/users/{id}": 1, "/personal_access_tokens/{id}": 1}
LASTING = {
    "/projects/{id}",
    "/groups/{id}",
    "/users/{id}",
    "/projects/{id}/registry/repositories/{repository_id}",
}
"""What is not deleted, so that most is about what is there."""


ENDINGS = {"/purge", "/block", "/deactivate", "/ban"}
"""Endings of what takes it away."""


@schemathesis.auth(refresh_interval=None)
class Explorer:
    """The administrator; what revokes its token gets one to throw away."""

    def get(self, case: Case[Any], _context: AuthContext) -> str:
        revokes = "/self" in case.operation.path and case.method != "GET"
        return throw_away_token() if revokes else TOKEN

    def set(self, case: Case[Any], data: str, _context: AuthContext) -> None:
        case.headers["PRIVATE-TOKEN"] = data


@schemathesis.hook
def before_call(
    _context: HookContext, case: Case[Any], _kwargs: dict[str, Any]
) -> None:
    path = case.operation.path
    for name in re.findall(r"\{(\w+)\}", path):
        upto = path[: path.index("{" + name + "}")] + "{" + name + "}"
        value = case.path_parameters.get(name)
        if upto in OWN and str(value).strip() in ("1", "root"):
            case.path_parameters[name] = NOBODY
        elif would_end(case, path, upto):
            if str(value) in map(str, KNOWN.get(upto, ())):
                case.path_parameters[name] = NOBODY
        elif known := known_values(case, path, upto):
            seed = zlib.crc32(repr(value).encode())
            # What is below projects that strangers do not see is 404 to them, not 401.
            if not is_wrong(case) and (upto in LASTING or seed % 8):
                chosen = str(known[seed // 8 % len(known)])
                case.path_parameters[name] = quote(chosen, safe="")
    for name, value in list((case.query or {}).items()):
        if is_empty(value):
            # It counts as not sent.
            del case.query[name]
        elif isinstance(value, float) and value.is_integer():
            # JSON Schema takes 3.0 for an integer; an address says 3.
            case.query[name] = int(value)


def is_empty(value: object) -> bool:
    """Whether an address would say nothing; an object spells parameters of its own."""
    if isinstance(value, list):
        return not value or any(map(is_empty, value))
    return value in ("", None) or isinstance(value, dict)


def is_wrong(case: Case[Any]) -> bool:
    """Whether the path is such as the document does not allow."""
    return case.meta is not None and case.meta.is_negative_at(ParameterLocation.PATH)


def would_end(case: Case[Any], path: str, upto: str) -> bool:
    ending = path.removeprefix(upto)
    deletes = (case.method, ending) == ("DELETE", "")
    return upto in LASTING and (deletes or ending in ENDINGS)


def known_values(case: Case[Any], path: str, upto: str) -> list[Any]:
    """Return what there is; of what is changed itself, such as nothing else needs."""
    ending = path.removeprefix(upto)
    if ending in CHANGES and case.method in ("PUT", "POST"):
        return KNOWN.get(f"PUT {upto}", KNOWN.get(upto, []))
    return KNOWN.get(upto, [])


def throw_away_token() -> str:
    response = httpx.post(
        f"{URL}/users/1/personal_access_tokens",
        headers={"PRIVATE-TOKEN": TOKEN},
        json={"name": "thrown away", "scopes": ["api"]},
        trust_env=False,
    )
    token: str = response.json()["token"]
    return token
