"""What is declared of the registry protocol and of its tokens.

Source: GitLab registry API facts, "Who can sign in", "Action to right"; distribution
specification 1.1, "Endpoints".
"""

from __future__ import annotations

from dataclasses import dataclass

from permissions.callers import DEVELOPER, MAINTAINER, NOBODY, REPORTER, Caller

# The endpoint, method, path below /v2/, actions that the token must allow, status.
_TABLE = """
BASE          GET    -                                -         200
BASE          HEAD   -                                -         200
CATALOG       GET    _catalog                         catalog   200
CATALOG       HEAD   _catalog                         catalog   200
TAGS          GET    {name}/tags/list                 pull      200
TAGS          HEAD   {name}/tags/list                 pull      200
REFERRERS     GET    {name}/referrers/{digest}        pull      200
REFERRERS     HEAD   {name}/referrers/{digest}        pull      200
MANIFEST      GET    {name}/manifests/v1              pull      200
MANIFEST      HEAD   {name}/manifests/v1              pull      200
MANIFEST      PUT    {name}/manifests/v9              pull,push 201
MANIFEST      DELETE {name}/manifests/v1              delete    202
TAG_REFERENCE DELETE {name}/tags/reference/v1         delete    202
BLOB          GET    {name}/blobs/{spare}             pull      200
BLOB          HEAD   {name}/blobs/{spare}             pull      200
BLOB          DELETE {name}/blobs/{spare}             delete    202
UPLOADS       POST   {name}/blobs/uploads/            pull,push 202
UPLOAD        GET    {name}/blobs/uploads/{session}   pull      204
UPLOAD        HEAD   {name}/blobs/uploads/{session}   pull      204
UPLOAD        PATCH  {name}/blobs/uploads/{session}   pull,push 202
UPLOAD        PUT    {name}/blobs/uploads/{session}?digest={empty} pull,push 201
UPLOAD        DELETE {name}/blobs/uploads/{session}   pull,push 204
"""
# GitLab's own calls beside the protocol.
_GITLAB_V1 = """
- GET /gitlab/v1/                                             -          200
- GET /gitlab/v1/statistics/                                  statistics 200
- GET /gitlab/v1/repositories/{name}/                         pull       200
- GET /gitlab/v1/repositories/{name}/?size=self_with_descendants pull,below 200
- GET /gitlab/v1/repositories/{name}/tags/list/               pull       200
- GET /gitlab/v1/repositories/{name}/tags/detail/v1/          pull       200
- GET /gitlab/v1/repository-paths/{name}/repositories/list/   pull       200
"""

ACTIONS = ("pull", "push", "delete", "*")

_SCOPES = {
    "pull": {"api", "read_api", "read_registry", "job"},
    "push": {"api", "write_registry", "job"},
    "delete": {"api", "job"},
    "*": {"api"},
}
_ROLES = {
    "pull": REPORTER,
    "push": DEVELOPER,
    "delete": MAINTAINER,
    "*": MAINTAINER,
}


@dataclass(frozen=True)
class RegistryRow:
    """What is declared of one request."""

    endpoint: str
    method: str
    path: str
    actions: tuple[str, ...]
    status: int

    @property
    def reads(self) -> bool:
        return self.method in ("GET", "HEAD")


def _parse(line: str) -> RegistryRow:
    endpoint, method, path, actions, status = line.split()
    needed = () if actions == "-" else tuple(actions.split(","))
    shown = path if path[0] == "/" else "/v2/" + path.lstrip("-")
    return RegistryRow(endpoint, method, shown, needed, int(status))


PROTOCOL_ROWS = tuple(_parse(line) for line in _TABLE.splitlines() if line)
REGISTRY_ROWS = (
    *PROTOCOL_ROWS,
    *(_parse(line) for line in _GITLAB_V1.splitlines() if line),
)


def opens_nothing(caller: Caller) -> bool:
    """Whether no scope of the credentials is about images: no token is given."""
    return not caller.anonymous and not caller.scopes & set().union(*_SCOPES.values())


def granted(caller: Caller, visibility: str) -> list[str]:
    """Return which actions a registry token allows on the project's repository."""
    return [action for action in ACTIONS if _allowed(caller, visibility, action)]


def granted_in(state: str, caller: Caller, visibility: str) -> list[str]:
    """Return the same for when the project is not as usual."""
    usual = granted(caller, visibility)
    if state == "registry disabled":
        return []
    if state == "registry private":
        return usual if caller.admin or caller.level >= REPORTER else []
    return [action for action in usual if action == "pull"]


def _allowed(caller: Caller, visibility: str, action: str) -> bool:
    if not caller.anonymous and not caller.scopes & _SCOPES[action]:
        return False
    if caller.kind == "job" and action == "delete":
        # A job may remove what jobs may push.
        return caller.level >= DEVELOPER
    if caller.admin or caller.level >= _ROLES[action]:
        return True
    readable = visibility != "private" and caller.sees(visibility, NOBODY)
    return action == "pull" and readable


def expected_of_registry(row: RegistryRow, caller: Caller, visibility: str) -> int:
    """Return the status that a caller gets; refusals are challenges, never 403."""
    if row.actions in (("catalog",), ("statistics",)):
        allowed = caller.admin
    else:
        # Rights are a project's: who reads a repository reads all below it.
        needed = set(row.actions) - {"below"}
        allowed = needed <= set(granted(caller, visibility))
    return row.status if allowed else 401
