"""What repositories, projects and groups take up."""

from __future__ import annotations

from typing import TypedDict

from starlette.responses import Response

from moorage.domain.projects import Scope
from moorage.domain.usage import Usage
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Bytes, Count
from moorage.http.gitlab_v4.images import readable, readable_group, repository_of
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.routing import Route


class UsageCountsEntity(TypedDict):
    """How much there is of what."""

    repositories: Count
    tags: Count
    manifests: Count
    blobs: Count


class UsageEntity(TypedDict):
    """Sizes in bytes, and how much there is of what.

    ``listed_bytes`` are those of layers as the manifests list them; ``unique_bytes``
    counts each blob once; ``exclusive_bytes`` only those that nothing else uses;
    ``pending_bytes`` those that are deleted and wait to be collected.
    """

    listed_bytes: Bytes
    unique_bytes: Bytes
    exclusive_bytes: Bytes
    pending_bytes: Bytes
    counts: UsageCountsEntity


class OwnerUsageEntity(UsageEntity):
    """The same of a project or group, and what it may take up; null is any amount."""

    quota_bytes: Bytes | None


async def of_repository(call: Call) -> Response:
    """``GET /projects/:id/registry/repositories/:repository_id/usage``."""
    seen = await readable(call)
    repository = await repository_of(call, seen)
    return answer(usage_entity(await call.context.usage.of_repository(repository.id)))


async def of_project(call: Call) -> Response:
    """``GET /projects/:id/registry/usage``."""
    seen = await readable(call)
    usage = await call.context.usage.of_project(seen.project.id)
    quota = await call.context.quotas.find(Scope(project_id=seen.project.id))
    return _answer_owner(usage, quota)


async def of_group(call: Call) -> Response:
    """``GET /groups/:id/registry/usage``."""
    seen = await readable_group(call)
    usage = await call.context.usage.of_group(seen.group.id)
    quota = await call.context.quotas.find(Scope(namespace_id=seen.group.id))
    return _answer_owner(usage, quota)


def _answer_owner(usage: Usage, quota_bytes: int | None) -> Response:
    body: OwnerUsageEntity = {**usage_entity(usage), "quota_bytes": quota_bytes}
    return answer(body)


def usage_entity(usage: Usage) -> UsageEntity:
    """Show sizes in bytes, and how much there is of what."""
    return {
        "listed_bytes": usage.listed_bytes,
        "unique_bytes": usage.unique_bytes,
        "exclusive_bytes": usage.exclusive_bytes,
        "pending_bytes": usage.pending_bytes,
        "counts": {
            "repositories": usage.repositories,
            "tags": usage.tags,
            "manifests": usage.manifests,
            "blobs": usage.blobs,
        },
    }


ROUTES = (
    Route(
        "GET",
        "/projects/{id}/registry/repositories/{repository_id}/usage",
        of_repository,
        Operation(
            "Show what a repository takes up", {200: UsageEntity}, anonymous=True
        ),
    ),
    Route(
        "GET",
        "/projects/{id}/registry/usage",
        of_project,
        Operation(
            "Show what a project takes up", {200: OwnerUsageEntity}, anonymous=True
        ),
    ),
    Route(
        "GET",
        "/groups/{id}/registry/usage",
        of_group,
        Operation("Show what a group takes up", {200: OwnerUsageEntity}),
    ),
)
