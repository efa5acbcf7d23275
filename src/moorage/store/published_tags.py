"""Tags and images with what GitLab's own registry tells of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from moorage.domain.digest import Digest
from moorage.domain.manifest import Manifest
from moorage.domain.published_tags import Image, PublishedTag, Referring
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.times import from_us

_SQL = load("published_tags")


def list_tags(
    tx: Tx, repository_id: int, names: Iterable[str]
) -> Mapping[str, PublishedTag]:
    """Look tags up by name."""
    rows = tx.all(_SQL.list_tags, repository_id=repository_id, names=list(names))
    return {row["name"]: _tag(row) for row in rows}


def find_image(tx: Tx, repository_id: int, digest: Digest) -> Image | None:
    """Look an image up, with the images that it lists and that are there."""
    found = _images(tx, repository_id, [digest])
    if digest not in found:
        return None
    row, manifest = found[digest]
    listed = [child.digest for child in manifest.children]
    children = _images(tx, repository_id, listed) if listed else {}
    references = [
        _image(*children[each]) for each in dict.fromkeys(listed) if each in children
    ]
    return _image(row, manifest, references)


def list_referring(
    tx: Tx, repository_id: int, digests: Iterable[Digest]
) -> Mapping[str, list[Referring]]:
    """Return what is about each of these manifests."""
    wanted = [str(digest) for digest in digests]
    rows = tx.all(_SQL.list_referring, repository_id=repository_id, digests=wanted)
    found: dict[str, list[Referring]] = {digest: [] for digest in wanted}
    for row in rows:
        digest = Digest.parse(row["digest"])
        found[row["subject_digest"]].append(Referring(digest, row["artifact_type"]))
    return found


def _images(
    tx: Tx, repository_id: int, digests: Iterable[Digest]
) -> Mapping[Digest, tuple[Row, Manifest]]:
    rows = tx.all(
        _SQL.list_images,
        repository_id=repository_id,
        digests=[str(digest) for digest in digests],
    )
    found = {}
    for row in rows:
        digest = Digest.parse(row["digest"])
        manifest = Manifest.parse(
            bytes(row["content"]), row["media_type"], digest.algorithm
        )
        found[digest] = row, manifest
    return found


def _image(row: Row, manifest: Manifest, references: Iterable[Image] = ()) -> Image:
    return Image(
        references=tuple(references),
        config_media_type=manifest.config.media_type if manifest.config else None,
        **_common(row),
    )


def _tag(row: Row) -> PublishedTag:
    moved_at = from_us(row["moved_at_us"])
    first = row["first_at_us"]
    return PublishedTag(
        name=row["name"],
        moved_at=moved_at,
        created_at=moved_at if first is None else min(moved_at, from_us(first)),
        **_common(row),
    )


def _common(row: Row) -> dict[str, Any]:
    config = row["config_digest"]
    return {
        "digest": Digest.parse(row["digest"]),
        "media_type": row["media_type"],
        "size_bytes": row["size_bytes"],
        "config_digest": None if config is None else Digest.parse(config),
        "platforms": tuple(json.loads(row["platforms"])),
    }
