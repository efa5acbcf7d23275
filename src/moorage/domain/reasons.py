"""Why something is still there: what keeps it, and the way from that down to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moorage.domain.digest import Digest


class Kind(StrEnum):
    """What a digest names in a repository."""

    MANIFEST = "manifest"
    INDEX = "index"
    BLOB = "blob"


class Relation(StrEnum):
    """How the thing above keeps the one below."""

    CHILD = "child"
    REFERRER = "referrer"
    LAYER = "layer"
    CONFIG = "config"


class KeeperKind(StrEnum):
    """What keeps content of itself."""

    TAG = "tag"
    HOLD = "hold"
    LEASE = "lease"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class Keeper:
    """Something that keeps content of itself, until a time or for good.

    ``name`` is that of a tag, the reason of a hold, the id of an upload session.
    """

    kind: KeeperKind
    name: str | None = None
    until: datetime | None = None

    @property
    def is_lasting(self) -> bool:
        """Whether it keeps content until somebody does something about it."""
        return self.kind is not KeeperKind.UPLOAD and self.until is None


@dataclass(frozen=True, slots=True)
class Link:
    """A thing on the way down; ``relation`` is to the one below it."""

    kind: Kind
    digest: Digest
    relation: Relation | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """A keeper, and the way from what it keeps down to what was asked about."""

    keeper: Keeper
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Why something is there.

    ``complete`` is ``False`` where more keeps it than is told. ``deleted_at`` says
    since when clients no longer see it.
    """

    kind: Kind
    digest: Digest
    size_bytes: int
    deleted_at: datetime | None
    chains: tuple[Chain, ...]
    complete: bool


def collectable_at(answer: Answer, now: datetime) -> datetime | None:
    """Say from when on collection may take it; ``None`` while something lasting is.

    In doubt, where not all is told, it stays.
    """
    keepers = [chain.keeper for chain in answer.chains]
    if not answer.complete or any(keeper.is_lasting for keeper in keepers):
        return None
    return max([now, *_times(keepers)])


def _times(keepers: Iterable[Keeper]) -> Iterable[datetime]:
    return (keeper.until for keeper in keepers if keeper.until is not None)
