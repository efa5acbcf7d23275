"""SQL statements: kept in ``.sql`` files, read once, rendered once per engine.

A file holds statements headed ``-- name: <name>``. Parameters are written ``:name``.
What the engines spell differently is a token:

``{{texts:name}}``, ``{{ints:name}}``
    A subquery that yields the items of a list parameter, as the column ``value``.
``{{rows:name(column type, …)}}``
    A subquery that yields the tuples of a list parameter, as columns of type ``text``
    or ``int``, and ``position``, which counts them from 1.
``{{for_update}}``, ``{{skip_locked}}``
    Row locks. SQLite has one writer at a time and needs neither.
``{{id}}``, ``{{int}}``, ``{{text}}``, ``{{bytes}}``, ``{{strict}}``
    Column types and table options, in migrations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias

_HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"--[^\n]*")
_TOKEN = re.compile(r"\{\{(\w+)(?::(\w+))?(?:\(([^)]*)\))?\}\}")
_PARAMETER = re.compile(r"(?<!:):([a-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Query:
    """One statement, tokens unreplaced, known by file and name."""

    name: str
    text: str


Columns: TypeAlias = Sequence[tuple[str, str]]
"""Names and types."""


@dataclass(frozen=True)
class Dialect:
    """How one engine spells tokens and parameters."""

    tokens: Mapping[str, str]
    lists: Mapping[str, str]
    rows: Callable[[str, Columns], str]
    parameter: Callable[[str], str]

    def render(self, text: str) -> str:
        """Return the statement as the engine's driver takes it.

        Raises:
            KeyError: The text has a token that the dialect does not know.
        """

        def replace(match: re.Match[str]) -> str:
            token, argument, columns = match.groups()
            if argument is None:
                return self.tokens[token]
            if columns is not None:
                return self.rows(argument, _columns(columns))
            return self.lists[token].format(argument)

        return _PARAMETER.sub(
            lambda match: self.parameter(match[1]), _TOKEN.sub(replace, text)
        )


def rows_parameters(text: str) -> dict[str, int]:
    """Return the parameters of a statement that are lists of tuples, how wide each."""
    return {
        match[2]: len(_columns(match[3]))
        for match in _TOKEN.finditer(text)
        if match[1] == "rows"
    }


def _columns(text: str) -> Columns:
    pairs = (column.split() for column in text.split(","))
    return [(name, kind) for name, kind in pairs]


class Queries:
    """The statements of one file, as attributes."""

    def __init__(self, source: str, text: str) -> None:
        parts = _HEADING.split(text)
        self._queries = {
            name: Query(f"{source}.{name}", strip_comments(body))
            for name, body in zip(parts[1::2], parts[2::2], strict=True)
        }

    def __getattr__(self, name: str) -> Query:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(name) from None

    def __iter__(self) -> Iterator[Query]:
        return iter(self._queries.values())


def strip_comments(text: str) -> str:
    """Take ``--`` comments and blank lines out of SQL."""
    lines = (line.rstrip() for line in _COMMENT.sub("", text).splitlines())
    return "\n".join(line for line in lines if line).strip().rstrip(";")


@cache
def load(noun: str) -> Queries:
    """Read ``store/<noun>.sql``."""
    source = files("moorage.store").joinpath(f"{noun}.sql")
    return Queries(noun, source.read_text("utf-8"))
