"""Made-up content: blobs that nobody has seen before, and manifests over them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest_of(data: bytes | bytearray) -> str:
    """Name bytes by their SHA-256."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class FreshBlob:
    """A large blob that becomes another one at each turn, without new memory.

    Its bytes are made when they are first needed.
    """

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes

    @cached_property
    def data(self) -> bytearray:
        """The bytes, which ``renew`` changes in place."""
        data, seed = bytearray(self.size_bytes), os.urandom(1 << 20)
        for start in range(0, self.size_bytes, len(seed)):
            end = min(start + len(seed), self.size_bytes)
            data[start:end] = seed[: end - start]
        return data

    @cached_property
    def digest(self) -> str:
        """The name of the bytes as they are now."""
        return digest_of(self.data)

    def renew(self) -> None:
        """Become a blob that no server has yet."""
        self.data[:16] = os.urandom(16)
        self.digest = digest_of(self.data)


@dataclass(frozen=True, slots=True)
class Image:
    """A whole image: configuration and layers by digest, and the manifest."""

    blobs: dict[str, bytes]
    manifest: bytes

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return digest_of(self.manifest)

    @classmethod
    def build(cls, layers: int, layer_bytes: int) -> Image:
        """Make an image of random layers."""
        contents = [os.urandom(layer_bytes) for _ in range(layers)]
        diff_ids = [digest_of(content) for content in contents]
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Labels": {"serial": os.urandom(8).hex()}},
                "rootfs": {"type": "layers", "diff_ids": diff_ids},
            }
        ).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(_CONFIG_TYPE, config),
            "layers": [_descriptor(_LAYER_TYPE, content) for content in contents],
        }
        blobs = {digest_of(content): content for content in [config, *contents]}
        return cls(blobs, json.dumps(manifest, indent=2).encode())

    def with_label(self, serial: str) -> Image:
        """Make another image of the same layers."""
        document = json.loads(self.manifest)
        config = json.loads(self.blobs[document["config"]["digest"]])
        config["config"]["Labels"]["serial"] = serial
        content = json.dumps(config).encode()
        document["config"] = _descriptor(_CONFIG_TYPE, content)
        layers = {x["digest"]: self.blobs[x["digest"]] for x in document["layers"]}
        blobs = {**layers, digest_of(content): content}
        return Image(blobs, json.dumps(document, indent=2).encode())


def _descriptor(media_type: str, content: bytes) -> dict[str, str | int]:
    return {
        "mediaType": media_type,
        "digest": digest_of(content),
        "size": len(content),
    }
