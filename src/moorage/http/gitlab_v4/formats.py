"""Texts and numbers of a known form, annotated with keywords of JSON Schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from moorage.domain.members import GRANTABLE
from moorage.domain.projects import MAX_PATH_LENGTH, PATH_PATTERN
from moorage.domain.texts import (
    MAX_DESCRIPTION_LENGTH,
    MAX_NAME_LENGTH,
    MAX_SHORT_DESCRIPTION_LENGTH,
)


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword of a schema."""

    name: str
    value: str | int | tuple[str | int, ...]


Time: TypeAlias = Annotated[str, Keyword("format", "date-time")]
Day: TypeAlias = Annotated[str, Keyword("format", "date")]
Uri: TypeAlias = Annotated[str, Keyword("format", "uri")]
Filled: TypeAlias = Annotated[str, Keyword("pattern", r"\S")]
"""A text that is not blank."""

Name: TypeAlias = Annotated[Filled, Keyword("maxLength", MAX_NAME_LENGTH)]
Description: TypeAlias = Annotated[str, Keyword("maxLength", MAX_DESCRIPTION_LENGTH)]
ShortDescription: TypeAlias = Annotated[
    str, Keyword("maxLength", MAX_SHORT_DESCRIPTION_LENGTH)
]

PathPart: TypeAlias = Annotated[
    str,
    Keyword("pattern", f"^{PATH_PATTERN}$"),
    Keyword("maxLength", MAX_PATH_LENGTH),
]
"""Of a group or project; not everything of this form is accepted."""

GrantableLevel: TypeAlias = Annotated[
    int, Keyword("enum", tuple(sorted(int(level) for level in GRANTABLE)))
]

Bytes: TypeAlias = Annotated[int, Keyword("minimum", 0)]
Count: TypeAlias = Annotated[int, Keyword("minimum", 0)]
DIGEST_PATTERN = "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"
DigestText: TypeAlias = Annotated[str, Keyword("pattern", DIGEST_PATTERN)]
