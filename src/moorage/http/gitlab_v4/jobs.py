"""Jobs: watching, cancelling and undoing what a 202 began."""

from __future__ import annotations

from starlette.responses import Response

from moorage.domain.jobs import Job
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_page, page_of
from moorage.http.gitlab_v4.registry_entities import (
    JobEntity,
    JobItemEntity,
    job_entity,
    job_item_entity,
)
from moorage.http.gitlab_v4.routing import Route

_JOB = "/registry/jobs/{job_id}"


async def get(call: Call) -> Response:
    """``GET /registry/jobs/:job_id``."""
    job = await call.context.jobs.get(call.principal, call.number("job_id"))
    return answer(_entity(call, job))


async def list_items(call: Call) -> Response:
    """``GET /registry/jobs/:job_id/items``."""
    page = page_of(call)
    items, total = await call.context.jobs.list_items(
        call.principal, call.number("job_id"), offset=page.offset, limit=page.limit
    )
    return answer_page(call, page, [job_item_entity(item) for item in items], total)


async def cancel(call: Call) -> Response:
    """``POST /registry/jobs/:job_id/cancel``."""
    job = await call.context.jobs.cancel(call.principal, call.number("job_id"))
    return answer(_entity(call, job), 202)


async def undo(call: Call) -> Response:
    """``POST /registry/jobs/:job_id/undo``."""
    job = await call.context.jobs.get(call.principal, call.number("job_id"))
    return await answer_job(call, await call.context.undo.undo(job, call.principal))


async def answer_job(call: Call, job_id: int) -> Response:
    """Answer with a job that was begun, and where it can be watched."""
    job = await call.context.jobs.get(call.principal, job_id)
    url = f"{call.context.external_url}/api/v4{_JOB.format(job_id=job_id)}"
    return answer(_entity(call, job), 202, {"Location": url})


def _entity(call: Call, job: Job) -> JobEntity:
    return job_entity(job, call.context.jobs.undoable_until(job))


ROUTES = (
    Route("GET", _JOB, get, Operation("Show a job", {200: JobEntity})),
    Route(
        "GET",
        _JOB + "/items",
        list_items,
        Operation(
            "List what became of each tag of a job",
            {200: list[JobItemEntity]},
            paged=True,
        ),
    ),
    Route(
        "POST",
        _JOB + "/cancel",
        cancel,
        Operation("Cancel a job", {202: JobEntity}, errors=(409,)),
    ),
    Route(
        "POST",
        _JOB + "/undo",
        undo,
        Operation(
            "Bring back what a job removed, by another job",
            {202: JobEntity},
            located=True,
            errors=(409,),
        ),
    ),
)
