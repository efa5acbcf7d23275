"""Manifests, their bytes, and what they refer to."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.digest import Digest
from moorage.domain.manifest import Manifest
from moorage.domain.names import Reference
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.times import from_us, from_us_or_none, to_us

_SQL = load("manifests")


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as a repository serves it."""

    id: int
    repository_id: int
    digest: Digest
    media_type: str
    content: bytes
    lease_until: datetime | None


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """What a tag copies from its manifest."""

    id: int
    total_bytes: int
    created_at: datetime
    pushed_at: datetime


@dataclass(frozen=True, slots=True)
class ChildFacts:
    """What an index takes from a manifest that it lists."""

    digest: Digest
    total_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Referrer:
    """A manifest that names another one as its subject."""

    digest: Digest
    media_type: str
    size_bytes: int
    artifact_type: str | None
    content: bytes


def find(tx: Tx, path: str, reference: Reference) -> StoredManifest | None:
    """Look up a manifest by tag or digest."""
    if isinstance(reference, Digest):
        row = tx.one(_SQL.find_by_digest, path=path, digest=str(reference))
    else:
        row = tx.one(_SQL.find_by_tag, path=path, tag=reference)
    return None if row is None else _stored(row)


def _stored(row: Row) -> StoredManifest:
    return StoredManifest(
        id=row["id"],
        repository_id=row["repository_id"],
        digest=Digest.stored(row["digest"]),
        media_type=row["media_type"],
        content=row["content"],
        lease_until=from_us_or_none(row["lease_until_us"]),
    )


def put(
    tx: Tx,
    repository_id: int,
    manifest: Manifest,
    *,
    missing: Collection[Digest],
    platforms: Sequence[str],
    total_bytes: int,
    created_at: datetime,
    lease_until: datetime,
    now: datetime,
) -> ManifestFacts:
    """Store a manifest and its references; one that is there is renewed.

    The blobs and children that it names must have been renewed in this transaction;
    those ``missing`` are in use once they come.
    """
    row = tx.one(
        _SQL.put,
        repository_id=repository_id,
        digest=str(manifest.digest),
        media_type=manifest.media_type,
        size_bytes=len(manifest.content),
        config_digest=str(manifest.config.digest) if manifest.config else None,
        subject_digest=str(manifest.subject.digest) if manifest.subject else None,
        artifact_type=manifest.shown_artifact_type,
        total_bytes=total_bytes,
        platforms=json.dumps(platforms),
        created_at_us=to_us(created_at),
        lease_until_us=to_us(lease_until),
        now_us=to_us(now),
    )
    if row is None:
        raise AssertionError
    manifest_id: int = row["id"]
    tx.run(_SQL.put_payload, manifest_id=manifest_id, content=manifest.content)
    _put_references(tx, repository_id, manifest_id, manifest, missing)
    return ManifestFacts(
        id=manifest_id,
        total_bytes=row["total_bytes"],
        created_at=from_us(row["created_at_us"]),
        pushed_at=from_us(row["pushed_at_us"]),
    )


def show(tx: Tx, manifest_ids: Iterable[int]) -> None:
    """Take back the deletion of manifests, and of all that they list."""
    tx.run(_SQL.show, ids=sorted(manifest_ids))


def show_one(tx: Tx, repository_id: int, digest: Digest) -> ManifestFacts | None:
    """Lock a manifest and take back its deletion; ``None`` once it is collected."""
    row = tx.one(_SQL.lock_facts, repository_id=repository_id, digest=str(digest))
    if row is None:
        return None
    show(tx, [row["id"]])
    return ManifestFacts(
        id=row["id"],
        total_bytes=row["total_bytes"],
        created_at=from_us(row["created_at_us"]),
        pushed_at=from_us(row["pushed_at_us"]),
    )


def _put_references(
    tx: Tx,
    repository_id: int,
    manifest_id: int,
    manifest: Manifest,
    missing: Collection[Digest],
) -> None:
    roles = [(layer.digest, "layer") for layer in manifest.layers]
    if manifest.config:
        roles.append((manifest.config.digest, "config"))
    named = sorted({(str(digest), role, digest in missing) for digest, role in roles})
    for query, is_missing in ((_SQL.put_blobs, False), (_SQL.await_blobs, True)):
        rows = [(digest, role) for digest, role, late in named if late is is_missing]
        if rows:
            tx.run(
                query,
                manifest_id=manifest_id,
                repository_id=repository_id,
                named=rows,
            )
    if manifest.children:
        tx.run(
            _SQL.put_children,
            manifest_id=manifest_id,
            repository_id=repository_id,
            digests=[str(child.digest) for child in manifest.children],
        )


def renew_children(
    tx: Tx, repository_id: int, digests: Sequence[Digest], *, lease_until: datetime
) -> list[ChildFacts]:
    """Renew the leases of many manifests; return those that are there."""
    if not digests:
        return []
    rows = tx.all(
        _SQL.renew,
        repository_id=repository_id,
        digests=[str(digest) for digest in digests],
        lease_until_us=to_us(lease_until),
    )
    return [
        ChildFacts(
            Digest.parse(row["digest"]),
            row["total_bytes"],
            from_us(row["created_at_us"]),
        )
        for row in rows
    ]


def renew(tx: Tx, manifest_id: int, *, lease_until: datetime) -> bool:
    """Renew a manifest's lease, never shorten it; return whether it is there."""
    renewed = tx.run(_SQL.renew_one, id=manifest_id, lease_until_us=to_us(lease_until))
    return renewed == 1


def find_parent(tx: Tx, repository_id: int, digest: Digest) -> Digest | None:
    """Return an index of the repository that lists the manifest, if one does."""
    row = tx.one(_SQL.parent, repository_id=repository_id, digest=str(digest))
    return None if row is None else Digest.parse(row["digest"])


def delete(tx: Tx, manifest_id: int, *, now: datetime, held_until: datetime) -> bool:
    """Hide a manifest; return whether it was there. It is kept until ``held_until``."""
    changed = tx.run(
        _SQL.delete,
        id=manifest_id,
        now_us=to_us(now),
        held_until_us=to_us(held_until),
    )
    return changed == 1


def list_referrers(
    tx: Tx,
    path: str,
    subject: Digest,
    artifact_type: str | None,
    *,
    after: str,
    limit: int,
) -> list[Referrer]:
    """Return the manifests about a subject, in the order of their digests."""
    rows = tx.all(
        _SQL.referrers,
        path=path,
        subject=str(subject),
        artifact_type=artifact_type,
        after=after,
        limit=limit,
    )
    return [
        Referrer(
            Digest.parse(row["digest"]),
            row["media_type"],
            row["size_bytes"],
            row["artifact_type"],
            row["content"],
        )
        for row in rows
    ]


def keepers(tx: Tx, manifest_ids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield what keeps manifests, one step up, each beside what it keeps."""
    for row in tx.all(_SQL.keepers, ids=sorted(manifest_ids)):
        yield row["keeper"], row["kept"]
