"""What images take up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Sums(NamedTuple):
    """What repositories take up, each for itself, or by how much that changed."""

    listed_bytes: int = 0
    unique_bytes: int = 0

    def plus(self, other: Sums) -> Sums:
        """Add two of them up."""
        return Sums(*(one + another for one, another in zip(self, other, strict=True)))

    def minus(self, other: Sums) -> Sums:
        """Say by how much this is more."""
        return Sums(*(one - another for one, another in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Usage:
    """The sizes and counts of a repository, a project or a group.

    ``listed_bytes`` adds up what lists show per tag, shared layers as often as they are
    shown. ``unique_bytes`` counts every stored blob once, ``exclusive_bytes`` those of
    them that no repository outside holds: what would come free if all of it went.
    ``pending_bytes`` are used by no tag or hold, and kept for a while only.
    """

    listed_bytes: int
    unique_bytes: int
    exclusive_bytes: int
    pending_bytes: int
    repositories: int
    tags: int
    manifests: int
    blobs: int
