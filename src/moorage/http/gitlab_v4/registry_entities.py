"""How repositories, tags and jobs look in this API.

Source: GitLab registry API facts, "JSON objects".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NotRequired, TypedDict, overload

from moorage.domain.jobs import ItemOutcome, Job, JobItem, JobState
from moorage.domain.repositories import LastUse, Repository, TagDetail
from moorage.domain.tag_lists import ListedTag
from moorage.http.gitlab_v4.formats import Bytes, Count, DigestText, Time

SHORT_REVISION_LENGTH = 9


class TagEntity(TypedDict):
    """A tag in a list."""

    name: str
    path: str
    location: str


class TagMore(TypedDict):
    """What GitLab does not tell of a tag, for who asks for details."""

    digest: DigestText
    media_type: str
    artifact_type: str | None
    platforms: list[str]
    created_at: Time
    pushed_at: Time
    last_pulled_at: Time | None
    pull_count: Count
    total_size: Bytes
    exclusive_bytes: Bytes | None
    protected: bool
    immutable: bool
    held: bool


class ListedTagEntity(TagEntity, TagMore):
    """A tag in a list with details."""


class TagDetailEntity(TagEntity):
    """A tag with what it points to; an index has no revision."""

    revision: str | None
    short_revision: str | None
    digest: DigestText
    created_at: Time
    total_size: Bytes


class TagWithDetailsEntity(TagDetailEntity, TagMore):
    """A tag with what it points to, and with details."""


class RepositoryMore(TypedDict):
    """What is told of a repository only where it is asked for, or allowed."""

    tags_count: NotRequired[Count]
    tags: NotRequired[list[TagEntity]]
    delete_api_path: NotRequired[str]
    size: NotRequired[Bytes]
    last_pushed_at: NotRequired[Time | None]
    last_pulled_at: NotRequired[Time | None]


class RepositoryEntity(RepositoryMore):
    """A repository."""

    id: int
    name: str
    path: str
    project_id: int
    location: str
    created_at: Time
    cleanup_policy_started_at: Time | None
    status: str | None


class ProgressEntity(TypedDict):
    """How much of a job is done."""

    done: Count
    total: Count


class JobEntity(TypedDict):
    """A job: what it is, how far it is, and until when it can be undone."""

    id: int
    kind: str
    state: JobState
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    progress: ProgressEntity
    result: Mapping[str, Any] | None
    error: str | None
    undoable_until: Time | None


class JobItemEntity(TypedDict):
    """What became of one tag."""

    name: str
    digest: DigestText
    outcome: ItemOutcome
    reason: str


def repository_entity(
    repository: Repository,
    host: str,
    *,
    tags_count: bool = False,
    tags: Sequence[str] | None = None,
    more: RepositoryMore | None = None,
) -> RepositoryEntity:
    """Show a repository; what was not asked for is left out as a whole.

    ``more`` goes between ``tags`` and ``status``.
    """
    listed: RepositoryMore = {}
    if tags_count:
        listed["tags_count"] = repository.tag_count
    if tags is not None:
        listed["tags"] = [tag_entity(repository, name, host) for name in tags]
    return {
        "id": repository.id,
        "name": repository.name,
        "path": repository.path,
        "project_id": repository.project_id,
        "location": f"{host}/{repository.path}",
        "created_at": row_time(repository.created_at),
        "cleanup_policy_started_at": row_time(repository.cleanup_policy_started_at),
        **listed,
        **(more or {}),
        "status": repository.status,
    }


def last_use_entity(use: LastUse) -> RepositoryMore:
    """Show when a repository was last used."""
    return {
        "last_pushed_at": row_time(use.pushed_at),
        "last_pulled_at": row_time(use.pulled_at),
    }


def tag_entity(repository: Repository, name: str, host: str) -> TagEntity:
    """Show a tag in a list."""
    path = f"{repository.path}:{name}"
    return {"name": name, "path": path, "location": f"{host}/{path}"}


def tag_detail_entity(
    repository: Repository, tag: TagDetail, host: str
) -> TagDetailEntity:
    """Show a tag with what it points to; an index has no revision."""
    revision = None if tag.config_digest is None else tag.config_digest.hex
    return {
        **tag_entity(repository, tag.name, host),
        "revision": revision,
        "short_revision": revision and revision[:SHORT_REVISION_LENGTH],
        "digest": str(tag.digest),
        "created_at": tag_time(tag.created_at),
        "total_size": tag.total_bytes,
    }


def listed_tag_entity(listed: ListedTag) -> TagMore:
    """Show what GitLab does not, for who asks for details."""
    tag = listed.detail
    return {
        "digest": str(tag.digest),
        "media_type": tag.media_type,
        "artifact_type": tag.artifact_type,
        "platforms": list(tag.platforms),
        "created_at": tag_time(tag.created_at),
        "pushed_at": tag_time(tag.pushed_at),
        "last_pulled_at": None if tag.pulled_at is None else tag_time(tag.pulled_at),
        "pull_count": tag.pull_count,
        "total_size": tag.total_bytes,
        "exclusive_bytes": listed.exclusive_bytes,
        "protected": listed.protected,
        "immutable": listed.immutable,
        "held": listed.held,
    }


def job_entity(job: Job, undoable_until: datetime | None = None) -> JobEntity:
    """Show a job."""
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "created_at": row_time(job.created_at),
        "started_at": row_time(job.started_at),
        "finished_at": row_time(job.finished_at),
        "progress": {"done": job.done, "total": job.total},
        "result": job.result,
        "error": job.error,
        "undoable_until": row_time(undoable_until),
    }


def job_item_entity(item: JobItem) -> JobItemEntity:
    """Show what became of one tag."""
    return {
        "name": item.name,
        "digest": item.digest,
        "outcome": item.outcome,
        "reason": item.reason,
    }


@overload
def row_time(time: datetime) -> str: ...


@overload
def row_time(time: None) -> None: ...


@overload
def row_time(time: datetime | None) -> str | None: ...


def row_time(time: datetime | None) -> str | None:
    """Spell the time of a row: ``2019-01-10T13:38:57.391Z``."""
    return None if time is None else tag_time(time).removesuffix("+00:00") + "Z"


def tag_time(time: datetime) -> str:
    """Spell the time of an image: ``2019-01-06T16:49:51.272+00:00``."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")
