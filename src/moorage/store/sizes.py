"""Exact bytes: what the blob store loses when tags go and collection is through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from moorage.domain import sizes
from moorage.domain.sizes import SHARED, Keeping
from moorage.ports.database import Tx
from moorage.ports.query import load
from moorage.store import manifests

_SQL = load("sizes")


def keeping(tx: Tx, repository_id: int) -> Keeping:
    """Return what the manifests of a repository keep, and what holds keep."""
    rows = tx.all(_SQL.listed, repository_id=repository_id)
    rows += tx.all(_SQL.referring, repository_id=repository_id)
    pinned = tx.all(_SQL.pinned, repository_id=repository_id)
    return sizes.keeping(
        ((row["keeper"], row["kept"]) for row in rows), (row["id"] for row in pinned)
    )


def freed_bytes(
    tx: Tx,
    repository_id: int,
    graph: Keeping,
    *,
    staying: Iterable[int],
    going: Iterable[int],
) -> int:
    """Return what comes free when some of a repository's tags go.

    ``staying`` and ``going`` are what all its tags point to. A blob counts once, and
    only when nothing that stays uses it, in any repository. What is garbage already
    keeps nothing; a lease or a hold that ends only puts off.
    """
    parts = sizes.split(graph, staying, going)
    if not parts.dying:
        return 0
    rows = tx.all(
        _SQL.freed,
        repository_id=repository_id,
        dying=list(parts.dying),
        staying=list(parts.staying),
    )
    kept = _kept_elsewhere(tx, repository_id, [row["elsewhere_id"] for row in rows])
    return sum(row["size_bytes"] for row in rows if row["elsewhere_id"] not in kept)


def exclusive_bytes(
    tx: Tx,
    repository_id: int,
    graph: Keeping,
    pointers: Sequence[int],
    wanted: Iterable[int],
) -> dict[int, int]:
    """Return what comes free when one tag goes and all others stay, for some tags.

    ``pointers`` are what all tags of the repository point to; tags are told by their
    places there. A tag that would free nothing is left out.
    """
    owners = sizes.owners(graph, pointers)
    asked = set(wanted)
    rows = tx.all(
        _SQL.exclusive,
        repository_id=repository_id,
        owners=list(owners.items()),
        wanted=[manifest for manifest, owner in owners.items() if owner in asked],
    )
    kept = _kept_elsewhere(tx, repository_id, [row["elsewhere_id"] for row in rows])
    found: dict[int, int] = defaultdict(int)
    for row in rows:
        if row["owner"] != SHARED and row["elsewhere_id"] not in kept:
            found[row["owner"]] += row["size_bytes"]
    return found


def _kept_elsewhere(
    tx: Tx, repository_id: int, blob_ids: Iterable[int | None]
) -> set[int]:
    """Return which blobs something that stays in another repository uses."""
    ids = list({each for each in blob_ids if each is not None})
    if not ids:
        return set()
    rows = tx.all(_SQL.tagged_elsewhere, repository_id=repository_id, ids=ids)
    kept = {row["id"] for row in rows}
    open_ids = [each for each in ids if each not in kept]
    users = tx.all(_SQL.users_elsewhere, repository_id=repository_id, ids=open_ids)
    living = alive(tx, {row["manifest_id"] for row in users})
    return kept | {row["blob_id"] for row in users if row["manifest_id"] in living}


def alive(tx: Tx, manifest_ids: set[int]) -> set[int]:
    """Return which manifests, and which of their keepers, something keeps for good."""
    kept_by: dict[int, list[int]] = defaultdict(list)
    seen, frontier = set(manifest_ids), manifest_ids
    while frontier:
        above = set()
        for keeper, kept in manifests.keepers(tx, frontier):
            kept_by[keeper].append(kept)
            above.add(keeper)
        frontier = above - seen
        seen |= frontier
    rooted = tx.all(_SQL.rooted, ids=list(seen)) if seen else []
    return sizes.reach((row["id"] for row in rooted), kept_by)
