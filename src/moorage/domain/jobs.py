"""Jobs: work that a request begins and a worker ends, however often it is cut off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from moorage.domain.errors import ConflictError

MAX_ATTEMPTS = 10
"""GitLab gives a repository's deletion up after as many."""

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=10)


class JobGivenUpError(ConflictError):
    """Begun too often, and never ended."""

    message = f"given up after {MAX_ATTEMPTS} attempts"


class JobFinishedError(ConflictError):
    """There is nothing left to cancel."""

    message = "the job is finished"


class JobUnfinishedError(ConflictError):
    """Nothing can be undone while it is being done."""

    message = "the job is not finished: cancel it first"


class JobNotUndoableError(ConflictError):
    """It removed nothing that could be restored, or too long ago."""

    message = "the job cannot be undone, or not any more"


class JobKind(StrEnum):
    """What there is to do."""

    DELETE_REPOSITORY = "delete_repository"
    DELETE_TAGS = "delete_tags"
    DELETE_TAGS_WIDELY = "delete_tags_widely"
    EXPIRE_UPLOADS = "expire_uploads"
    COLLECT_GARBAGE = "collect_garbage"
    DELIVER_EVENTS = "deliver_events"
    TIDY_EVENTS = "tidy_events"
    RESTORE_TAGS = "restore_tags"
    PURGE = "purge"
    RUN_POLICY = "run_policy"
    VERIFY_USAGE = "verify_usage"
    FORGET_JOBS = "forget_jobs"


class JobState(StrEnum):
    """How far a job is; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more happens."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


class ItemOutcome(StrEnum):
    """What became of one tag that a job was to remove or to restore."""

    PLANNED = "planned"
    DELETED = "deleted"
    RESTORED = "restored"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be queued.

    Of two jobs with one ``dedup_key`` the second is not queued while the first is
    unfinished.
    """

    kind: JobKind
    arguments: Mapping[str, Any]
    actor: str
    repository_id: int | None = None
    dedup_key: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands; ``attempts`` counts the one that is running."""

    id: int
    kind: str
    arguments: Mapping[str, Any]
    repository_id: int | None
    actor: str
    state: JobState
    attempts: int
    done: int
    total: int
    result: Mapping[str, Any] | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobItem:
    """One tag of a job, with the digest that the plan saw; ``reason`` is a sentence."""

    position: int
    name: str
    digest: str
    outcome: ItemOutcome
    reason: str


_UNDOABLE = (JobKind.DELETE_TAGS, JobKind.DELETE_REPOSITORY, JobKind.RUN_POLICY)


def undoable_until(job: Job, window: timedelta) -> datetime | None:
    """Say until when all that a job removed is kept; ``None`` if nothing is."""
    if job.kind not in _UNDOABLE or job.started_at is None or not window:
        return None
    return job.started_at + window


def check_undoable(job: Job, window: timedelta, now: datetime) -> None:
    """Let pass a job that can be undone.

    Raises:
        JobUnfinishedError: It waits or runs.
        JobNotUndoableError: It is of another kind, or the undo window has passed.
    """
    if job.kind in _UNDOABLE and not job.state.final:
        raise JobUnfinishedError
    until = undoable_until(job, window)
    if until is None or until <= now:
        raise JobNotUndoableError


def retry_delay(attempts: int) -> timedelta:
    """Say how long to wait after a number of failed attempts, doubling each time."""
    doublings = min(max(attempts, 1) - 1, MAX_ATTEMPTS)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)
