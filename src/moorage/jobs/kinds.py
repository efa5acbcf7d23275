"""Which service does which kind of job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from moorage.domain.jobs import JobKind
from moorage.jobs.deliveries import Deliveries
from moorage.services.cleanup import Cleanup
from moorage.services.garbage_queue import GarbageQueue
from moorage.services.jobs import Handler, JobRun
from moorage.services.repositories import Repositories
from moorage.services.retention import Retention
from moorage.services.undo import Undo
from moorage.services.uploads import Uploads
from moorage.services.usage_sums import UsageSums
from moorage.services.wide_cleanup import WideCleanup


def handlers(
    repositories: Repositories,
    cleanup: Cleanup,
    wide_cleanup: WideCleanup,
    uploads: Uploads,
    garbage: GarbageQueue,
    undo: Undo,
    usage_sums: UsageSums,
    retention: Retention,
    *,
    upload_expiry: timedelta,
) -> dict[str, Handler]:
    """Return what a worker runs, by kind."""

    async def expire_uploads(_run: JobRun) -> Mapping[str, Any]:
        return {"expired": await uploads.expire(upload_expiry)}

    return {
        JobKind.DELETE_REPOSITORY: Handler(repositories.delete, repositories.follow),
        JobKind.DELETE_TAGS: Handler(cleanup.delete),
        JobKind.DELETE_TAGS_WIDELY: Handler(wide_cleanup.run),
        JobKind.RUN_POLICY: Handler(cleanup.run_policy),
        JobKind.EXPIRE_UPLOADS: Handler(expire_uploads),
        JobKind.RESTORE_TAGS: Handler(undo.run_restore),
        JobKind.PURGE: Handler(undo.run_purge),
        JobKind.COLLECT_GARBAGE: Handler(garbage.collect),
        JobKind.VERIFY_USAGE: Handler(usage_sums.verify),
        JobKind.FORGET_JOBS: Handler(retention.forget),
    }


def delivery_handlers(deliveries: Deliveries) -> dict[str, Handler]:
    """Return what a worker runs that only tells webhooks of events."""
    return {
        JobKind.DELIVER_EVENTS: Handler(deliveries.deliver),
        JobKind.TIDY_EVENTS: Handler(deliveries.tidy),
    }
