"""Which service does which kind of job."""

from __future__ import annotations

from moorage.domain.jobs import JobKind
from moorage.services.cleanup import Cleanup
from moorage.services.jobs import Handler
from moorage.services.repositories import Repositories


def handlers(repositories: Repositories, cleanup: Cleanup) -> dict[str, Handler]:
    """Return what a worker runs, by kind."""
    return {
        JobKind.DELETE_REPOSITORY: Handler(repositories.delete, repositories.follow),
        JobKind.DELETE_TAGS: Handler(cleanup.delete),
    }
