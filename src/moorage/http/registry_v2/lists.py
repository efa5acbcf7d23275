"""Lists: tags, the catalog, referrers; and how they are cut into pages."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from moorage.domain.digest import Digest
from moorage.domain.errors import PageInvalidError
from moorage.domain.manifest import annotations_of
from moorage.domain.media_types import OCI_INDEX
from moorage.domain.scopes import PULL
from moorage.http.messages import Response
from moorage.http.registry_v2.call import Call
from moorage.store.manifests import Referrer

MAX_TAGS = 10_000
"""Tags in one answer, asked for or not; a ``Link`` leads to the rest."""

MAX_REPOSITORIES = 1_000
DEFAULT_REPOSITORIES = 100
MAX_REFERRERS = 200


async def tags(call: Call) -> Response:
    """``GET /v2/<name>/tags/list`` (end-8a, end-8b)."""
    await call.authorise(PULL)
    limit = _limit(call, MAX_TAGS, MAX_TAGS)
    after = call.request.parameter("last") or ""
    found = await call.context.pull.tags(call.name, after, limit + 1)
    body = {"name": call.name, "tags": found[:limit]}
    path = f"/v2/{call.name}/tags/list"
    return Response.json(200, body, _link(path, found, limit))


async def catalog(call: Call) -> Response:
    """``GET /v2/_catalog``, Docker's."""
    await call.authorise_catalog()
    limit = _limit(call, DEFAULT_REPOSITORIES, MAX_REPOSITORIES)
    after = call.request.parameter("last") or ""
    found = await call.context.pull.catalog(after, limit + 1)
    body = {"repositories": found[:limit]}
    return Response.json(200, body, _link("/v2/_catalog", found, limit))


async def referrers(call: Call) -> Response:
    """``GET /v2/<name>/referrers/<digest>`` (end-12a, end-12b)."""
    await call.authorise(PULL)
    subject = Digest.parse(call.argument)
    artifact_type = call.request.parameter("artifactType")
    after = call.request.parameter("last") or ""
    found = await call.context.pull.referrers(
        call.name, subject, artifact_type, after=after, limit=MAX_REFERRERS + 1
    )
    headers = {"Content-Type": OCI_INDEX}
    query = {}
    if artifact_type is not None:
        headers["OCI-Filters-Applied"] = "artifactType"
        query["artifactType"] = artifact_type
    if len(found) > MAX_REFERRERS:
        query["last"] = str(found[MAX_REFERRERS - 1].digest)
        path = f"/v2/{call.name}/referrers/{subject}"
        headers["Link"] = f'<{path}?{urlencode(query)}>; rel="next"'
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [_descriptor(referrer) for referrer in found[:MAX_REFERRERS]],
    }
    return Response.json(200, index, headers)


def _descriptor(referrer: Referrer) -> dict[str, object]:
    descriptor: dict[str, object] = {
        "mediaType": referrer.media_type,
        "digest": str(referrer.digest),
        "size": referrer.size_bytes,
    }
    if referrer.artifact_type is not None:
        descriptor["artifactType"] = referrer.artifact_type
    annotations = annotations_of(json.loads(referrer.content))
    if annotations:
        descriptor["annotations"] = annotations
    return descriptor


def _limit(call: Call, default: int, maximum: int) -> int:
    text = call.request.parameter("n")
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()):
        raise PageInvalidError(n=text[:50])
    return min(int(text[:9]), maximum)


def _link(path: str, found: list[str], limit: int) -> dict[str, str]:
    """Lead to the next page, where there is one: ``last`` before ``n``."""
    if len(found) <= limit or limit == 0:
        return {}
    query = urlencode({"last": found[limit - 1], "n": limit})
    return {"Link": f'<{path}?{query}>; rel="next"'}
