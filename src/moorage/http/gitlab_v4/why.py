"""Why something is still there."""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response

from moorage.domain.digest import Digest
from moorage.domain.errors import DigestInvalidError, ParameterError
from moorage.domain.reasons import Answer, Chain, Link
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.images import readable, repository_of
from moorage.http.gitlab_v4.registry_entities import Entity, row_time
from moorage.http.gitlab_v4.routing import Route

_WHY = "/projects/{id}/registry/repositories/{repository_id}/manifests/{digest}/why"


async def why(call: Call) -> Response:
    """``GET R/manifests/:digest/why``, for manifests and blobs."""
    seen = await readable(call)
    try:
        digest = Digest.parse(call.text("digest"))
    except DigestInvalidError:
        raise ParameterError("digest is invalid") from None
    repository = await repository_of(call, seen)
    explained, collectable_at = await call.context.why.explain(repository.id, digest)
    return answer(why_entity(explained, collectable_at))


def why_entity(explained: Answer, collectable_at: datetime | None) -> Entity:
    """Show what keeps a digest."""
    return {
        "digest": str(explained.digest),
        "kind": explained.kind,
        "size": explained.size_bytes,
        "deleted_at": row_time(explained.deleted_at),
        "collectable_at": row_time(collectable_at),
        "chains": [_chain_entity(chain) for chain in explained.chains],
        "complete": explained.complete,
    }


def _chain_entity(chain: Chain) -> Entity:
    keeper = chain.keeper
    return {
        "kept_by": keeper.kind,
        "name": keeper.name,
        "until": row_time(keeper.until),
        "path": [_link_entity(link) for link in chain.links],
    }


def _link_entity(link: Link) -> Entity:
    return {
        "kind": link.kind,
        "digest": str(link.digest),
        "relation": link.relation,
    }


ROUTES = (Route("GET", _WHY, why),)
