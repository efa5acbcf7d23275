"""The history of tags, and taking destruction back."""

from __future__ import annotations

from typing import TypedDict

from starlette.responses import Response

from moorage.domain.access import Ability
from moorage.domain.digest import Digest
from moorage.domain.errors import DigestInvalidError, JobUnknownError, ParameterError
from moorage.domain.history import TagEvent
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import DigestText, Time
from moorage.http.gitlab_v4.images import readable, repository_of, require
from moorage.http.gitlab_v4.jobs import answer_job
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_page, page_of
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.registry_entities import (
    JobEntity,
    TagDetailEntity,
    row_time,
    tag_detail_entity,
)
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.times import read_time

_REPOSITORY = "/projects/{id}/registry/repositories/{repository_id}"
_TAG = _REPOSITORY + "/tags/{tag_name}"


class TagEventEntity(TypedDict):
    """A move of a tag; ``digest`` is null for a removal."""

    tag: str
    action: str
    digest: DigestText | None
    previous_digest: DigestText | None
    at: Time
    actor: str | None
    job_id: int | None


async def of_tag(call: Call) -> Response:
    """``GET …/registry/repositories/:repository_id/tags/:tag_name/history``."""
    seen = await readable(call)
    page, repository = page_of(call), await repository_of(call, seen)
    found = await call.context.history.of_tag(
        repository.id, call.text("tag_name"), offset=page.offset, limit=page.limit
    )
    entities = [event_entity(event) for event in found.items]
    return answer_page(call, page, entities, found.total)


async def of_repository(call: Call) -> Response:
    """``GET …/registry/repositories/:repository_id/history``."""
    seen = await readable(call)
    page, repository = page_of(call), await repository_of(call, seen)
    found = await call.context.history.of_repository(
        repository.id, offset=page.offset, limit=page.limit
    )
    entities = [event_entity(event) for event in found.items]
    return answer_page(call, page, entities, found.total)


class _TagParameters(Parameters):
    digest: str | None = None


async def restore_tag(call: Call) -> Response:
    """``POST …/registry/repositories/:repository_id/tags/:tag_name/restore``."""
    seen = await readable(call)
    digest = _digest(call.read(_TagParameters).digest)
    repository = await repository_of(call, seen)
    require(call, seen, Ability.CREATE_IMAGE)
    tag = await call.context.undo.restore_tag(
        repository.id, call.text("tag_name"), digest, call.principal
    )
    entity = tag_detail_entity(repository, tag, call.context.registry_host)
    return answer(entity, 201)


class _RestoreParameters(Parameters):
    at: Time | None = None
    job_id: int | None = None


async def restore(call: Call) -> Response:
    """``POST …/registry/repositories/:repository_id/restore``, deleted or not."""
    seen = await readable(call)
    wanted = call.read(_RestoreParameters)
    at = read_time("at", wanted.at)
    if at is not None and wanted.job_id is not None:
        raise ParameterError("at, job_id are mutually exclusive")
    service = call.context.undo
    require(call, seen, Ability.ADMIN_IMAGE)
    repository = await service.find_restorable(
        seen.project.id, call.number("repository_id")
    )
    if wanted.job_id is not None:
        job = await call.context.jobs.get(call.principal, wanted.job_id)
        if job.repository_id != repository.id:
            raise JobUnknownError
    job_id = await service.restore(
        repository, call.principal, at=at, removed_by=wanted.job_id
    )
    return await answer_job(call, job_id)


async def purge(call: Call) -> Response:
    """``POST …/registry/repositories/:repository_id/purge``, deleted or not."""
    seen = await readable(call)
    service = call.context.undo
    require(call, seen, Ability.ADMIN_IMAGE)
    repository = await service.find_restorable(
        seen.project.id, call.number("repository_id")
    )
    return await answer_job(call, await service.purge(repository, call.principal))


def event_entity(event: TagEvent) -> TagEventEntity:
    """Show a move of a tag."""
    return {
        "tag": event.tag,
        "action": event.action,
        "digest": event.digest,
        "previous_digest": event.previous_digest,
        "at": row_time(event.at),
        "actor": event.actor,
        "job_id": event.job_id,
    }


def _digest(text: str | None) -> Digest | None:
    if not text:
        return None
    try:
        return Digest.parse(text)
    except DigestInvalidError:
        raise ParameterError("digest is invalid") from None


_EVENTS = {200: list[TagEventEntity]}

ROUTES = (
    Route(
        "GET",
        _TAG + "/history",
        of_tag,
        Operation(
            "List the moves of a tag, newest first",
            _EVENTS,
            paged=True,
            anonymous=True,
        ),
    ),
    Route(
        "POST",
        _TAG + "/restore",
        restore_tag,
        Operation(
            "Bring a tag back",
            {201: TagDetailEntity},
            _TagParameters,
            errors=(409,),
        ),
    ),
    Route(
        "GET",
        _REPOSITORY + "/history",
        of_repository,
        Operation(
            "List the moves of all tags, newest first",
            _EVENTS,
            paged=True,
            anonymous=True,
        ),
    ),
    Route(
        "POST",
        _REPOSITORY + "/restore",
        restore,
        Operation(
            "Bring tags, or a deleted repository, back, by a job",
            {202: JobEntity},
            _RestoreParameters,
            located=True,
            errors=(409,),
        ),
    ),
    Route(
        "POST",
        _REPOSITORY + "/purge",
        purge,
        Operation(
            "End the undo window of what was deleted, by a job",
            {202: JobEntity},
            located=True,
            errors=(409,),
        ),
    ),
)
