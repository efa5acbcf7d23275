"""What happens to images, as others may be told of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moorage.domain.digest import Digest
from moorage.domain.manifest import Manifest

BLOB_MEDIA_TYPE = "application/octet-stream"
"""A blob's media type is what a manifest says it is: by itself it has none."""

_IDS = uuid.UUID("8f1f0a0e-6f3a-4a39-9d43-5f2b0c1f7f10")


class Action(StrEnum):
    """What was done."""

    PUSH = "push"
    PULL = "pull"
    MOUNT = "mount"
    DELETE = "delete"


class Subject(StrEnum):
    """What it was done to."""

    BLOB = "blob"
    MANIFEST = "manifest"
    TAG = "tag"
    REPOSITORY = "repository"


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """The request that caused an event.

    ``base_url`` is how its sender addresses the registry, where that differs from
    what the settings say.
    """

    id: str
    address: str
    host: str
    method: str
    user_agent: str
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who did it, ``None`` if nobody signed in, and by which request.

    What a job does has no request.
    """

    actor: str | None = None
    request: RequestFacts | None = None


UNKNOWN = Occasion()


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened in a repository."""

    action: Action
    subject: Subject
    digest: Digest | None = None
    media_type: str = ""
    size_bytes: int = 0
    tag: str | None = None
    from_repository: str | None = None


@dataclass(frozen=True, slots=True)
class RegistryEvent:
    """A change, where and when it happened, and its occasion."""

    id: str
    at: datetime
    repository: str
    change: Change
    occasion: Occasion


def events_of(
    repository: str, changes: Iterable[Change], occasion: Occasion, at: datetime
) -> list[RegistryEvent]:
    """Make events of changes; the same ones always get the same ids."""
    seed = occasion.request.id if occasion.request else occasion.actor
    return [
        RegistryEvent(
            str(uuid.uuid5(_IDS, f"{seed} {at.isoformat()} {repository} {n} {change}")),
            at,
            repository,
            change,
            occasion,
        )
        for n, change in enumerate(changes)
    ]


def manifest_pushed(manifest: Manifest, tags: Sequence[str]) -> list[Change]:
    """Tell of a manifest, once per tag that it was pushed under."""
    named: Sequence[str | None] = tags or [None]
    return [
        Change(
            Action.PUSH,
            Subject.MANIFEST,
            manifest.digest,
            manifest.media_type,
            len(manifest.content),
            tag,
        )
        for tag in named
    ]


def manifest_pulled(
    digest: Digest, media_type: str, size_bytes: int, tag: str | None
) -> Change:
    """Tell of a manifest that was read, or looked for, by a tag or by its digest."""
    return Change(
        Action.PULL, Subject.MANIFEST, digest, media_type, size_bytes, tag=tag
    )


def manifest_deleted(digest: Digest) -> Change:
    """Tell of a manifest that is gone."""
    return Change(Action.DELETE, Subject.MANIFEST, digest)


def blob_pushed(digest: Digest, size_bytes: int) -> Change:
    """Tell of a blob that was uploaded, whether or not it was there already."""
    return Change(Action.PUSH, Subject.BLOB, digest, BLOB_MEDIA_TYPE, size_bytes)


def blob_mounted(digest: Digest, size_bytes: int, from_repository: str) -> Change:
    """Tell of a blob that a repository took from another one."""
    return Change(
        Action.MOUNT,
        Subject.BLOB,
        digest,
        BLOB_MEDIA_TYPE,
        size_bytes,
        from_repository=from_repository,
    )


def blob_deleted(digest: Digest) -> Change:
    """Tell of a blob that a repository serves no more."""
    return Change(Action.DELETE, Subject.BLOB, digest)


def tags_deleted(names: Iterable[str]) -> Iterator[Change]:
    """Tell of tags that are gone."""
    return (Change(Action.DELETE, Subject.TAG, tag=name) for name in names)


def repository_deleted() -> Change:
    """Tell that the repository itself is gone."""
    return Change(Action.DELETE, Subject.REPOSITORY)
