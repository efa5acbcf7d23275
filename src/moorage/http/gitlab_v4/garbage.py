"""The queue of collection, for administrators."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from starlette.responses import Response

from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Bytes, Count, Time
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.registry_entities import (
    JobEntity,
    job_entity,
    row_time,
)
from moorage.http.gitlab_v4.routing import Route
from moorage.services.garbage_queue import Report
from moorage.store.garbage_queue import Candidates, Hour

_GARBAGE = "/registry/garbage"

_HOUR = timedelta(hours=1)


class CandidatesEntity(TypedDict):
    """How much waits for collection."""

    manifests: Count
    links: Count
    blobs: Count


class DueCandidatesEntity(CandidatesEntity):
    """How much is due for collection."""

    tombstones: Count


class DueHourEntity(TypedDict):
    """How many bytes come due in an hour."""

    hour: Time
    bytes: Bytes


class CollectionRateEntity(TypedDict):
    """What was collected per second since the last full hour began."""

    since: Time
    manifests_per_second: float
    blobs_per_second: float
    freed_bytes_per_second: float


class CollectedHourEntity(TypedDict):
    """What was collected in an hour."""

    hour: Time
    manifests: Count
    links: Count
    blobs: Count
    freed_bytes: Bytes
    errors: Count


class CollectionErrorEntity(TypedDict):
    """What went wrong in an hour."""

    hour: Time
    count: Count
    last_error: str | None


class GarbageEntity(TypedDict):
    """The queue of collection: what waits, what will be free when, what was done."""

    paused: bool
    paused_at: Time | None
    paused_by: str | None
    candidates: DueCandidatesEntity
    leased: CandidatesEntity
    oldest_at: Time | None
    bytes_due: list[DueHourEntity]
    bytes_due_complete: bool
    rate: CollectionRateEntity
    hours: list[CollectedHourEntity]
    errors: list[CollectionErrorEntity]


async def get(call: Call) -> Response:
    """``GET /registry/garbage``."""
    call.administer()
    return await _answer_report(call, 200)


async def pause(call: Call) -> Response:
    """``POST /registry/garbage/pause``."""
    call.administer()
    await call.context.garbage.pause(call.principal)
    return await _answer_report(call, 201)


async def resume(call: Call) -> Response:
    """``POST /registry/garbage/resume``."""
    call.administer()
    await call.context.garbage.resume()
    return await _answer_report(call, 201)


async def run(call: Call) -> Response:
    """``POST /registry/garbage/run``."""
    call.administer()
    job = await call.context.garbage.schedule(call.principal)
    url = f"{call.context.external_url}/api/v4/registry/jobs/{job.id}"
    return answer(job_entity(job), 202, {"Location": url})


async def _answer_report(call: Call, status: int) -> Response:
    return answer(report_entity(await call.context.garbage.report()), status)


def report_entity(report: Report) -> GarbageEntity:
    """Show what waits, what it will free and when, and what was done."""
    pause_now, counts = report.pause, report.counts
    return {
        "paused": pause_now is not None,
        "paused_at": None if pause_now is None else row_time(pause_now.paused_at),
        "paused_by": None if pause_now is None else pause_now.actor,
        "candidates": {
            **_candidates_entity(counts.due),
            "tombstones": counts.tombstones,
        },
        "leased": _candidates_entity(counts.leased),
        "oldest_at": row_time(report.oldest),
        "bytes_due": [
            {"hour": row_time(hour), "bytes": size_bytes}
            for hour, size_bytes in report.forecast.hours
        ],
        "bytes_due_complete": report.forecast.complete,
        "rate": _rate_entity(report),
        "hours": [_hour_entity(hour) for hour in report.hours],
        "errors": [
            {
                "hour": row_time(hour.begun_at),
                "count": hour.errors,
                "last_error": hour.last_error,
            }
            for hour in report.hours
            if hour.errors
        ],
    }


def _candidates_entity(candidates: Candidates) -> CandidatesEntity:
    return {
        "manifests": candidates.manifests,
        "links": candidates.links,
        "blobs": candidates.blobs,
    }


def _hour_entity(hour: Hour) -> CollectedHourEntity:
    return {
        "hour": row_time(hour.begun_at),
        "manifests": hour.manifests,
        "links": hour.links,
        "blobs": hour.blobs,
        "freed_bytes": hour.freed_bytes,
        "errors": hour.errors,
    }


def _rate_entity(report: Report) -> CollectionRateEntity:
    """Show what was done per second since the last full hour began."""
    since = report.now.replace(minute=0, second=0, microsecond=0) - _HOUR
    recent = [hour for hour in report.hours if hour.begun_at >= since]
    seconds = (report.now - since).total_seconds()
    return {
        "since": row_time(since),
        "manifests_per_second": sum(hour.manifests for hour in recent) / seconds,
        "blobs_per_second": sum(hour.blobs for hour in recent) / seconds,
        "freed_bytes_per_second": sum(h.freed_bytes for h in recent) / seconds,
    }


ROUTES = (
    Route(
        "GET",
        _GARBAGE,
        get,
        Operation("Show the queue of collection", {200: GarbageEntity}),
    ),
    Route(
        "POST",
        _GARBAGE + "/pause",
        pause,
        Operation("Pause collection", {201: GarbageEntity}),
    ),
    Route(
        "POST",
        _GARBAGE + "/resume",
        resume,
        Operation("Resume collection", {201: GarbageEntity}),
    ),
    Route(
        "POST",
        _GARBAGE + "/run",
        run,
        Operation("Collect now", {202: JobEntity}, located=True, errors=(409,)),
    ),
)
