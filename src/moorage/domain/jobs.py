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


class JobKind(StrEnum):
    """What there is to do."""

    DELETE_REPOSITORY = "delete_repository"
    DELETE_TAGS = "delete_tags"
    EXPIRE_UPLOADS = "expire_uploads"
    COLLECT_GARBAGE = "collect_garbage"
    DELIVER_EVENTS = "deliver_events"
    TIDY_EVENTS = "tidy_events"


class JobState(StrEnum):
    """How far a job is; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ItemOutcome(StrEnum):
    """What became of one tag that a job was to remove."""

    PLANNED = "planned"
    DELETED = "deleted"
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


def retry_delay(attempts: int) -> timedelta:
    """Say how long to wait after a number of failed attempts, doubling each time."""
    doublings = min(max(attempts, 1) - 1, MAX_ATTEMPTS)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)
