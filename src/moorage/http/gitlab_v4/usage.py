"""What repositories, projects and groups take up."""

from __future__ import annotations

from starlette.responses import Response

from moorage.domain.quotas import Scope
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
    usage = await call.context.usage.of_project(seen.project.id)
    quota = await call.context.quotas.find(Scope(project_id=seen.project.id))
    return answer({**usage_entity(usage), "quota_bytes": quota})


async def of_group(call: Call) -> Response:
    """``GET /groups/:id/registry/usage``."""
    seen = await readable_group(call)
    usage = await call.context.usage.of_group(seen.group.id)
    quota = await call.context.quotas.find(Scope(namespace_id=seen.group.id))
    return answer({**usage_entity(usage), "quota_bytes": quota})


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
