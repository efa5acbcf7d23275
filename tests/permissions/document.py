"""Writes ``docs/permissions.md`` from the tables that the trials hold the server to.

``PYTHONPATH=src:tests python -m permissions.document`` writes it anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from permissions.callers import (
    OF_THE_API,
    OF_THE_REGISTRY,
    ROLES,
    VISIBILITIES,
    Caller,
)
from permissions.registry_table import REGISTRY_ROWS, granted
from permissions.table import ROWS, Row, expected

PATH = Path(__file__).parents[2] / "docs/permissions.md"

_INTRODUCTION = """\
# Who may do what

Generated from the tables in `tests/permissions/table.py` and
`tests/permissions/registry_table.py`; `tests/permissions/test_management_api.py` and
`tests/permissions/test_registry.py` try every cell of them on the running server.

A cell says what comes back: where it depends on the project's or group's visibility,
for private, internal and public, in this order. The project's registry is `enabled`.

## What cannot be found out

What a caller may not see answers exactly as what does not exist: status, body and
headers (`tests/permissions/test_strangers.py`). There is one exception, GitLab's own:
whoever makes a group, or asks `GET /namespaces/:path/exists`, is told that a path at
the top is taken, because two groups cannot have one.
Users, their ids and names, are known to everybody who signed in. Where GitLab tells
more (`GET /registry/repositories/:id` answers 403 there for a private repository),
Moorage does not.
"""
_CREDENTIALS = """
## Credentials of the management API

As `PRIVATE-TOKEN`, `Authorization: Bearer` or `private_token`, an access token acts as
its user, one of a project or group as its own bot with the role that it was given;
the cookie of a session acts as its user too, for what is no GET with `X-CSRF-Token`;
`JOB-TOKEN` is a CI job's. What the scopes do not cover is 403 with
`insufficient_scope`: `api` covers everything, `read_api` every GET, and the column
"scopes" names what else does. A job's token opens its own project's
`/projects/:id/registry/repositories` with the role of its user; there, it is 403 for
every other project, and 401 everywhere else. An expired, revoked or unknown token is
401 and a blocked user's 403 everywhere, on public projects too. Deploy tokens, Basic
credentials and registry tokens open nothing here.

"""
_STATES = """
## When the registry or the project is not as usual

Of the calls above, those about one project's images and the rules for them. What is not
said here stays as it is (`tests/permissions/test_states.py`).

| where | what changes |
| --- | --- |
| registry `private` | who is no Reporter is refused, whatever the visibility |
| registry `disabled` | everybody is refused everything, administrators too |
| archived project | everybody is refused what needs a Developer or more |

Refused is 403, and 404 for jobs. Registry tokens allow accordingly less. An
administrator's token with the scope `sudo` is answered as whom it names.

"""
_REGISTRY = """
## The registry protocol

What a registry token of `/jwt/auth` allows when everything is asked for, and so what
Basic credentials may do at `/v2/`. Everything else is 401 with a challenge. Without
any credentials `/v2/` always is; the token that `/jwt/auth` gives to anonymous callers
opens what is public. Credentials without any scope for images get no token: 403.

"""


def write() -> str:
    """Return the document."""
    return "".join(
        (
            *(_INTRODUCTION, _CREDENTIALS, *_calls(), _STATES),
            *(_REGISTRY, *_grants(), *_requests()),
        )
    )


def _calls() -> Iterable[str]:
    titles = [_short(caller.name) for caller in ROLES]
    yield _line("call", "scopes", *titles)
    yield _line(*("---" for _ in range(len(titles) + 2)))
    for row in ROWS:
        scopes = ", ".join(f"`{scope}`" for scope in row.scopes)
        yield _line(f"`{row}`", scopes, *(_answers(row, caller) for caller in ROLES))
    yield f"\n{len(ROWS)} calls, {len(OF_THE_API)} callers, {len(VISIBILITIES)} "
    yield f"visibilities: {len(ROWS) * len(OF_THE_API) * len(VISIBILITIES):,} cells.\n"


def _answers(row: Row, caller: Caller) -> str:
    found = [str(expected(row, caller, one)) for one in VISIBILITIES]
    return found[0] if len(set(found)) == 1 else " ".join(found)


def _grants() -> Iterable[str]:
    yield _line("who", *VISIBILITIES)
    yield _line(*("---" for _ in range(4)))
    for caller in OF_THE_REGISTRY:
        if not caller.refused:
            allowed = [granted(caller, visibility) for visibility in VISIBILITIES]
            cells = [", ".join(f"`{action}`" for action in one) for one in allowed]
            yield _line(caller.name, *(cell or "nothing" for cell in cells))


def _requests() -> Iterable[str]:
    yield "\n" + _line("request", "needs", "answer")
    yield _line(*("---" for _ in range(3)))
    for row in REGISTRY_ROWS:
        needed = [action.replace("below", "pull on /*") for action in row.actions]
        needs = " and ".join(f"`{action}`" for action in needed)
        path = re.sub(r"(?<!/gitlab)/v[19]\b", "/<reference>", row.path)
        yield _line(f"`{row.method} {path}`", needs or "credentials", str(row.status))


def _short(name: str) -> str:
    return {"external stranger": "external", "administrator": "admin"}.get(name, name)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PATH.write_text(write(), "utf-8")
