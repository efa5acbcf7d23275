"""Where the blobs of a test go, and what lies there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from live.s3 import S3Server, object_names


class BlobPlace(Protocol):
    """A place that nobody else uses."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Give the settings that lead there."""

    def names(self) -> list[str]:
        """List what is stored, unfinished uploads included."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder."""

    path: Path

    @property
    def settings(self) -> Mapping[str, str]:
        """Name it."""
        return {"storage_url": f"file://{self.path}"}

    def names(self) -> list[str]:
        """List its files."""
        return [path.name for path in self.path.rglob("*") if path.is_file()]


@dataclass(frozen=True, slots=True)
class Prefix:
    """A part of a bucket."""

    server: S3Server
    url: str

    @property
    def settings(self) -> Mapping[str, str]:
        """Name it."""
        return {"storage_url": self.url}

    def names(self) -> list[str]:
        """List its objects."""
        return object_names(self.server, self.url)
