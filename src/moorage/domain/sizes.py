"""What keeps what, and whose it is alone: the arithmetic of exact bytes.

Tags and holds keep manifests; an index keeps the manifests that it lists, a manifest
those that are about it. What nothing keeps is collected, with the blobs that nothing
else uses. Everything here works on the ids of one repository's manifests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SHARED = -1
"""Kept by more than one owner, or by something that is nobody's to remove."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What manifests keep (by id), and those that stay whatever happens to tags."""

    kept_by: Mapping[int, Sequence[int]]
    pinned: frozenset[int]


@dataclass(frozen=True, slots=True)
class Split:
    """The manifests that tags keep, by what becomes of them without some of the tags.

    What neither holds is garbage already.
    """

    dying: frozenset[int]
    staying: frozenset[int]


def keeping(edges: Iterable[tuple[int, int]], pinned: Iterable[int]) -> Keeping:
    """Make a ``Keeping`` of pairs: what keeps, and what it keeps."""
    kept_by: dict[int, list[int]] = defaultdict(list)
    for keeper, kept in edges:
        kept_by[keeper].append(kept)
    return Keeping(kept_by, frozenset(pinned))


def reach(roots: Iterable[int], kept_by: Mapping[int, Sequence[int]]) -> set[int]:
    """Return the roots and everything that they keep, over any number of steps."""
    reached = set(roots)
    frontier = list(reached) if kept_by else []
    while frontier:
        for kept in kept_by.get(frontier.pop(), ()):
            if kept not in reached:
                reached.add(kept)
                frontier.append(kept)
    return reached


def split(graph: Keeping, staying: Iterable[int], going: Iterable[int]) -> Split:
    """Say what dies when some tags go; both arguments are what tags point to."""
    stays = reach([*staying, *graph.pinned], graph.kept_by)
    dies = reach(going, graph.kept_by) - stays
    return Split(frozenset(dies), frozenset(stays))


def owners(graph: Keeping, pointers: Sequence[int]) -> dict[int, int]:
    """Say which tag alone keeps a manifest, or that it is ``SHARED``.

    ``pointers`` are the manifests that the tags point to; a tag is told by its place
    there. What nothing keeps is left out.
    """
    found: dict[int, int] = dict.fromkeys(graph.pinned, SHARED)
    for owner, manifest in enumerate(pointers):
        found[manifest] = SHARED if manifest in found else owner
    frontier = [
        (kept, owner)
        for manifest, owner in found.items()
        for kept in graph.kept_by.get(manifest, ())
    ]
    while frontier:
        manifest, owner = frontier.pop()
        known = found.get(manifest)
        if known in (owner, SHARED):
            continue
        # A second owner; what is kept by it has been given to the first: tell it.
        found[manifest] = now = owner if known is None else SHARED
        frontier.extend((kept, now) for kept in graph.kept_by.get(manifest, ()))
    return found
