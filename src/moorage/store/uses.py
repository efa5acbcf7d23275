"""When tags and manifests were pulled last, and how often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.usage import Sums
from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store import usage_sums
from moorage.store.times import to_us

_SQL = load("uses")


@dataclass(frozen=True, slots=True)
class ManifestUse:
    """Pulls of one manifest, by whatever reference."""

    manifest_id: int
    pulls: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class TagUse:
    """Pulls by one tag."""

    repository_id: int
    tag: str
    pulls: int
    last_at: datetime


def add(tx: Tx, of_manifests: Iterable[ManifestUse], of_tags: Iterable[TagUse]) -> None:
    """Add what was pulled; what is gone by now is passed over.

    In the order of keys, so that two processes that add the same do not wait for each
    other in a circle.
    """
    tx.run_many(
        _SQL.of_manifest,
        [
            {
                "manifest_id": use.manifest_id,
                "pulls": use.pulls,
                "pulled_at_us": to_us(use.last_at),
            }
            for use in sorted(of_manifests, key=lambda use: use.manifest_id)
        ],
    )
    tx.run_many(
        _SQL.of_tag,
        [
            {
                "repository_id": use.repository_id,
                "tag": use.tag,
                "pulls": use.pulls,
                "pulled_at_us": to_us(use.last_at),
            }
            for use in sorted(of_tags, key=lambda use: (use.repository_id, use.tag))
        ],
    )
    for repository_id in sorted({use.repository_id for use in of_tags}):
        usage_sums.note(tx, repository_id, Sums())
