"""Semantic versions, as tags write them, and ranges of them.

A tag is a version when it is ``1``, ``1.2`` or ``1.2.3`` with up to four numbers, a
``v`` in front or not, and a pre-release after a dash or not: ``v1.2.3-rc.1``. What
many images put after the dash, as in ``1.2.3-alpine``, is a pre-release too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from moorage.domain.errors import InvalidError

MAX_TEXT_LENGTH = 256

_PLACES = 4

_VERSION = re.compile(
    r"[vV]?(?P<core>[0-9]{1,18}(?:\.[0-9]{1,18}){0,3})(?:-(?P<pre>[0-9A-Za-z.-]+))?"
)
_COMPARISON = re.compile(
    r"(?P<sign>>=|<=|>|<|=|\^|~|)\s*"
    r"(?P<version>[vV]?[0-9]{1,18}(?:\.[0-9]{1,18}){0,3}(?:-[0-9A-Za-z.-]+)?)"
    r"(?P<any>\.[x*])?(?=[\s,]|\Z)[\s,]*"
)

_RELEASE: tuple[tuple[int, int, str], ...] = ((2, 0, ""),)
"""Above every pre-release."""

_LEAST: tuple[tuple[int, int, str], ...] = ()
"""Below every pre-release."""

_Core: TypeAlias = tuple[int, ...]
_Order: TypeAlias = tuple[_Core, tuple[tuple[int, int, str], ...]]


class RangeInvalidError(InvalidError):
    """Text that is no range of versions."""

    message = "version range is invalid"


@dataclass(frozen=True, slots=True)
class Version:
    """A version; ``order`` sorts by precedence."""

    core: _Core
    pre_release: str | None

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """Read a tag's name; ``None`` where it is no version.

        Spec: Semantic Versioning 2.0.0, "Precedence".
        """
        match = _VERSION.fullmatch(text)
        if match is None:
            return None
        core = [int(number) for number in match["core"].split(".")]
        return cls(_padded(core), match["pre"])

    @property
    def order(self) -> _Order:
        """What versions compare by."""
        if self.pre_release is None:
            return self.core, _RELEASE
        identifiers = self.pre_release.split(".")
        return self.core, tuple(_identifier(each) for each in identifiers)


def _padded(core: Sequence[int]) -> _Core:
    return (*core, *[0] * (_PLACES - len(core)))


def _identifier(text: str) -> tuple[int, int, str]:
    if text.isdigit():
        digits = text.lstrip("0")
        # As text, for a number may be as long as a tag: longer means greater.
        return 0, len(digits), digits
    return 1, 0, text


@dataclass(frozen=True, slots=True)
class _Span:
    """From ``low`` on, up to but not including ``high``; the bounds that are there."""

    low: _Order | None = None
    high: _Order | None = None

    def holds(self, order: _Order) -> bool:
        return (self.low is None or order >= self.low) and (
            self.high is None or order < self.high
        )


@dataclass(frozen=True, slots=True)
class VersionRange:
    """A set of versions. Two of the same text are equal."""

    text: str
    _alternatives: tuple[tuple[_Span, ...], ...]

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Read comparisons that all hold, or several such lists joined by ``||``.

        A comparison is ``>=``, ``>``, ``<=``, ``<``, ``=``, ``^`` (same major) or ``~``
        (same minor) and a version, or a version that ends in ``.x``. ``<2`` and ``^1``
        leave out the pre-releases of 2.

        Raises:
            RangeInvalidError: It is something else, or of over 256 characters.
        """
        if len(text) > MAX_TEXT_LENGTH:
            raise RangeInvalidError
        return cls(text, tuple(_spans(part) for part in text.split("||")))

    def holds(self, version: Version) -> bool:
        """Whether a version is in it."""
        order = version.order
        return any(
            all(span.holds(order) for span in spans) for spans in self._alternatives
        )


def _spans(text: str) -> tuple[_Span, ...]:
    rest, found = text.strip(), []
    while rest:
        match = _COMPARISON.match(rest)
        if match is None:
            raise RangeInvalidError
        found.append(_span(match))
        rest = rest[match.end() :]
    if not found:
        raise RangeInvalidError
    return tuple(found)


def _span(match: re.Match[str]) -> _Span:
    version = Version.parse(match["version"])
    if version is None:
        raise RangeInvalidError
    numbers = match["version"].partition("-")[0].count(".") + 1
    sign = match["sign"]
    if match["any"]:
        if sign not in ("", "=") or version.pre_release or numbers == _PLACES:
            raise RangeInvalidError
        return _Span((version.core, _LEAST), _above(version.core, numbers))
    if sign == "^":
        zeros = next((at for at, part in enumerate(version.core) if part), 0)
        return _Span(version.order, _above(version.core, min(zeros + 1, numbers)))
    if sign == "~":
        return _Span(version.order, _above(version.core, min(numbers, 2)))
    return _compared(sign, version)


def _compared(sign: str, version: Version) -> _Span:
    order = version.order
    after = order[0], (*order[1], (-1, 0, ""))
    if sign == ">=":
        return _Span(low=order)
    if sign == ">":
        return _Span(low=after)
    if sign == "<=":
        return _Span(high=after)
    if sign == "<":
        # Without a pre-release of its own, below all pre-releases of the version.
        return _Span(high=order if version.pre_release else (version.core, _LEAST))
    return _Span(order, after)


def _above(core: _Core, places: int) -> _Order:
    """Return the bound above all versions that share the first numbers."""
    kept = list(core[:places])
    kept[-1] += 1
    return _padded(kept), _LEAST
