"""Why something changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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
