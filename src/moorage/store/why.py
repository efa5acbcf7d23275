"""What keeps a digest in a repository: the steps of a walk upwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.digest import Digest
from moorage.domain.media_types import INDEXES
from moorage.domain.reasons import Keeper, KeeperKind, Kind, Relation
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.times import from_us_or_none, to_us

_SQL = load("why")


@dataclass(frozen=True, slots=True)
class Found:
    """A manifest or blob of a repository; ``lease_until`` may be past."""

    id: int
    kind: Kind
    digest: Digest
    lease_until: datetime | None
    size_bytes: int = 0
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A manifest, and how it keeps one that was found before."""

    above: Found
    relation: Relation
    below_id: int


def find_manifest(tx: Tx, repository_id: int, digest: Digest) -> Found | None:
    """Look up a manifest, deleted or not."""
    row = tx.one(_SQL.manifest, repository_id=repository_id, digest=str(digest))
    if row is None:
        return None
    return _manifest(row, row["size_bytes"], from_us_or_none(row["deleted_at_us"]))


def find_blob(tx: Tx, repository_id: int, digest: Digest) -> Found | None:
    """Look up a blob that a repository holds, hidden or not."""
    row = tx.one(_SQL.blob, repository_id=repository_id, digest=str(digest))
    if row is None:
        return None
    leases = [row["lease_until_us"], row["blob_lease_us"]]
    known = [lease for lease in leases if lease is not None]
    return Found(
        id=row["id"],
        kind=Kind.BLOB,
        digest=digest,
        lease_until=from_us_or_none(max(known, default=None)),
        size_bytes=row["size_bytes"],
        deleted_at=from_us_or_none(row["deleted_at_us"]),
    )


def _manifest(
    row: Row, size_bytes: int = 0, deleted_at: datetime | None = None
) -> Found:
    return Found(
        id=row["id"],
        kind=Kind.INDEX if row["media_type"] in INDEXES else Kind.MANIFEST,
        digest=Digest.parse(row["digest"]),
        lease_until=from_us_or_none(row["lease_until_us"]),
        size_bytes=size_bytes,
        deleted_at=deleted_at,
    )


def list_users(tx: Tx, repository_id: int, blob_id: int, limit: int) -> list[Step]:
    """Return manifests of the repository that use a blob."""
    rows = tx.all(_SQL.users, repository_id=repository_id, blob_id=blob_id, limit=limit)
    return [_step(row) for row in rows]


def list_indexes(tx: Tx, manifest_ids: Sequence[int], limit: int) -> list[Step]:
    """Return indexes that list some of the manifests."""
    rows = tx.all(_SQL.indexes, ids=list(manifest_ids), limit=limit)
    return [_step(row) for row in rows]


def list_subjects(tx: Tx, manifest_ids: Sequence[int], limit: int) -> list[Step]:
    """Return the manifests that some of the manifests are about."""
    rows = tx.all(_SQL.subjects, ids=list(manifest_ids), limit=limit)
    return [_step(row) for row in rows]


def _step(row: Row) -> Step:
    return Step(_manifest(row), Relation(row["relation"]), row["below_id"])


def list_tags(
    tx: Tx, manifest_ids: Sequence[int], limit: int
) -> list[tuple[int, Keeper]]:
    """Return tags of manifests, each with the manifest's id."""
    rows = tx.all(_SQL.tags, ids=list(manifest_ids), limit=limit)
    return [(row["manifest_id"], Keeper(KeeperKind.TAG, row["name"])) for row in rows]


def list_holds(
    tx: Tx, manifest_ids: Sequence[int], limit: int, *, now: datetime
) -> list[tuple[int, Keeper]]:
    """Return holds on manifests, each with the manifest's id."""
    rows = tx.all(_SQL.holds, ids=list(manifest_ids), limit=limit, now_us=to_us(now))
    return [(row["manifest_id"], _hold(row)) for row in rows]


def _hold(row: Row) -> Keeper:
    until = from_us_or_none(row["expires_at_us"])
    return Keeper(KeeperKind.HOLD, row["reason"], until)


def list_uploads(
    tx: Tx, repository_id: int, digest: Digest, limit: int
) -> list[Keeper]:
    """Return upload sessions that are about to end with these bytes."""
    rows = tx.all(
        _SQL.uploads, repository_id=repository_id, digest=str(digest), limit=limit
    )
    return [Keeper(KeeperKind.UPLOAD, row["id"]) for row in rows]


def count_elsewhere(tx: Tx, repository_id: int, digest: Digest) -> int:
    """Count the other repositories that hold a blob."""
    row = tx.one(_SQL.count_elsewhere, repository_id=repository_id, digest=str(digest))
    return row["total"] if row else 0
