r"""Patterns that users write to choose tags: RE2, so linear time, and bounded.

A pattern matches a name as a whole and as one group, ``\A(?:…)\z``. GitLab adds the
anchors without the group, so that ``v1|v2`` there means "begins with v1, or ends with
v2". ``Pattern.differs_ungrouped`` tells where this matters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import re2

from moorage.domain.errors import InvalidError

MAX_TEXT_LENGTH = 1024
"""Longest pattern, in characters."""

MAX_MEMORY_BYTES = 1 << 20
"""What RE2 may use for one pattern: bounds the program, and so the time per name."""

# What has to be stepped over to see the structure of a valid pattern: quoted text,
# an escape, a character class (in which a first "]" is literal), or one character.
_PIECE = re.compile(
    r"""
      \\Q .*? (?: \\E | \Z )
    | \\ .
    | \[ \^? \]? (?: \[: \^? [a-z]+ :\] | \\ . | [^\]\\] )* \]
    | .
    """,
    re.DOTALL | re.VERBOSE,
)


class PatternInvalidError(InvalidError):
    """Not a pattern of RE2's syntax, or one beyond the bounds. The text is RE2's."""

    message = "pattern is invalid"


_Scan: TypeAlias = Callable[[str], list[int]]
_FullMatch: TypeAlias = Callable[[bytes], object | None]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A valid pattern. Two of the same text are equal.

    ``differs_ungrouped`` says that it has alternatives at its top level, which is
    where GitLab's reading differs.
    """

    text: str
    differs_ungrouped: bool = field(compare=False)
    _scan: _Scan = field(compare=False, repr=False)
    _full_match: _FullMatch = field(compare=False, repr=False)
    _search: _FullMatch = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Compile a pattern. The empty text is valid and matches nothing.

        Raises:
            PatternInvalidError: Not valid in RE2, over ``MAX_TEXT_LENGTH``
                characters, or too large when compiled.

        Source: GitLab 12.5 docs, "Delete registry repository tags in bulk".
        """
        if len(text) > MAX_TEXT_LENGTH:
            raise PatternInvalidError(
                f"pattern is longer than {MAX_TEXT_LENGTH} characters"
            )
        options = _options()
        try:
            expression = re2.compile(text, options)
            scan = _compile_scan(text, options)
        except re2.error as error:
            raise PatternInvalidError(_message(error)) from None
        except UnicodeEncodeError:
            raise PatternInvalidError("pattern is not Unicode text") from None
        return cls(
            text,
            _has_alternatives(text),
            scan,
            expression.fullmatch,
            expression.search,
        )

    def matches(self, name: str) -> bool:
        """Say whether the whole name matches, in time linear in its length."""
        if not self.text:
            return False
        found = self._scan(name)
        if found:
            return 0 in found
        # Not even the expression that matches everything: RE2 ran out of memory.
        return self._full_match(name.encode()) is not None

    def found_in(self, name: str) -> bool:
        """Say whether any part of the name matches, in time linear in its length."""
        return bool(self.text) and self._search(name.encode()) is not None


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY_BYTES
    options.never_capture = True
    return options


def _compile_scan(text: str, options: re2.Options) -> _Scan:
    """Make the automaton of a valid pattern: number 0 of the set that it is in.

    A set answers in half the time of an expression, but when it runs out of memory
    it answers "none", so number 1 matches every name and its absence tells.
    """
    expressions = re2.Set.FullMatchSet(options)
    expressions.Add(text)
    expressions.Add("(?s).*")
    try:
        expressions.Compile()
    except re2.error:
        raise PatternInvalidError("pattern too large - compile failed") from None
    scan: _Scan = expressions.Match
    return scan


def _message(error: Exception) -> str:
    # The binding hands over RE2's message as bytes in some places, as str in others.
    reason = error.args[0]
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def _has_alternatives(text: str) -> bool:
    """Find a ``|`` outside every group, class and quotation of a valid pattern."""
    depth = 0
    for piece in _PIECE.findall(text):
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth -= 1
        elif piece == "|" and depth == 0:
            return True
    return False
