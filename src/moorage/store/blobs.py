"""Stored blobs, and the links that let repositories serve them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.digest import Digest
from moorage.domain.repositories import StoredBlob
from moorage.ports.blobs import BlobKey
from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store import usage_sums
from moorage.store.times import from_us_or_none, to_us

_SQL = load("blobs")


@dataclass(frozen=True, slots=True)
class LinkedBlob:
    """A blob as one repository holds it."""

    blob: StoredBlob
    repository_id: int
    lease_until: datetime | None


@dataclass(frozen=True, slots=True)
class Holder:
    """A repository that holds some blob."""

    path: str
    project_id: int


def find(tx: Tx, path: str, digest: Digest) -> LinkedBlob | None:
    """Look up a blob that a repository may serve."""
    row = tx.one(_SQL.find, path=path, digest=str(digest))
    if row is None:
        return None
    blob = StoredBlob(row["id"], digest, row["generation"], row["size_bytes"])
    return LinkedBlob(
        blob, row["repository_id"], from_us_or_none(row["lease_until_us"])
    )


def put(
    tx: Tx, key: BlobKey, size_bytes: int, *, lease_until: datetime, now: datetime
) -> tuple[int, bool]:
    """Record a stored object; return the blob's id and whether it is this object.

    It is not, when the same bytes are there already: then nothing names ``key``.
    """
    row = tx.one(
        _SQL.put,
        digest=str(key.digest),
        generation=key.generation,
        size_bytes=size_bytes,
        lease_until_us=to_us(lease_until),
        now_us=to_us(now),
    )
    if row is None:
        raise AssertionError
    return row["id"], row["generation"] == key.generation


def leave_to_collection(
    tx: Tx, key: BlobKey, size_bytes: int, *, now: datetime
) -> None:
    """Have a stored object removed that is no blob."""
    tx.run(
        _SQL.leave_to_collection,
        digest=str(key.digest),
        generation=key.generation,
        size_bytes=size_bytes,
        now_us=to_us(now),
    )


def is_stored(tx: Tx, digest: Digest) -> bool:
    """Whether some repository may be given these bytes as they are."""
    return tx.one(_SQL.is_stored, digest=str(digest)) is not None


def renew(tx: Tx, digest: Digest, *, lease_until: datetime) -> int | None:
    """Renew a blob's lease; return its id, or ``None`` when there is no such blob."""
    row = tx.one(_SQL.renew, digest=str(digest), lease_until_us=to_us(lease_until))
    return None if row is None else row["id"]


def link(
    tx: Tx, repository_id: int, blob_id: int, *, lease_until: datetime, now: datetime
) -> None:
    """Let a repository serve a blob."""
    place = {"repository_id": repository_id, "blob_id": blob_id}
    lease_until_us = to_us(lease_until)
    while True:
        made = {**place, "lease_until_us": lease_until_us, "now_us": to_us(now)}
        if tx.run(_SQL.link, **made):
            usage_sums.note_link(tx, repository_id, blob_id)
            return
        if tx.run(_SQL.relink, **place, lease_until_us=lease_until_us):
            return


def renew_link(
    tx: Tx, repository_id: int, blob_id: int, *, lease_until: datetime
) -> bool:
    """Renew a link's lease, never shorten it; return whether the link is there."""
    renewed = tx.run(
        _SQL.renew_link,
        repository_id=repository_id,
        blob_id=blob_id,
        lease_until_us=to_us(lease_until),
    )
    return renewed == 1


def renew_links(
    tx: Tx, repository_id: int, digests: Sequence[Digest], *, lease_until: datetime
) -> set[Digest]:
    """Renew the leases of many links; return which of the digests are there."""
    if not digests:
        return set()
    renewed = tx.all(
        _SQL.renew_links,
        repository_id=repository_id,
        digests=[str(digest) for digest in digests],
        lease_until_us=to_us(lease_until),
    )
    return {Digest.stored(row["digest"]) for row in renewed}


def unlink(tx: Tx, repository_id: int, blob_id: int, *, now: datetime) -> bool:
    """Stop a repository from serving a blob; return whether it did before."""
    changed = tx.run(
        _SQL.unlink, repository_id=repository_id, blob_id=blob_id, now_us=to_us(now)
    )
    return changed == 1


def find_user(tx: Tx, repository_id: int, blob_id: int) -> Digest | None:
    """Return a manifest of the repository that uses the blob, if one does."""
    row = tx.one(_SQL.users, repository_id=repository_id, blob_id=blob_id)
    return None if row is None else Digest.parse(row["digest"])


def list_holders(tx: Tx, digest: Digest, limit: int) -> list[Holder]:
    """Return some repositories that hold a blob."""
    rows = tx.all(_SQL.holders, digest=str(digest), limit=limit)
    return [Holder(row["path"], row["project_id"]) for row in rows]


def is_recorded(tx: Tx, key: BlobKey) -> bool:
    """Whether a row, living or not, names the object."""
    row = tx.one(
        _SQL.generation_exists, digest=str(key.digest), generation=key.generation
    )
    return row is not None
