"""Texts that names begin with: those that end with a part of a name lead to it."""

from __future__ import annotations

from collections.abc import Iterable

BEHIND = "~"
"""Sorts behind every character of a tag, of its version key, and of a path."""


def backwards(names: Iterable[str]) -> list[str]:
    """Spell all that names begin with, so that equal endings sort together."""
    found = {name[:length] for name in names for length in range(1, len(name) + 1)}
    return sorted(each[::-1] for each in found)


def range_of(part: str) -> tuple[str, str]:
    """Return between what those lie that end with a part, spelt backwards."""
    low = part[::-1]
    return low, low + BEHIND


def outermost(beginnings: Iterable[str]) -> list[str]:
    """Sort them; leave out what begins with another, which finds the same names."""
    kept: list[str] = []
    for each in sorted(beginnings):
        if not kept or not each.startswith(kept[-1]):
            kept.append(each)
    return kept


def ranges(beginnings: Iterable[str]) -> list[tuple[str, str]]:
    """Return between what the names lie that begin so."""
    return [(each, each + BEHIND) for each in beginnings]
