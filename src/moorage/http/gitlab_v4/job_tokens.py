"""Tokens of CI jobs, made for a CI system: GitLab runs jobs and has no such call."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, TypedDict

from starlette.responses import Response

from moorage.domain.errors import ParameterError
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Keyword, Time
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.registry_entities import row_time
from moorage.http.gitlab_v4.routing import Route

MAX_SECONDS = 30 * 24 * 3600
"""GitLab's longest job, its default limit for runners included, is a month."""

_BASE = "/projects/{id}/ci_job_tokens"


class MadeJobTokenEntity(TypedDict):
    """A new token of a CI job, this once with its secret."""

    id: int
    project_id: int | None
    user_id: int | None
    created_at: Time
    expires_at: Time | None
    token: str


class _CreateParameters(Parameters):
    user_id: int | None = None
    expires_in: Annotated[
        int, Keyword("minimum", 1), Keyword("maximum", MAX_SECONDS)
    ] = 3600


async def create(call: Call) -> Response:
    """``POST /projects/:id/ci_job_tokens``."""
    caller_id = call.sign_in()
    given = call.read(_CreateParameters)
    if not 0 < given.expires_in <= MAX_SECONDS:
        raise ParameterError("expires_in does not have a valid value")
    made = await call.context.job_tokens.create(
        call.principal,
        call.reference(),
        account_id=caller_id if given.user_id is None else given.user_id,
        lifetime=timedelta(seconds=given.expires_in),
    )
    token = made.token
    body: MadeJobTokenEntity = {
        "id": token.id,
        "project_id": token.project_id,
        "user_id": token.account_id,
        "created_at": row_time(token.created_at),
        "expires_at": row_time(token.expires_at),
        "token": made.secret,
    }
    return answer(body, 201)


async def revoke(call: Call) -> Response:
    """``DELETE /projects/:id/ci_job_tokens/:job_id``."""
    await call.context.job_tokens.revoke(
        call.principal, call.reference(), call.number("job_id")
    )
    return no_content()


ROUTES = (
    Route(
        "POST",
        _BASE,
        create,
        Operation(
            "Make a token for a CI job", {201: MadeJobTokenEntity}, _CreateParameters
        ),
    ),
    Route(
        "DELETE",
        _BASE + "/{job_id}",
        revoke,
        Operation("Revoke the token of a CI job", {204: None}),
    ),
)
