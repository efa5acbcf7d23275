"""Tags as GitLab's own registry tells of them: by what was published, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.digest import Digest


@dataclass(frozen=True, slots=True)
class PublishedTag:
    """A tag. ``created_at`` is when its name was first seen in the repository.

    ``moved_at`` is when it was last pointed at another image. ``size_bytes`` counts
    the layers, the configuration and the manifest.
    """

    name: str
    digest: Digest
    media_type: str
    config_digest: Digest | None
    platforms: Sequence[str]
    size_bytes: int
    created_at: datetime
    moved_at: datetime

    @property
    def updated_at(self) -> datetime | None:
        """When it was moved, if ever."""
        return self.moved_at if self.moved_at > self.created_at else None


@dataclass(frozen=True, slots=True)
class Image:
    """An image or an index, and the images that it lists."""

    digest: Digest
    media_type: str
    size_bytes: int
    config_digest: Digest | None
    config_media_type: str | None
    platforms: Sequence[str]
    references: Sequence[Image] = ()


@dataclass(frozen=True, slots=True)
class Referring:
    """A manifest that is about what a tag points to."""

    digest: Digest
    artifact_type: str | None
