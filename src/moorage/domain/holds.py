"""Holds: what somebody still needs, whatever rules and people decide about tags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from moorage.domain.digest import Digest
from moorage.domain.errors import ConflictError, NotFoundError

MAX_REASON_LENGTH = 1000


class HoldUnknownError(NotFoundError):
    """No such hold in the repository."""

    message = "hold not found"


class HeldError(ConflictError):
    """What is to be removed is held."""

    message = "it is held"


@dataclass(frozen=True, slots=True)
class NewHold:
    """A hold to be made.

    On a tag, and on the image that it points to at that moment, or on a digest alone;
    exactly one of the two is given. Without ``expires_at`` it lasts until it is
    removed.
    """

    repository_id: int
    reason: str
    actor: str
    tag: str | None = None
    digest: Digest | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as it stands; ``tag`` is missing where only the digest is held."""

    id: int
    tag: str | None
    digest: Digest
    reason: str
    actor: str
    created_at: datetime
    expires_at: datetime | None

    def refusal(self, what: str) -> HeldError:
        """Say that something cannot go because of this hold."""
        until = "" if self.expires_at is None else f" until {self.expires_at:%F %T} UTC"
        return HeldError(f"{what} is held{until}: {self.reason}", hold=self.id)
