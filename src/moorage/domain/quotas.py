"""Quotas: how many bytes the images of a project or group may take up."""

from __future__ import annotations

from dataclasses import dataclass

from moorage.domain.errors import ForbiddenError
from moorage.domain.projects import Scope


class QuotaExceededError(ForbiddenError):
    """A push that would take a project or group above its quota."""

    message = "the quota is used up"


@dataclass(frozen=True, slots=True)
class Quota:
    """What a scope may take up; ``path`` is its name for people."""

    scope: Scope
    path: str
    limit_bytes: int

    def refusal(self, needed_bytes: int) -> QuotaExceededError:
        """Say that a push would need more."""
        return QuotaExceededError(
            f"the quota of {self.path} is {self.limit_bytes} bytes; with this push its "
            f"images would take up {needed_bytes}: delete tags or ask an administrator",
            quota_bytes=self.limit_bytes,
            needed_bytes=needed_bytes,
        )
