"""Manifests: ``/v2/<name>/manifests/<reference>``."""

from __future__ import annotations

from moorage.domain.digest import CANONICAL_ALGORITHM, Digest
from moorage.domain.errors import (
    DigestInvalidError,
    InvalidError,
    ManifestReferencesUnknownError,
    ManifestTooLargeError,
    ManifestUnknownError,
    TagInvalidError,
)
from moorage.domain.events import manifest_pulled
from moorage.domain.manifest import Manifest
from moorage.domain.names import Reference, TagName, parse_reference
from moorage.domain.scopes import DELETE, PULL, PUSH
from moorage.http.messages import Response
from moorage.http.registry_v2.call import Call
from moorage.http.registry_v2.etags import etag, is_fresh

MAX_TAGS = 100
"""Tags that one push by digest may set: the specification asks for at least ten."""


NO_MEDIA_TYPE = '299 - "the manifest has no mediaType field: some clients need it"'
"""Spec: distribution-spec 1.1, "Warnings"."""


async def get(call: Call) -> Response:
    """``GET`` and ``HEAD`` (end-3)."""
    principal = await call.authorise(PULL)
    reference = _stored(call.argument)
    pull = call.context.pull
    look = pull.check_manifest if call.request.method == "HEAD" else pull.manifest
    found = await look(call.name, reference)
    if call.request.method == "GET":
        call.context.uses.record(found, reference)
    headers = {
        "Content-Type": found.media_type,
        "Docker-Content-Digest": str(found.digest),
        "ETag": etag(found.digest),
    }
    if is_fresh(call.request, found.digest):
        return Response(304, headers)
    if call.context.notices.wanted:
        size_bytes = len(found.content)
        tag = None if isinstance(reference, Digest) else reference
        pulled = manifest_pulled(found.digest, found.media_type, size_bytes, tag)
        occasion = call.occasion(principal)
        call.context.notices.tell(found.repository_id, pulled, occasion)
    headers["Content-Length"] = str(len(found.content))
    return Response(200, headers, found.content)


def _stored(text: str) -> Reference:
    """Read the name of what should be there: nothing is, under what is no tag."""
    try:
        return parse_reference(text)
    except TagInvalidError as error:
        raise ManifestUnknownError(reference=text[:200]) from error


async def put(call: Call) -> Response:
    """``PUT`` (end-7a, end-7b)."""
    principal = await call.authorise(PULL, PUSH)
    reference = parse_reference(call.argument)
    tags = _tags(call, reference)
    algorithm = CANONICAL_ALGORITHM
    if isinstance(reference, Digest):
        algorithm = reference.algorithm
    manifest = Manifest.parse(
        await call.request.read_at_most(
            call.context.max_manifest_bytes, ManifestTooLargeError
        ),
        call.request.header("content-type") or "",
        algorithm,
    )
    if isinstance(reference, Digest) and reference != manifest.digest:
        raise DigestInvalidError(digest=str(reference))
    repository = await call.context.placement.find(call.name)
    if repository is None:
        await _check_place(call, manifest)
        repository = await call.context.placement.find_or_create(call.name, principal)
    await call.context.quotas.check(repository, manifest)
    await call.context.push.put_manifest(
        repository, manifest, tags, principal, call.occasion(principal)
    )
    headers = {
        "Location": f"/v2/{call.name}/manifests/{manifest.digest}",
        "Docker-Content-Digest": str(manifest.digest),
    }
    if manifest.subject is not None:
        headers["OCI-Subject"] = str(manifest.subject.digest)
    if isinstance(reference, Digest) and tags:
        headers["OCI-Tag"] = ", ".join(tags)
    if not manifest.declares_media_type:
        headers["Warning"] = NO_MEDIA_TYPE
    return Response(201, headers)


async def _check_place(call: Call, manifest: Manifest) -> None:
    """Make no repository for a manifest that names what a new one cannot hold."""
    needed = call.context.push.needed_blobs(manifest)
    if needed and await call.context.placement.is_new(call.name):
        digests = [str(digest) for digest in needed]
        raise ManifestReferencesUnknownError(digests=digests)


def _tags(call: Call, reference: Reference) -> list[TagName]:
    named = call.request.query.get("tag", [])
    if isinstance(reference, TagName):
        if named:
            raise InvalidError("a tag in the path and in the query")
        return [reference]
    if len(named) > MAX_TAGS:
        raise InvalidError("too many tags", limit=MAX_TAGS)
    return list(dict.fromkeys(TagName.parse(text) for text in named))


async def delete(call: Call) -> Response:
    """``DELETE`` (end-9): a tag alone, or a manifest and all its tags."""
    principal = await call.authorise(DELETE)
    reference = _stored(call.argument)
    deletion, occasion = call.context.deletion, call.occasion(principal)
    if isinstance(reference, Digest):
        await deletion.delete_manifest(call.name, reference, principal, occasion)
    else:
        await deletion.delete_tag(call.name, reference, principal, occasion)
    return Response(202)


async def delete_tag(call: Call) -> Response:
    """``DELETE /v2/<name>/tags/reference/<tag>``, GitLab's older form."""
    principal = await call.authorise(DELETE)
    tag = TagName.parse(call.argument)
    await call.context.deletion.delete_tag(
        call.name, tag, principal, call.occasion(principal)
    )
    return Response(202)
