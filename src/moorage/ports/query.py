"""SQL statements: kept in ``.sql`` files, read once, rendered once per engine.

A file holds statements headed ``-- name: <name>``. Parameters are written ``:name``.
What the engines spell differently is a token:

``{{texts:name}}``, ``{{ints:name}}``
    A subquery that yields the items of a list parameter, as the column ``value``.
``{{rows:name(column type, …)}}``
    A subquery that yields the tuples of a list parameter, as columns of type ``text``
    or ``int``, and ``position``, which counts them from 1.
``{{each:table AS alias(condition)}}``
    A join that looks rows up for each row so far, by an index. For recursive queries,
    of which PostgreSQL expects so many rows that it would rather read whole tables.
``{{has:column(:name)}}``
    Whether a text has another one in it, in its case.
``{{for_update}}``, ``{{skip_locked}}``
    Row locks. SQLite has one writer at a time and needs neither.
``{{wake_workers}}``
    Tells the workers of other processes of a new job, where the engine can.
``{{id}}``, ``{{int}}``, ``{{text}}``, ``{{bytes}}``, ``{{strict}}``, ``{{clustered}}``
    Column types and table options, in migrations.

A statement that is needed in several orders, say, is headed by all its variants and
marks where they differ; every combination becomes a statement of its own when the file
is read::

    -- name: list_page(order=name|date; direction=asc|desc)
    SELECT name FROM tag ORDER BY {{order: name | date_us}} {{direction: ASC | DESC}};
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import TypeAlias

HEADING = re.compile(r"^-- name: (\w+(?:\([^)]*\))?)$", re.MULTILINE)
"""Parts a file: what is before, then a heading and a body by turns."""

_CHOICE = re.compile(r"\{\{(\w+): ([^{}]*)\}\}")
_COMMENT = re.compile(r"--[^\n]*")
_TOKEN = re.compile(r"\{\{(\w+)(?::(\w+))?(?:\(([^)]*)\))?\}\}")
_EACH = re.compile(r"\{\{each:(\w+) AS (\w+)\(([^)]*)\)\}\}")
_HAS = re.compile(r"\{\{has:([\w.]+)\(:(\w+)\)\}\}")
_PARAMETER = re.compile(r"(?<!:):([a-z_]\w*)")


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """One statement, tokens unreplaced; there is one of each file and name."""

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
    each: str
    has: str
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

        def join(match: re.Match[str]) -> str:
            table, alias, condition = match.groups()
            return self.each.format(table=table, alias=alias, condition=condition)

        def seek(match: re.Match[str]) -> str:
            return self.has.format(text=match[1], part=f":{match[2]}")

        return _PARAMETER.sub(
            lambda match: self.parameter(match[1]),
            _TOKEN.sub(replace, _HAS.sub(seek, _EACH.sub(join, text))),
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
        parts = HEADING.split(text)
        self._queries = {
            name: Query(f"{source}.{name}", variant)
            for heading, body in zip(parts[1::2], parts[2::2], strict=True)
            for name, variant in _variants(heading, strip_comments(body))
        }
        # Found without a call: a small request looks up as many as it runs.
        self.__dict__.update(self._queries)

    def __getattr__(self, name: str) -> Query:
        raise AttributeError(name)

    def variant(self, name: str, **choices: str) -> Query:
        """Return one of a statement's variants, chosen in the order of its heading.

        Raises:
            KeyError: The heading declares no such variant.
        """
        return self._queries[_spell(name, choices)]

    def __iter__(self) -> Iterator[Query]:
        return iter(self._queries.values())


def _variants(heading: str, body: str) -> Iterator[tuple[str, str]]:
    """Yield the name and text of every variant that a heading declares."""
    name, _, declared = heading.rstrip(")").partition("(")
    choices = {}
    for each in declared.split(";") if declared else ():
        key, _, values = each.strip().partition("=")
        choices[key] = values.split("|")
    for chosen in product(*choices.values()):
        places = {
            key: choices[key].index(value)
            for key, value in zip(choices, chosen, strict=True)
        }
        spelling = _spell(name, dict(zip(choices, chosen, strict=True)))
        yield spelling, _choose(body, places)


def _choose(body: str, places: Mapping[str, int]) -> str:
    """Replace the marks of a statement by what stands at the places chosen."""
    return _CHOICE.sub(
        lambda match: match[2].split("|")[places[match[1]]].strip(), body
    )


def _spell(name: str, choices: Mapping[str, str]) -> str:
    if not choices:
        return name
    spelt = "; ".join(f"{key}={value}" for key, value in choices.items())
    return f"{name}({spelt})"


def strip_comments(text: str) -> str:
    """Take ``--`` comments and blank lines out of SQL."""
    lines = (line.rstrip() for line in _COMMENT.sub("", text).splitlines())
    return "\n".join(line for line in lines if line).strip().rstrip(";")


@cache
def load(noun: str) -> Queries:
    """Read ``store/<noun>.sql``."""
    source = files("moorage.store").joinpath(f"{noun}.sql")
    return Queries(noun, source.read_text("utf-8"))
