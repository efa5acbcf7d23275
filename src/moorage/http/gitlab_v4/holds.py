"""Holds: what must not go, for a while or until somebody says so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypedDict

from starlette.responses import Response

from moorage.domain.access import Ability, Role
from moorage.domain.digest import Digest
from moorage.domain.errors import DigestInvalidError, ForbiddenError, ParameterError
from moorage.domain.holds import MAX_REASON_LENGTH, Hold, NewHold
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import DigestText, Filled, Keyword, Time
from moorage.http.gitlab_v4.images import readable, repository_of, require
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_page, page_of
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.registry_entities import row_time
from moorage.http.gitlab_v4.routing import Route

_HOLDS = "/projects/{id}/registry/repositories/{repository_id}/holds"
_HOLD = _HOLDS + "/{hold_id}"


class _NewParameters(Parameters):
    reason: Annotated[Filled, Keyword("maxLength", MAX_REASON_LENGTH)]
    tag: str | None = None
    digest: str | None = None
    expires_at: Time | None = None


async def list_holds(call: Call) -> Response:
    """``GET /projects/:id/registry/repositories/:repository_id/holds``."""
    seen = await readable(call)
    if not call.principal.admin and seen.access.level < Role.REPORTER:
        # What is written there is for those who work on the project.
        raise ForbiddenError
    page, repository = page_of(call), await repository_of(call, seen)
    items, total = await call.context.holds.list_page(
        repository.id, offset=page.offset, limit=page.limit
    )
    return answer_page(call, page, [hold_entity(hold) for hold in items], total)


async def create(call: Call) -> Response:
    """``POST /projects/:id/registry/repositories/:repository_id/holds``."""
    seen = await readable(call)
    wanted = call.read(_NewParameters)
    digest = _digest(wanted)
    expires_at = _time(wanted.expires_at)
    repository = await repository_of(call, seen)
    require(call, seen, Ability.ADMIN_IMAGE)
    new = NewHold(
        repository_id=repository.id,
        reason=_reason(wanted.reason),
        actor=call.principal.actor,
        tag=wanted.tag or None,
        digest=digest,
        expires_at=expires_at,
    )
    return answer(hold_entity(await call.context.holds.create(new)), 201)


async def delete(call: Call) -> Response:
    """``DELETE /projects/:id/registry/repositories/:repository_id/holds/:hold_id``."""
    seen = await readable(call)
    repository = await repository_of(call, seen)
    require(call, seen, Ability.ADMIN_IMAGE)
    await call.context.holds.delete(repository.id, call.number("hold_id"))
    return no_content()


def _digest(wanted: _NewParameters) -> Digest | None:
    if bool(wanted.tag) == bool(wanted.digest):
        raise ParameterError("tag, digest are mutually exclusive, one must be provided")
    if not wanted.digest:
        return None
    try:
        return Digest.parse(wanted.digest)
    except DigestInvalidError:
        raise ParameterError("digest is invalid") from None


def _reason(text: str) -> str:
    if not text.strip():
        raise ParameterError("reason is empty")
    if len(text) > MAX_REASON_LENGTH:
        raise ParameterError(f"reason is longer than {MAX_REASON_LENGTH} characters")
    return text.strip()


def _time(text: str | None) -> datetime | None:
    """Read a date or time, in UTC where it names no zone."""
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterError("expires_at is invalid") from None


class HoldEntity(TypedDict):
    """A hold; ``digest`` is what a held tag pointed to when it was held."""

    id: int
    tag: str | None
    digest: DigestText
    reason: str
    created_by: str
    created_at: Time
    expires_at: Time | None


def hold_entity(hold: Hold) -> HoldEntity:
    """Show a hold; ``digest`` is what a held tag pointed to when it was held."""
    return {
        "id": hold.id,
        "tag": hold.tag,
        "digest": str(hold.digest),
        "reason": hold.reason,
        "created_by": hold.actor,
        "created_at": row_time(hold.created_at),
        "expires_at": row_time(hold.expires_at),
    }


ROUTES = (
    Route(
        "GET",
        _HOLDS,
        list_holds,
        Operation("List holds", {200: list[HoldEntity]}, paged=True),
    ),
    Route(
        "POST",
        _HOLDS,
        create,
        Operation(
            "Hold a tag or digest", {201: HoldEntity}, _NewParameters, errors=(409,)
        ),
    ),
    Route("DELETE", _HOLD, delete, Operation("End a hold", {204: None})),
)
