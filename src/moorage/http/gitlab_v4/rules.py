"""The rules of a bulk delete, as parameters say them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, NotRequired, TypedDict

import msgspec

from moorage.domain.cleanup import BulkDelete
from moorage.domain.durations import DurationInvalidError, parse_duration
from moorage.domain.errors import ParameterError
from moorage.domain.patterns import Pattern, PatternInvalidError
from moorage.http.gitlab_v4.formats import Keyword
from moorage.http.gitlab_v4.parameters import UNSET, Parameters, UnsetType


class NewestDocument(TypedDict):
    """The newest tags: how many, of each group, by what, of which."""

    count: int
    by: NotRequired[Literal["created", "pushed", "version"]]
    per: NotRequired[str | None]
    of: NotRequired[ConditionDocument | None]


class LabelDocument(TypedDict):
    """A label, and a glob for its value."""

    name: str
    value: NotRequired[str | None]


ConditionDocument = TypedDict(
    "ConditionDocument",
    {
        "all": NotRequired["list[ConditionDocument]"],
        "any": NotRequired["list[ConditionDocument]"],
        "not": NotRequired["ConditionDocument"],
        "name": NotRequired[str],
        "glob": NotRequired[str],
        "version": NotRequired[str],
        "pre_release": NotRequired[bool],
        "newest": NotRequired["int | NewestDocument"],
        "older_than": NotRequired[str],
        "pushed_older_than": NotRequired[str],
        "pulled_older_than": NotRequired[str],
        "unused_for": NotRequired[str],
        "never_pulled": NotRequired[bool],
        "larger_than": NotRequired[int],
        "platform": NotRequired[str],
        "label": NotRequired["str | LabelDocument"],
        "referred": NotRequired[bool],
        "expired": NotRequired[bool],
    },
)
ConditionDocument.__doc__ = "What holds for a tag: each of several must."


class RuleDocument(TypedDict):
    """A rule: a condition, and what it is called in reasons."""

    name: NotRequired[str]
    when: Annotated[ConditionDocument, Keyword("minProperties", 1)]


class RulesDocument(TypedDict):
    """Rules that keep and rules that delete, in the rule language."""

    keep: NotRequired[list[RuleDocument] | None]
    delete: NotRequired[list[RuleDocument] | None]


class RuleParameters(Parameters):
    """What a bulk delete and a plan of one take."""

    at_least_one_of: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("name_regex", "name_regex_delete"),
    )
    name_regex: str | UnsetType = UNSET
    name_regex_delete: str | UnsetType = UNSET
    name_regex_keep: str | None = None
    keep_n: int | None = None
    older_than: str | None = None


def read_rules(wanted: RuleParameters) -> BulkDelete:
    """Read what the parameters mean; ``name_regex_delete`` wins, even when empty.

    Raises:
        ParameterError: With a sentence on each that is wrong.
    """
    reader = _RuleReader()
    older = reader.pattern("name_regex", wanted.name_regex)
    newer = reader.pattern("name_regex_delete", wanted.name_regex_delete)
    keep = reader.pattern("name_regex_keep", wanted.name_regex_keep)
    older_than = None
    if wanted.older_than is not None:
        try:
            older_than = parse_duration(wanted.older_than)
        except DurationInvalidError:
            reader.complaints.append("older_than is invalid")
    if reader.complaints:
        raise ParameterError(", ".join(reader.complaints))
    return BulkDelete(
        delete=newer or older or Pattern.parse(""),
        keep=keep,
        keep_n=wanted.keep_n or 0,
        older_than=older_than,
    )


def given_rules(wanted: RuleParameters) -> dict[str, Any]:
    """Return the parameters that were given, to be shown again."""
    names = [field.name for field in msgspec.structs.fields(RuleParameters)]
    values = {name: getattr(wanted, name) for name in names}
    return {name: value for name, value in values.items() if value not in (UNSET, None)}


class _RuleReader:
    """Reads patterns, and collects what is wrong with them."""

    def __init__(self) -> None:
        self.complaints: list[str] = []

    def pattern(self, name: str, text: str | UnsetType | None) -> Pattern | None:
        if not isinstance(text, str):
            return None
        try:
            return Pattern.parse(text)
        except PatternInvalidError as error:
            self.complaints.append(f"{name} is an invalid regexp: {error}")
            return None
