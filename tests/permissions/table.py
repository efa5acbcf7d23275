"""What is declared of every call of the management API, and what follows from it.

Source: GitLab registry API facts, "Permissions", "Order of checks", "Authentication
of the REST API", and the document of each call.
"""

from __future__ import annotations

from dataclasses import dataclass

from permissions.callers import DEVELOPER, LEVELS, NOBODY, REPORTER, Caller

# Method, path, gate, role, status, scopes beside `api` (and `read_api` to read).
#
# Gates: `open` lets everybody in, `signed-in` whom credentials name, `administrator`
# those. `project` and `group` exist for whom sees them, and then ask for the role;
# `images` and `group-images` are those whose images one may read. With `!`, who
# calls is asked before what there is. `repository` and `job` are named by their own
# number, `foreign-token` is another's, and `session` needs a cookie.
_TABLE = """
GET    /version                             signed-in      -          200 read_user
GET    /metadata                            signed-in      -          200 read_user
GET    /openapi.json                        open           -          200 any
GET    /docs                                open           -          200 any

# Signing in reads who and which password first: nothing is given here.
POST   /session                             open           -          400 any
GET    /session                             session        -          200 any
DELETE /session                             session        -          204 any

GET    /user                                signed-in      -          200 read_user
GET    /users                               signed-in      -          200 read_user
POST   /users                               administrator  -          201
GET    /users/{id}                          signed-in      -          200 read_user
PUT    /users/{id}                          administrator  -          200
DELETE /users/{id}                          administrator  -          204
POST   /users/{id}/block                    administrator  -          201
POST   /users/{id}/unblock                  administrator  -          201
POST   /users/{id}/deactivate               administrator  -          201
POST   /users/{id}/activate                 administrator  -          201
POST   /users/{id}/ban                      administrator  -          201
POST   /users/{id}/unban                    administrator  -          201
GET    /users/{id}/memberships              administrator  -          200
GET    /users/{id}/projects                 open           -          200
POST   /users/{user_id}/personal_access_tokens  administrator  -      201

GET    /personal_access_tokens              signed-in      -          200
GET    /personal_access_tokens/self         signed-in      -          200 any
DELETE /personal_access_tokens/self         signed-in      -          204 any
POST   /personal_access_tokens/self/rotate  signed-in      -          200 self_rotate
GET    /personal_access_tokens/{id}         foreign-token  -          200
DELETE /personal_access_tokens/{id}         foreign-token  -          204
POST   /personal_access_tokens/{id}/rotate  foreign-token  -          200

GET    /projects                            open           -          200
POST   /projects                            group!         maintainer 201
GET    /projects/{id}                       project        -          200
PUT    /projects/{id}                       project!       maintainer 200
DELETE /projects/{id}                       project!       owner      202
POST   /projects/{id}/archive               project!       owner      201
POST   /projects/{id}/unarchive             project!       owner      201
GET    /projects/{id}/members               project        -          200
POST   /projects/{id}/members               project!       maintainer 201
GET    /projects/{id}/members/all           project        -          200
GET    /projects/{id}/members/all/{user_id} project        -          200
GET    /projects/{id}/members/{user_id}     project        -          200
PUT    /projects/{id}/members/{user_id}     project!       maintainer 200
DELETE /projects/{id}/members/{user_id}     project!       maintainer 204
GET    /projects/{id}/access_tokens         project        maintainer 200
POST   /projects/{id}/access_tokens         project!       maintainer 201
GET    /projects/{id}/access_tokens/{token_id}          project maintainer 200
DELETE /projects/{id}/access_tokens/{token_id}          project maintainer 204
POST   /projects/{id}/access_tokens/{token_id}/rotate   project maintainer 200
GET    /projects/{id}/deploy_tokens         project        maintainer 200
POST   /projects/{id}/deploy_tokens         project!       maintainer 201
GET    /projects/{id}/deploy_tokens/{token_id}          project maintainer 200
DELETE /projects/{id}/deploy_tokens/{token_id}          project maintainer 204
POST   /projects/{id}/ci_job_tokens         project!       maintainer 201
DELETE /projects/{id}/ci_job_tokens/{job_id}            project maintainer 204

GET    /projects/{id}/groups                project        -          200
GET    /projects/{id}/invited_groups        project        -          200
GET    /projects/{id}/share_locations       project!       maintainer 200
GET    /projects/{id}/transfer_locations    project!       owner      200
GET    /projects/{id}/users                 project        -          200
PUT    /projects/{id}/transfer              project!       owner      200
POST   /projects/{id}/share                 project!       maintainer 201
DELETE /projects/{id}/share/{group_id}      project!       maintainer 204

GET    /groups                              open           -          200
POST   /groups                              group!         maintainer 201
GET    /groups/{id}                         group          -          200
PUT    /groups/{id}                         group!         owner      200
DELETE /groups/{id}                         group!         owner      202
GET    /groups/{id}/projects                group          -          200
GET    /groups/{id}/subgroups               group          -          200
GET    /groups/{id}/descendant_groups       group          -          200
GET    /groups/{id}/members                 group          -          200
POST   /groups/{id}/members                 group!         owner      201
GET    /groups/{id}/members/all             group          -          200
GET    /groups/{id}/members/all/{user_id}   group          -          200
GET    /groups/{id}/members/{user_id}       group          -          200
PUT    /groups/{id}/members/{user_id}       group!         owner      200
DELETE /groups/{id}/members/{user_id}       group!         owner      204
GET    /groups/{id}/access_tokens           group          owner      200
POST   /groups/{id}/access_tokens           group!         owner      201
GET    /groups/{id}/access_tokens/{token_id}            group owner      200
DELETE /groups/{id}/access_tokens/{token_id}            group owner      204
POST   /groups/{id}/access_tokens/{token_id}/rotate     group owner      200
GET    /groups/{id}/deploy_tokens           group          maintainer 200
POST   /groups/{id}/deploy_tokens           group!         owner      201
GET    /groups/{id}/deploy_tokens/{token_id}            group maintainer 200
DELETE /groups/{id}/deploy_tokens/{token_id}            group owner      204
GET    /groups/{id}/invited_groups          group          -          200
GET    /groups/{id}/groups/shared           group          -          200
GET    /groups/{id}/projects/shared         group          -          200
GET    /groups/{id}/transfer_locations      group!         owner      200
POST   /groups/{id}/projects/{project_id}   group!         owner      201
POST   /groups/{id}/transfer                group!         owner      201
POST   /groups/{id}/share                   group!         owner      201
DELETE /groups/{id}/share/{group_id}        group!         owner      204
GET    /namespaces                          signed-in      -          200
GET    /namespaces/{id}                     group!         -          200
GET    /namespaces/{path}/exists            signed-in      -          200
GET    /deploy_tokens                       administrator  -          200

GET    R                                    images         -          200
DELETE R/{repository_id}                    images         maintainer 202
GET    R/{repository_id}/tags               images         -          200
DELETE R/{repository_id}/tags               images         maintainer 202
GET    R/{repository_id}/tags/{tag_name}    images         -          200
DELETE R/{repository_id}/tags/{tag_name}    images         developer  200
GET    R/{repository_id}/tags/{tag_name}/history        images -          200
POST   R/{repository_id}/tags/{tag_name}/restore        images developer  201
GET    R/{repository_id}/history            images         -          200
POST   R/{repository_id}/restore            images         maintainer 202
POST   R/{repository_id}/purge              images         maintainer 202
POST   R/{repository_id}/plans              images         maintainer 201
GET    R/{repository_id}/plans/{plan_id}    images         maintainer 200
POST   R/{repository_id}/plans/{plan_id}/apply          images maintainer 202
GET    R/{repository_id}/holds              images         reporter   200
POST   R/{repository_id}/holds              images         maintainer 201
DELETE R/{repository_id}/holds/{hold_id}    images         maintainer 204
GET    R/{repository_id}/manifests/{digest}/why         images -          200
GET    R/{repository_id}/usage              images         -          200
GET    /registry/repositories/{id}          repository     -          200
GET    /registry/repositories/by-path/{path}            repository -      200
GET    /registry/jobs/{job_id}              job            maintainer 200
GET    /registry/jobs/{job_id}/items        job            maintainer 200
POST   /registry/jobs/{job_id}/cancel       job            maintainer 202
POST   /registry/jobs/{job_id}/undo         job            maintainer 202
GET    /registry/garbage                    administrator  -          200
POST   /registry/garbage/pause              administrator  -          201
POST   /registry/garbage/resume             administrator  -          201
POST   /registry/garbage/run                administrator  -          202

DELETE P/tags                               images         maintainer 202
GET    P/usage                              images         -          200
GET    P/policies                           images         maintainer 200
POST   P/policies                           images         maintainer 201
GET    P/policies/{policy_id}               images         maintainer 200
PUT    P/policies/{policy_id}               images         maintainer 200
DELETE P/policies/{policy_id}               images         maintainer 204
GET    P/webhooks                           project        maintainer 200
POST   P/webhooks                           project        maintainer 201
GET    P/webhooks/{webhook_id}              project        maintainer 200
DELETE P/webhooks/{webhook_id}              project        maintainer 204
GET    P/protection/repository/rules        project!       maintainer 200
POST   P/protection/repository/rules        project!       maintainer 201
PATCH  P/protection/repository/rules/{protection_rule_id} project! maintainer 200
DELETE P/protection/repository/rules/{protection_rule_id} project! maintainer 204
GET    P/protection/rules                   project!       maintainer 200
POST   P/protection/rules                   project!       maintainer 201
PATCH  P/protection/rules/{protection_rule_id}            project! maintainer 200
DELETE P/protection/rules/{protection_rule_id}            project! maintainer 204
GET    P/protection/tag/rules               project!       maintainer 200
POST   P/protection/tag/rules               project!       maintainer 201
PATCH  P/protection/tag/rules/{protection_rule_id}        project! maintainer 200
DELETE P/protection/tag/rules/{protection_rule_id}        project! maintainer 204
GET    /groups/{id}/registry/repositories   group-images   -          200
DELETE /groups/{id}/registry/tags           group-images   maintainer 202
GET    /groups/{id}/registry/usage          group-images   -          200
GET    /groups/{id}/registry/policies       group-images   maintainer 200
POST   /groups/{id}/registry/policies       group-images   maintainer 201
GET    /groups/{id}/registry/policies/{policy_id}       group-images maintainer 200
PUT    /groups/{id}/registry/policies/{policy_id}       group-images maintainer 200
DELETE /groups/{id}/registry/policies/{policy_id}       group-images maintainer 204
"""
_P = "/projects/{id}/registry"
_R = _P + "/repositories"


@dataclass(frozen=True)
class Row:
    """What is declared of one call."""

    method: str
    path: str
    gate: str
    needs: int
    status: int
    scopes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def reads(self) -> bool:
        return self.method == "GET"

    @property
    def about_images(self) -> bool:
        """Whether it is about one project's images, and the rules for them."""
        return self.gate in _OF_IMAGES or "/registry/protection/" in self.path


def _parse(line: str) -> Row:
    method, path, gate, role, status, *scopes = line.split()
    if path[0] in "RP":
        path = (_R if path[0] == "R" else _P) + path[1:]
    needs = NOBODY if role == "-" else LEVELS[role]
    return Row(method, path, gate, needs, int(status), tuple(scopes))


ROWS = tuple(_parse(line) for line in _TABLE.splitlines() if line and line[0] != "#")


def expected(row: Row, caller: Caller, visibility: str) -> int:
    """Return the status that a caller gets."""
    if caller.refused:
        return caller.refused
    return (
        _session(row, caller)
        or _credentials(row, caller)
        or _gate(row, caller, visibility)
    )


def expected_in(state: str, row: Row, caller: Caller, visibility: str) -> int:
    """Return the status that a role gets when the project is not as usual."""
    usual = expected(row, caller, visibility)
    if usual in (401, 404) or not row.about_images:
        return usual
    refused = 404 if row.gate == "job" else 403
    if state == "registry disabled":
        return refused
    if state == "registry private":
        reads = caller.admin or caller.level >= REPORTER
        return usual if reads else refused
    return 403 if row.needs >= DEVELOPER else usual


def _session(row: Row, caller: Caller) -> int:
    """Say what comes of a cookie, or of there being none; nothing lets pass."""
    by_cookie = caller.form == "session"
    if row.gate == "session":
        return row.status if by_cookie else 401
    about_token = row.path.startswith("/personal_access_tokens/self")
    return 401 if by_cookie and about_token else 0


def _credentials(row: Row, caller: Caller) -> int:
    """Say what comes of the credentials alone; nothing lets pass."""
    if caller.kind == "job":
        if not row.path.startswith(_R):
            return 401
        return 403 if caller.level == NOBODY else 0
    if caller.anonymous or row.scopes == ("any",):
        return 0
    accepted = {"api", *row.scopes, *(("read_api",) if row.reads else ())}
    return 0 if caller.scopes & accepted else 403


def _gate(row: Row, caller: Caller, visibility: str) -> int:  # noqa: PLR0911
    gate = row.gate.removesuffix("!")
    first = row.gate.endswith("!") or gate in _SIGN_IN_FIRST
    if caller.anonymous and first:
        return 401
    if gate in ("open", "signed-in"):
        return row.status
    if gate == "administrator":
        return row.status if caller.admin else 403
    if gate == "foreign-token":
        return row.status if caller.admin else 401
    level = caller.group_level if gate.startswith("group") else caller.level
    if not caller.sees(visibility, level):
        return 404
    if caller.admin:
        return row.status
    if gate == "group-images" and level < REPORTER:
        return 403
    if gate in _OF_IMAGES and level < REPORTER and visibility == "private":
        return 404 if gate == "job" else 403
    if level >= row.needs:
        return row.status
    return 401 if caller.anonymous and gate in ("project", "group") else 403


_SIGN_IN_FIRST = (
    "signed-in",
    "administrator",
    "foreign-token",
    "repository",
    "job",
)
_OF_IMAGES = ("images", "repository", "job")
