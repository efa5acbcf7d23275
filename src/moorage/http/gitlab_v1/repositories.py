"""Repositories: details, and which there are below one."""

from __future__ import annotations

from moorage.domain.repositories import Repository
from moorage.http.gitlab_v1.call import Call, show_time
from moorage.http.messages import Response

_DEEP = "self_with_descendants"


async def base(call: Call) -> Response:
    """``GET /gitlab/v1/``: the calls are offered."""
    await call.authenticate()
    return Response(200)


async def get(call: Call) -> Response:
    """``GET /gitlab/v1/repositories/<path>/``."""
    size = call.choice("size", "self", _DEEP)
    deep = size == _DEEP
    name = await call.authorise(below=deep)
    found = await call.context.published.describe(
        name, sized=size is not None, deep=deep
    )
    body: dict[str, object] = _entity(found.repository)
    if found.size_bytes is not None:
        body |= {"size_bytes": found.size_bytes, "size_precision": "default"}
    if found.published_at is not None:
        body["last_published_at"] = show_time(found.published_at)
    return Response.json(200, body)


async def list_below(call: Call) -> Response:
    """``GET /gitlab/v1/repository-paths/<path>/repositories/list/``."""
    limit, last = call.limit(), call.request.parameter("last")
    name = await call.authorise()
    found = await call.context.published.list_below(name, last, limit + 1)
    headers = {}
    if len(found) > limit:
        last = found[limit - 1].path
        headers["Link"] = call.link({"last": last, "n": limit}, "next")
    return Response.json(200, [_entity(one) for one in found[:limit]], headers)


def _entity(repository: Repository) -> dict[str, object]:
    return {
        "name": repository.path.rpartition("/")[2],
        "path": repository.path,
        "created_at": show_time(repository.created_at),
    }
