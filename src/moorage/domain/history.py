"""Why something changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from moorage.domain.errors import ConflictError, NotFoundError


@dataclass(frozen=True, slots=True)
class Cause:
    """Who changes tags, when, in which run; until when what they leave is kept.

    ``restores`` tells a move back to an earlier image from a push.
    """

    actor: str
    now: datetime
    held_until: datetime
    job_id: int | None = None
    restores: bool = False


STEPS = 10_000
"""Into so many steps the undo window is divided."""

_EPOCH = datetime.fromtimestamp(0, UTC)


def held_until(now: datetime, window: timedelta) -> datetime:
    """Say until when is kept what is removed now: the window and up to a step more.

    A run removes the tags of an image one lot after the other, and what is kept until
    the same moment is written down once.
    """
    step = window // STEPS
    end = now + window
    return end + (_EPOCH - end) % step if step else end


@dataclass(frozen=True, slots=True)
class TagEvent:
    """A move of a tag; ``digest`` is missing for a removal."""

    tag: str
    action: str
    digest: str | None
    previous_digest: str | None
    at: datetime
    actor: str
    job_id: int | None


@dataclass(frozen=True, slots=True)
class PastTag:
    """A tag as it was at some time, and since when it had been so."""

    name: str
    digest: str
    since: datetime


class ImageGoneError(ConflictError):
    """What a tag pointed to was collected."""

    message = "the image is gone: the time in which it could be restored is over"


class TagPresentError(ConflictError):
    """There is nothing to restore while the tag is there."""

    message = "the tag is there: name the digest that it is to point to"


class NeverTaggedError(NotFoundError):
    """The tag never pointed to this digest, in this repository."""

    message = "the tag never pointed to this digest"


class RepositoryPresentError(ConflictError):
    """Its name was taken by another one meanwhile."""

    message = "a repository of this name exists again"
