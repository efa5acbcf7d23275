"""The order in which people read version numbers."""

from __future__ import annotations

import re

_CORE = re.compile(r"v?(?P<core>[0-9]+(?:\.[0-9]+)*)(?P<dash>-?)")
_DIGITS = re.compile(r"[0-9]+")

_PRE_RELEASE = "!"
_END = '"'
"""Both below every character of a tag, and a pre-release below the end: so that
``1.0-rc1`` comes before ``1.0`` and that before ``1.0.1``."""


def version_key(name: str) -> str:
    """Return a text whose byte order is the natural order of tag names.

    Runs of digits count as numbers, a leading ``v`` of a version and the case of
    letters do not count, a pre-release comes before its release. Names that are no
    versions follow all that are. Names may share a key: order ties by name.

    Spec: Semantic Versioning 2.0.0, "Precedence"; but digits inside of identifiers
    count as numbers too (``rc9`` before ``rc10``).
    """
    lowered = name.lower()
    version = _CORE.match(lowered)
    if version is None:
        return _numbered(lowered) + _END
    rest = _numbered(lowered[version.end() :]) + _END
    return _numbered(version["core"]) + (_PRE_RELEASE if version["dash"] else "") + rest


def version_key_beginning(beginning: str) -> str:
    """Return what keys of all names begin with that begin so, as much as is sure.

    How the last number goes on is not known, nor whether a version goes on as one.
    """
    lowered = beginning.lower()
    if re.match(r"v?([0-9]|$)", lowered):
        return ""
    return _numbered(lowered.rstrip("0123456789"))


def _numbered(text: str) -> str:
    """Give each number its length in front, so that longer means greater."""

    def lengthen(match: re.Match[str]) -> str:
        digits = match[0].lstrip("0")
        return f"{len(digits):03d}{digits}"

    return _DIGITS.sub(lengthen, text)
