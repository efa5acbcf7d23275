"""What repositories, projects and groups take up."""

from __future__ import annotations

from starlette.responses import Response

from moorage.domain.usage import Usage
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.images import readable, readable_group, repository_of
from moorage.http.gitlab_v4.registry_entities import Entity
from moorage.http.gitlab_v4.routing import Route


async def of_repository(call: Call) -> Response:
    """``GET /projects/:id/registry/repositories/:repository_id/usage``."""
    seen = await readable(call)
    repository = await repository_of(call, seen)
    return answer(usage_entity(await call.context.usage.of_repository(repository.id)))


async def of_project(call: Call) -> Response:
    """``GET /projects/:id/registry/usage``."""
    seen = await readable(call)
    return answer(usage_entity(await call.context.usage.of_project(seen.project.id)))


async def of_group(call: Call) -> Response:
    """``GET /groups/:id/registry/usage``."""
    seen = await readable_group(call)
    return answer(usage_entity(await call.context.usage.of_group(seen.group.id)))


def usage_entity(usage: Usage) -> Entity:
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
    ),
    Route("GET", "/projects/{id}/registry/usage", of_project),
    Route("GET", "/groups/{id}/registry/usage", of_group),
)
