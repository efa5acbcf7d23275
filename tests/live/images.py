"""Images made on the spot: real tar layers, configurations with dates, indexes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
ALL_MANIFESTS = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)


def digest_of(content: bytes) -> str:
    """Name bytes by their SHA-256."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def descriptor(content: bytes, media_type: str, **more: object) -> dict[str, Any]:
    """Describe bytes as a manifest does."""
    return {
        "mediaType": media_type,
        "digest": digest_of(content),
        "size": len(content),
        **more,
    }


def as_json(value: object) -> bytes:
    """Spell a value as compact JSON, always the same way."""
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Image:
    """A manifest with the blobs that it names, the configuration first."""

    manifest: bytes
    blobs: tuple[bytes, ...]
    architecture: str = "amd64"
    media_type: str = OCI_MANIFEST

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return digest_of(self.manifest)


@dataclass(frozen=True, slots=True)
class Index:
    """A multi-platform image: an index with the images that it names."""

    manifest: bytes
    images: tuple[Image, ...]
    media_type: str = OCI_INDEX

    @property
    def digest(self) -> str:
        """The digest of the index."""
        return digest_of(self.manifest)


def a_layer(text: str, *, padding: bytes = b"") -> bytes:
    """Make a compressed tar archive of one file, the same for the same content."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        content = text.encode() + padding
        entry = tarfile.TarInfo("message.txt")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), compresslevel=1, mtime=0)


def an_image(
    text: str = "hello",
    *,
    layers: Sequence[bytes] | None = None,
    created: datetime | None = None,
    architecture: str = "amd64",
) -> Image:
    """Make an image that differs from others by its text, date or layers."""
    layers = [a_layer(text)] if layers is None else layers
    config = as_json(
        {
            **({"created": created.isoformat()} if created else {}),
            "architecture": architecture,
            "os": "linux",
            "config": {"Labels": {"text": text}},
            "rootfs": {"type": "layers", "diff_ids": [_diff_id(one) for one in layers]},
        }
    )
    manifest = as_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(config, OCI_CONFIG),
            "layers": [descriptor(layer, OCI_LAYER) for layer in layers],
        }
    )
    return Image(manifest, (config, *layers), architecture)


def an_index(*images: Image) -> Index:
    """Make an index of images for several platforms."""
    entries = [
        descriptor(
            image.manifest,
            image.media_type,
            platform={"architecture": image.architecture, "os": "linux"},
        )
        for image in images
    ]
    content = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return Index(as_json(content), images)


def write_oci_layout(folder: Path, name: str, index: Index) -> None:
    """Write an index and all below it as an OCI layout with one named entry."""
    contents = [index.manifest]
    for image in index.images:
        contents += [image.manifest, *image.blobs]
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for content in contents:
        (blobs / hashlib.sha256(content).hexdigest()).write_bytes(content)
    (folder / "oci-layout").write_bytes(as_json({"imageLayoutVersion": "1.0.0"}))
    entry = descriptor(
        index.manifest,
        index.media_type,
        annotations={"org.opencontainers.image.ref.name": name},
    )
    (folder / "index.json").write_bytes(
        as_json({"schemaVersion": 2, "manifests": [entry]})
    )


def _diff_id(layer: bytes) -> str:
    try:
        return digest_of(gzip.decompress(layer))
    except gzip.BadGzipFile:
        return digest_of(layer)
