"""Manifests, blobs and what they refer to, made as rows: valid by default."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.rows import NOW
from moorage.domain.digest import Digest
from moorage.domain.media_types import OCI_INDEX, OCI_MANIFEST
from moorage.ports.blobs import BlobKey
from moorage.ports.query import Query
from moorage.store.times import to_us, to_us_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from moorage.domain.repositories import Repository
    from moorage.ports.database import Tx

_numbers = itertools.count(1)

_BLOB = Query(
    "graph.blob",
    """INSERT INTO blob (digest, generation, size_bytes, lease_until_us, created_at_us)
       VALUES (:digest, :generation, :size_bytes, :lease_until_us, :now_us)
       RETURNING id""",
)
_LINK = Query(
    "graph.link",
    """INSERT INTO link (repository_id, blob_id, lease_until_us, created_at_us)
       VALUES (:repository_id, :blob_id, :lease_until_us, :now_us)
           ON CONFLICT (repository_id, blob_id) DO NOTHING""",
)
_MANIFEST = Query(
    "graph.manifest",
    """INSERT INTO manifest (repository_id, digest, media_type, size_bytes,
                             subject_digest, total_bytes, platforms, created_at_us,
                             pushed_at_us, lease_until_us)
       VALUES (:repository_id, :digest, :media_type, 500, :subject_digest, :total_bytes,
               '[]', :now_us, :now_us, :lease_until_us)
       RETURNING id""",
)
_MANIFEST_BLOB = Query(
    "graph.manifest_blob",
    """INSERT INTO manifest_blob (manifest_id, repository_id, blob_id, role)
       VALUES (:manifest_id, :repository_id, :blob_id, 'layer')""",
)
_CHILD = Query(
    "graph.child",
    """INSERT INTO manifest_child (manifest_id, repository_id, digest)
       VALUES (:manifest_id, :repository_id, :digest)""",
)


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob's row."""

    id: int
    key: BlobKey
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Node:
    """A manifest's row."""

    id: int
    digest: Digest


def a_blob(tx: Tx, size_bytes: int = 100, lease_until: datetime | None = None) -> Blob:
    """Make a blob unlike any other, in no repository."""
    number = next(_numbers)
    key = BlobKey(Digest.of(f"blob {number}".encode()), f"generation{number}")
    row = tx.one(
        _BLOB,
        digest=str(key.digest),
        generation=key.generation,
        size_bytes=size_bytes,
        lease_until_us=to_us_or_none(lease_until),
        now_us=to_us(NOW),
    )
    assert row is not None
    return Blob(row["id"], key, size_bytes)


def link(
    tx: Tx, repository: Repository, blob: Blob, lease_until: datetime | None = None
) -> None:
    tx.run(
        _LINK,
        repository_id=repository.id,
        blob_id=blob.id,
        lease_until_us=to_us_or_none(lease_until),
        now_us=to_us(NOW),
    )


def a_manifest(
    tx: Tx,
    repository: Repository,
    *,
    blobs: Sequence[Blob] = (),
    children: Sequence[Node] = (),
    subject: Node | None = None,
    lease_until: datetime | None = None,
) -> Node:
    """Make a manifest unlike any other; its repository holds its blobs."""
    digest = Digest.of(f"node {next(_numbers)}".encode())
    row = tx.one(
        _MANIFEST,
        repository_id=repository.id,
        digest=str(digest),
        media_type=OCI_INDEX if children else OCI_MANIFEST,
        subject_digest=None if subject is None else str(subject.digest),
        total_bytes=sum(blob.size_bytes for blob in blobs),
        now_us=to_us(NOW),
        lease_until_us=to_us_or_none(lease_until),
    )
    assert row is not None
    ids = {"manifest_id": row["id"], "repository_id": repository.id}
    for blob in blobs:
        link(tx, repository, blob)
        tx.run(_MANIFEST_BLOB, blob_id=blob.id, **ids)
    for child in children:
        tx.run(_CHILD, digest=str(child.digest), **ids)
    return Node(row["id"], digest)
