"""Manifests: from the bytes that were pushed to what they say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from moorage.domain.digest import CANONICAL_ALGORITHM, Digest
from moorage.domain.errors import DigestInvalidError, ManifestInvalidError
from moorage.domain.media_types import (
    DOCKER_SCHEMA_1,
    IMAGE_CONFIGS,
    INDEXES,
    NON_DISTRIBUTABLE_LAYERS,
    SINGLE_MANIFESTS,
)

MAX_SIZE_BYTES = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a manifest says about one piece of content."""

    media_type: str
    digest: Digest
    size_bytes: int
    foreign: bool = False
    """The content lies elsewhere: the registry need not hold it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or an index, its bytes and what they name."""

    digest: Digest
    media_type: str
    content: bytes
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    children: tuple[Descriptor, ...]
    subject: Descriptor | None
    artifact_type: str | None
    annotations: Mapping[str, str]
    platforms: tuple[str, ...]
    declares_media_type: bool = True
    """Whether its own bytes say what it is."""

    @classmethod
    def parse(
        cls,
        content: bytes,
        content_type: str,
        algorithm: str = CANONICAL_ALGORITHM,
    ) -> Manifest:
        """Read pushed bytes.

        Parameters of ``content_type`` are ignored; when it is empty, the body's own
        ``mediaType`` decides.

        Raises:
            ManifestInvalidError: Not JSON, not of a known manifest type, or the type
                in the header and the one in the body disagree.

        Spec: image-spec 1.1, manifest.md and image-index.md.
        """
        body = _object(_load(content), "manifest")
        media_type = _media_type(body, content_type.partition(";")[0].strip().lower())
        is_index = media_type in INDEXES
        config = _optional_descriptor(body, "config")
        if not is_index and config is None:
            raise ManifestInvalidError("manifest has no config")
        return cls(
            digest=Digest.of(content, algorithm),
            media_type=media_type,
            content=content,
            config=None if is_index else config,
            layers=() if is_index else _descriptors(body, "layers"),
            children=_descriptors(body, "manifests") if is_index else (),
            subject=_optional_descriptor(body, "subject"),
            artifact_type=_text(body, "artifactType"),
            annotations=annotations_of(body),
            platforms=_platforms(body) if is_index else (),
            declares_media_type=bool(body.get("mediaType")),
        )

    @property
    def is_index(self) -> bool:
        """Whether it lists other manifests."""
        return self.media_type in INDEXES

    @property
    def has_image_config(self) -> bool:
        """Whether its configuration describes a container image."""
        return self.config is not None and self.config.media_type in IMAGE_CONFIGS

    @property
    def shown_artifact_type(self) -> str | None:
        """The type by which the referrers API lists and filters it.

        Spec: distribution-spec 1.1, "Listing Referrers".
        """
        if self.artifact_type is not None or self.config is None:
            return self.artifact_type
        return self.config.media_type or None

    @property
    def layer_bytes(self) -> int:
        """The layer sizes as listed, the configuration not counted."""
        return sum(layer.size_bytes for layer in self.layers)

    @property
    def named_blobs(self) -> tuple[Digest, ...]:
        """The blobs that it is made of, in order, each once."""
        return tuple(dict.fromkeys(d.digest for d in self._parts))

    @property
    def needed_blobs(self) -> tuple[Digest, ...]:
        """Those of them that a repository must hold."""
        return tuple(dict.fromkeys(d.digest for d in self._parts if not d.foreign))

    @property
    def _parts(self) -> tuple[Descriptor, ...]:
        return (self.config, *self.layers) if self.config else self.layers


def _load(content: bytes) -> object:
    try:
        return json.loads(content.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ManifestInvalidError("manifest is not JSON") from error


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ManifestInvalidError(f"{what} is not an object")
    return value


def _media_type(body: Mapping[str, Any], content_type: str) -> str:
    own = _text(body, "mediaType")
    if content_type in DOCKER_SCHEMA_1 or body.get("schemaVersion") == 1:
        raise ManifestInvalidError(
            "Docker's manifest schema 1 is not supported: push schema 2 or OCI"
        )
    if content_type in {"", "application/json"} and own is not None:
        content_type = own
    if own is not None and own != content_type:
        raise ManifestInvalidError(
            "mediaType differs from Content-Type",
            media_type=own[:200],
            content_type=content_type[:200],
        )
    if content_type not in SINGLE_MANIFESTS | INDEXES:
        raise ManifestInvalidError(
            "unsupported manifest media type", media_type=content_type[:200]
        )
    if body.get("schemaVersion") != 2:  # noqa: PLR2004 (the only version there is)
        raise ManifestInvalidError("schemaVersion is not 2")
    return content_type


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not _is_text(value):
        raise ManifestInvalidError(f"{name} is not a string")
    return value or None


def _is_text(value: object) -> bool:
    """Whether it is text that can be stored and sent: JSON has more than that."""
    if not isinstance(value, str) or "\0" in value:
        return False
    if value.isascii():
        return True
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _optional_descriptor(body: Mapping[str, Any], name: str) -> Descriptor | None:
    value = body.get(name)
    return None if value is None else _descriptor(value, name)


def _descriptors(body: Mapping[str, Any], name: str) -> tuple[Descriptor, ...]:
    values = body.get(name)
    if values is None:
        values = []
    if not isinstance(values, list):
        raise ManifestInvalidError(f"{name} is not an array")
    return tuple(_descriptor(value, name) for value in values)


def _descriptor(value: object, what: str) -> Descriptor:
    body = _object(value, f"{what} descriptor")
    digest, size = body.get("digest"), body.get("size")
    if not isinstance(digest, str):
        raise ManifestInvalidError(f"{what} descriptor has no digest")
    if isinstance(size, bool) or not isinstance(size, int):
        raise ManifestInvalidError(f"{what} descriptor has no size")
    if not 0 <= size <= MAX_SIZE_BYTES:
        raise ManifestInvalidError(f"{what} descriptor has an impossible size")
    media_type = _text(body, "mediaType") or ""
    try:
        parsed = Digest.parse(digest)
    except DigestInvalidError as error:
        raise ManifestInvalidError(
            f"{what} descriptor has a malformed digest", digest=digest[:200]
        ) from error
    foreign = media_type in NON_DISTRIBUTABLE_LAYERS or bool(body.get("urls"))
    return Descriptor(media_type, parsed, size, foreign)


def annotations_of(body: Mapping[str, Any]) -> Mapping[str, str]:
    """Return a manifest's own annotations.

    Raises:
        ManifestInvalidError: They are not a map from text to text.
    """
    annotations = body.get("annotations")
    if annotations is None:
        return {}
    if not isinstance(annotations, dict) or not all(
        _is_text(key) and _is_text(value) for key, value in annotations.items()
    ):
        raise ManifestInvalidError("annotations is not a map of strings")
    return annotations


def _platforms(body: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        platform_text(child["platform"])
        for child in body.get("manifests") or []
        if isinstance(child.get("platform"), dict)
    )


def platform_text(platform: Mapping[str, Any]) -> str:
    """Write a platform the way command lines do: ``linux/arm64/v8``."""
    parts = (platform.get(name) for name in ("os", "architecture", "variant"))
    return "/".join(part for part in parts if isinstance(part, str) and part)


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image's configuration says that lists and policies want to know."""

    created_at: datetime | None
    platform: str | None
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, content: bytes) -> ImageConfig:
        """Read a configuration; whatever cannot be read is missing, never an error.

        Spec: image-spec 1.1, config.md.
        """
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            return cls(None, None)
        if not isinstance(body, dict):
            return cls(None, None)
        inner = body.get("config")
        labels = inner.get("Labels") if isinstance(inner, dict) else None
        return cls(
            _created(body.get("created")),
            platform_text(body) or None,
            keepable_labels(labels),
        )


MAX_LABELS = 200
MAX_LABEL_NAME, MAX_LABEL_VALUE = 256, 1024


def keepable_labels(labels: object) -> Mapping[str, str]:
    """Return the labels or annotations that rules may look at: short texts."""
    if not isinstance(labels, dict):
        return {}
    kept = [
        (name, value)
        for name, value in labels.items()
        if _is_text(name)
        and _is_text(value)
        and len(name) <= MAX_LABEL_NAME
        and len(value) <= MAX_LABEL_VALUE
    ]
    return dict(kept[:MAX_LABELS])


REPRODUCIBLE_UNTIL = datetime(1980, 1, 3, tzinfo=UTC)
"""Dates before this are constants of reproducible builds, not dates."""


def _created(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    if parsed.tzinfo is None:
        return None
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        return None


class TagDate(StrEnum):
    """What a tag's date is: its image's, or the time of its first push."""

    CREATED = "created"
    PUSHED = "pushed"

    def of(self, created_at: datetime, pushed_at: datetime) -> datetime:
        """Choose between the two."""
        return pushed_at if self is TagDate.PUSHED else created_at


def effective_created_at(created_at: datetime | None, pushed_at: datetime) -> datetime:
    """Return the date that lists show and clean-up orders by.

    The image's own creation date, unless it is missing, in the future, or the constant
    of a reproducible build: then when the manifest was first pushed.
    """
    if created_at is None or created_at < REPRODUCIBLE_UNTIL or created_at > pushed_at:
        return pushed_at
    return created_at
