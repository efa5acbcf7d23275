"""Why something is still there."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from starlette.responses import Response

from moorage.domain.digest import Digest
from moorage.domain.errors import DigestInvalidError, ParameterError
from moorage.domain.reasons import Answer, Chain, KeeperKind, Kind, Link, Relation
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Bytes, DigestText, Time
from moorage.http.gitlab_v4.images import readable, repository_of
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.registry_entities import row_time
from moorage.http.gitlab_v4.routing import Route

_WHY = "/projects/{id}/registry/repositories/{repository_id}/manifests/{digest}/why"


class LinkEntity(TypedDict):
    """One step down, from what keeps something to what is kept."""

    kind: Kind
    digest: DigestText
    relation: Relation | None


class ChainEntity(TypedDict):
    """What keeps a digest, and the way from there down to it."""

    kept_by: KeeperKind
    name: str | None
    until: Time | None
    path: list[LinkEntity]


class WhyEntity(TypedDict):
    """Why a digest is still there, and when it could go."""

    digest: DigestText
    kind: Kind
    size: Bytes
    deleted_at: Time | None
    collectable_at: Time | None
    chains: list[ChainEntity]
    complete: bool


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


def why_entity(explained: Answer, collectable_at: datetime | None) -> WhyEntity:
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


def _chain_entity(chain: Chain) -> ChainEntity:
    keeper = chain.keeper
    return {
        "kept_by": keeper.kind,
        "name": keeper.name,
        "until": row_time(keeper.until),
        "path": [_link_entity(link) for link in chain.links],
    }


def _link_entity(link: Link) -> LinkEntity:
    return {
        "kind": link.kind,
        "digest": str(link.digest),
        "relation": link.relation,
    }


ROUTES = (
    Route(
        "GET",
        _WHY,
        why,
        Operation("Tell why a digest is still there", {200: WhyEntity}, anonymous=True),
    ),
)
