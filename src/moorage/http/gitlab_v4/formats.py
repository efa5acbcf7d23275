"""Texts and numbers of a known form, annotated with keywords of JSON Schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword of a schema."""

    name: str
    value: str | int


Time: TypeAlias = Annotated[str, Keyword("format", "date-time")]
Day: TypeAlias = Annotated[str, Keyword("format", "date")]
Uri: TypeAlias = Annotated[str, Keyword("format", "uri")]
Bytes: TypeAlias = Annotated[int, Keyword("minimum", 0)]
Count: TypeAlias = Annotated[int, Keyword("minimum", 0)]
DigestText: TypeAlias = Annotated[str, Keyword("pattern", "^[a-z0-9]+:[0-9a-f]+$")]
