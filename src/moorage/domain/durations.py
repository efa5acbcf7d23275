"""Durations as people write them: GitLab's grammar of ``older_than``.

The grammar is that of GitLab's ChronicDuration: ``90d``, ``1 day and 12 hours``,
``1:30:00``, ``month``. Where that library silently drops what it cannot use, as the
``1`` in ``1 2d``, the text is refused here, since a duration decides what is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction

from moorage.domain.errors import InvalidError

MAX_TEXT_LENGTH = 256
"""Longest text that is read at all."""

_MINUTE, _HOUR, _DAY, _MONTH, _YEAR = 60, 3600, 86_400, 2_592_000, 31_557_600
MAX_SECONDS = 1000 * _YEAR

_SPELLINGS = (
    ("s sec secs second seconds", 1),
    ("m min mins minute minutes", _MINUTE),
    ("h hr hrs hour hours", _HOUR),
    ("d dy day days", _DAY),
    ("w wk wks week weeks", 7 * _DAY),
    ("mo mos month months", _MONTH),
    ("y yr yrs year years", _YEAR),
)
_UNITS = {
    spelling: seconds
    for spellings, seconds in _SPELLINGS
    for spelling in spellings.split()
}
_NUMBER_WORDS = {
    "one": Fraction(1),
    "two": Fraction(2),
    "three": Fraction(3),
    "four": Fraction(4),
    "five": Fraction(5),
    "six": Fraction(6),
    "seven": Fraction(7),
    "eight": Fraction(8),
    "nine": Fraction(9),
    "ten": Fraction(10),
    "eleven": Fraction(11),
    "twelve": Fraction(12),
}
_JOINING_WORDS = frozenset({"and", "with", "plus"})

# From the right; the colon form has no weeks.
_COLON_UNITS = (1, _MINUTE, _HOUR, _DAY, _MONTH, _YEAR)

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_TOKEN = re.compile(
    rf"(?P<number>{_NUMBER.pattern})|(?P<word>[a-z]+)|[\s,]+|(?P<stray>.)"
)


class DurationInvalidError(InvalidError):
    """Text that is no duration, or one of no length or of absurd length."""

    message = "duration is invalid"


def parse_duration(text: str) -> timedelta:
    """Read a positive duration, exact to the microsecond.

    ``M`` is a minute and ``mo`` a month, whatever the case. A month has 30 days, a
    year 365.25. A bare number is seconds. A unit that starts the text means one of it.

    Raises:
        DurationInvalidError: Unreadable, empty, negative or zero, over a thousand
            years, or a text of more than ``MAX_TEXT_LENGTH`` characters.

    Source: GitLab 12.5 docs, "Delete registry repository tags in bulk".
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise DurationInvalidError("duration is too long a text", text=text[:200])
    lowered = text.lower()
    seconds = _read_colons(lowered) if ":" in lowered else _read_sum(lowered)
    if seconds > MAX_SECONDS:
        raise DurationInvalidError("duration is over a thousand years", text=text)
    microseconds = int(seconds * 1_000_000)
    if microseconds == 0:
        raise DurationInvalidError("duration is zero", text=text)
    return timedelta(microseconds=microseconds)


def _read_colons(text: str) -> Fraction:
    fields = [field.strip() for field in text.split(":")]
    if len(fields) > len(_COLON_UNITS) or not all(map(_NUMBER.fullmatch, fields)):
        raise DurationInvalidError(text=text)
    pairs = zip(reversed(fields), _COLON_UNITS, strict=False)
    return sum((Fraction(field) * unit for field, unit in pairs), Fraction())


def _read_sum(text: str) -> Fraction:
    total = Fraction()
    amount: Fraction | None = None
    for position, word in enumerate(_words(text)):
        if isinstance(word, Fraction):
            if amount is not None:
                raise DurationInvalidError("duration has a number too many", text=text)
            amount = word
        elif amount is None and position > 0:
            raise DurationInvalidError("duration has a unit too many", text=text)
        else:
            total += word * (1 if amount is None else amount)
            amount = None
    return total + (amount or 0)


def _words(text: str) -> Iterator[Fraction | int]:
    """Yield numbers as ``Fraction`` and units as their seconds; drop joining words."""
    for match in _TOKEN.finditer(text):
        if match["number"]:
            yield Fraction(match["number"])
        elif match["stray"] or match["word"]:
            yield from _read_word(match[0])


def _read_word(word: str) -> Iterator[Fraction | int]:
    if word in _UNITS:
        yield _UNITS[word]
    elif word in _NUMBER_WORDS:
        yield _NUMBER_WORDS[word]
    elif word not in _JOINING_WORDS:
        raise DurationInvalidError("duration has an unknown word", word=word)
