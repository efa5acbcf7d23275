"""Plans: what a run of rules would delete, written down to be looked at first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from moorage.domain.errors import ConflictError, NotFoundError

LIFETIME = timedelta(days=1)
"""After which a plan can no longer be applied: what it says has grown old."""


class PlanUnknownError(NotFoundError):
    """The repository has no such plan."""

    message = "plan not found"


class PlanExpiredError(ConflictError):
    """Made too long ago."""

    message = "the plan has expired: make a new one"


class PlanAppliedError(ConflictError):
    """A plan is applied once."""

    message = "the plan was already applied"


class Verdict(StrEnum):
    """What a plan does with a tag."""

    KEEP = "keep"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """A plan in numbers; ``freed_bytes`` is what the blob store loses in the end."""

    total: int
    keep: int
    delete: int
    freed_bytes: int


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One tag as the plan saw it; ``reason`` is a sentence for people.

    ``exclusive_bytes`` would come free if this tag alone went.
    """

    name: str
    digest: str
    verdict: Verdict
    rule: str
    reason: str
    created_at: datetime
    pushed_at: datetime
    last_pulled_at: datetime | None
    total_bytes: int
    exclusive_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan without its items. A preview has no ``id`` and does not expire.

    ``parameters`` are what it was asked for with, ``job_id`` is the job that applies
    it.
    """

    id: int | None
    repository_id: int
    parameters: Mapping[str, Any]
    warnings: Sequence[str]
    summary: PlanSummary
    created_at: datetime
    expires_at: datetime | None
    job_id: int | None = None

    def check_applicable(self, now: datetime) -> None:
        """Let pass a plan that can be applied.

        Raises:
            PlanAppliedError: It was.
            PlanExpiredError: It is too old.
        """
        if self.job_id is not None:
            raise PlanAppliedError
        if self.expires_at is None or self.expires_at <= now:
            raise PlanExpiredError
