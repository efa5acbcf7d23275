"""The rule language: documents that say which tags to keep and which to delete.

A document has rules that keep and rules that delete, each with a condition. What a rule
keeps no rule deletes, and what none deletes stays. A document is read completely before
any of it is used, with a sentence on each mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from moorage.domain import conditions
from moorage.domain.cleanup import Decision, Judge, Rule, Rules, TagFacts
from moorage.domain.conditions import Age, Condition, Groups, Order
from moorage.domain.durations import DurationInvalidError, parse_duration
from moorage.domain.errors import InvalidError, ParameterError
from moorage.domain.patterns import Pattern
from moorage.domain.version_ranges import VersionRange

MAX_RULES = 50
MAX_CONDITIONS = 100
MAX_DEPTH = 8
MAX_COMPLAINTS = 10
MAX_TEXT_LENGTH = 1024
MAX_COUNT = 1_000_000
_MAX_INTEGER = (1 << 63) - 1

_MATCHED_BY_NONE = "No rule deletes it."

_NEVER = Condition("", lambda _ranked, _now: lambda _tag: False)


class RulesInvalidError(ParameterError):
    """No document of rules. The text has a sentence on each mistake."""

    message = "rules are invalid"


@dataclass(frozen=True, slots=True)
class NamedRule:
    """One rule; ``name`` says which to people."""

    name: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules by which a plan is made."""

    keep: tuple[NamedRule, ...]
    delete: tuple[NamedRule, ...]

    @classmethod
    def parse(cls, document: object, title: str = "rules") -> RuleSet:
        """Read a document; ``title`` is what mistakes are said to be in.

        Raises:
            RulesInvalidError: It is none, or beyond a bound.
        """
        return _Reader().read(document, title)

    @property
    def needs_traits(self) -> bool:
        """Whether one of its conditions looks at traits."""
        return any(each.condition.needs_traits for each in (*self.keep, *self.delete))

    def sparing(self, others: Iterable[NamedRule]) -> RuleSet:
        """Return the same rules with more that keep."""
        return replace(self, keep=(*self.keep, *others))

    def judge(self, ranked: Sequence[TagFacts], now: datetime) -> Judge:
        """Prepare to decide about tags, in any order."""
        kept = _prepared(self.keep, Rule.KEEP, ranked, now)
        deleted = _prepared(self.delete, Rule.DELETE, ranked, now)
        tests = (*kept, *deleted)

        def decide(tag: TagFacts) -> Decision:
            for test, rule, reason in tests:
                if test(tag):
                    return Decision(tag, rule, reason)
            return Decision(tag, Rule.UNMATCHED, _MATCHED_BY_NONE)

        return decide

    def warnings(self) -> list[str]:
        """Say where the rules do nothing."""
        return [] if self.delete else ["No rule deletes anything."]


@dataclass(frozen=True, slots=True)
class Sparing:
    """Rules of another kind, without what some rules keep: it takes up no places."""

    rules: Rules
    keep: tuple[NamedRule, ...]

    @property
    def needs_traits(self) -> bool:
        """Whether any of the rules looks at traits."""
        own = any(each.condition.needs_traits for each in self.keep)
        return own or self.rules.needs_traits

    def judge(self, ranked: Sequence[TagFacts], now: datetime) -> Judge:
        """Prepare to decide about tags in the order given."""
        spare = RuleSet(self.keep, ()).judge(ranked, now)
        spared = {
            decision.tag.name: decision
            for decision in map(spare, ranked)
            if decision.rule is Rule.KEEP
        }
        judge = self.rules.judge([t for t in ranked if t.name not in spared], now)

        def decide(tag: TagFacts) -> Decision:
            return spared.get(tag.name) or judge(tag)

        return decide

    def warnings(self) -> list[str]:
        """Say what the rules say."""
        return self.rules.warnings()


def _prepared(
    rules: Sequence[NamedRule], rule: Rule, ranked: Sequence[TagFacts], now: datetime
) -> list[tuple[conditions.Test, Rule, str]]:
    # Reasons are written once, since a hundred thousand tags may share them.
    verb = "keeps" if rule is Rule.KEEP else "deletes"
    return [
        (
            each.condition.prepare(ranked, now),
            rule,
            f'The rule "{each.name}" {verb} it: {each.condition.text}.',
        )
        for each in rules
    ]


# Reading documents


class _MistakeError(Exception):
    """What is wrong with one value, to follow the place where it stands."""


_Read: TypeAlias = Callable[["_Reader", Any, str, int], Condition]


class _Reader:
    """Reads a document, and collects what is wrong with it."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._conditions = 0

    def read(self, document: object, title: str) -> RuleSet:
        keep: tuple[NamedRule, ...] = ()
        delete: tuple[NamedRule, ...] = ()
        if not isinstance(document, dict):
            self.complain(title, "is not an object")
        else:
            self._check_keys(document, title, ("keep", "delete"))
            if not any(document.get(each) for each in ("keep", "delete")):
                self.complain(title, "has no rules under keep or delete")
            keep = self._rules(document.get("keep"), f"{title}.keep", "keep")
            delete = self._rules(document.get("delete"), f"{title}.delete", "delete")
            if len(keep) + len(delete) > MAX_RULES:
                self.complain(title, f"has more than {MAX_RULES} rules")
        if self._conditions > MAX_CONDITIONS:
            self.complain(title, f"has more than {MAX_CONDITIONS} conditions")
        if self.complaints:
            raise RulesInvalidError(", ".join(self.complaints[:MAX_COMPLAINTS]))
        return RuleSet(keep, delete)

    def complain(self, place: str, text: str) -> None:
        self.complaints.append(f"{place} {text}")

    def _check_keys(
        self, body: Mapping[str, Any], place: str, known: Iterable[str]
    ) -> None:
        for key in body:
            if key not in known:
                self.complain(f"{place}.{key[:100]}", "is unknown")

    def _rules(self, values: object, place: str, verb: str) -> tuple[NamedRule, ...]:
        if values is None:
            return ()
        if not isinstance(values, list):
            self.complain(place, "is not a list")
            return ()
        return tuple(
            self._rule(value, f"{place}[{at}]", f"{verb} {at + 1}")
            for at, value in enumerate(values[: MAX_RULES + 1])
        )

    def _rule(self, body: object, place: str, name: str) -> NamedRule:
        if not isinstance(body, dict):
            self.complain(place, "is not an object")
            return NamedRule(name, _NEVER)
        self._check_keys(body, place, ("name", "when"))
        given = body.get("name", name)
        if not _is_text(given) or not given.strip():
            self.complain(f"{place}.name", "is not a text")
            given = name
        if "when" not in body:
            self.complain(f"{place}.when", "is missing")
            return NamedRule(given, _NEVER)
        return NamedRule(given, self.condition(body["when"], f"{place}.when", 1))

    def condition(self, body: object, place: str, depth: int) -> Condition:
        """Read one object: where it has several keys, each of them must hold."""
        if not isinstance(body, dict) or not body:
            self.complain(place, "is not an object with a condition")
            return _NEVER
        if depth > MAX_DEPTH:
            self.complain(place, f"is nested deeper than {MAX_DEPTH}")
            return _NEVER
        found = [
            self._one(key, value, f"{place}.{key[:100]}", depth)
            for key, value in body.items()
        ]
        return conditions.all_of(found, bare=depth == 1)

    def _one(self, key: str, value: object, place: str, depth: int) -> Condition:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            return _NEVER
        read = _CONDITIONS.get(key)
        if read is None:
            self.complain(place, "is unknown")
            return _NEVER
        try:
            return read(self, value, place, depth)
        except _MistakeError as mistake:
            self.complain(place, str(mistake))
        except InvalidError as error:
            self.complain(place, f"is invalid: {error}")
        return _NEVER

    def list_of(self, value: object, place: str, depth: int) -> list[Condition]:
        if not isinstance(value, list) or not value:
            raise _MistakeError("is not a list of conditions")
        return [
            self.condition(each, f"{place}[{at}]", depth + 1)
            for at, each in enumerate(value[: MAX_CONDITIONS + 1])
        ]

    def newest(self, value: object, place: str, depth: int) -> Condition:
        if not isinstance(value, dict):
            return conditions.newest(
                _count(value), Order.CREATED, conditions.ALL_TOGETHER, None
            )
        self._check_keys(value, place, ("count", "by", "per", "of"))
        count = _count(value.get("count"))
        of = value.get("of")
        inner = None if of is None else self.condition(of, f"{place}.of", depth + 1)
        return conditions.newest(
            count, _order(value.get("by", "created")), _groups(value.get("per")), inner
        )

    def label(self, value: object, place: str) -> Condition:
        if isinstance(value, str):
            return conditions.label(_text(value), None)
        if not isinstance(value, dict) or "name" not in value:
            raise _MistakeError("is neither a name nor an object with one")
        self._check_keys(value, place, ("name", "value"))
        wanted = value.get("value")
        text = None if wanted is None else _text(wanted)
        return conditions.label(_text(value["name"]), text)


def _is_text(value: object) -> bool:
    if not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH or "\0" in value:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _text(value: object) -> str:
    if not _is_text(value) or not value:
        raise _MistakeError(f"is not a text of 1 to {MAX_TEXT_LENGTH} characters")
    return str(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _MistakeError("is neither true nor false")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _MistakeError("is not a whole number")
    if not 0 < value <= MAX_COUNT:
        raise _MistakeError(f"is not from 1 to {MAX_COUNT}")
    return value


def _size(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _MistakeError("is not a number of bytes")
    if not 0 <= value <= _MAX_INTEGER:
        raise _MistakeError("is not a possible number of bytes")
    return value


def _age(value: object) -> Age:
    text = _text(value)
    try:
        return Age(text, parse_duration(text))
    except DurationInvalidError:
        raise _MistakeError(f"is not a duration: {text[:100]!r}") from None


def _order(value: object) -> Order:
    try:
        return Order(str(value))
    except ValueError:
        raise _MistakeError("has a by that is none of created, pushed, version") from (
            None
        )


def _groups(value: object) -> Groups:
    if value is None:
        return conditions.ALL_TOGETHER
    if value == "major":
        return conditions.by_version_places("major", 1)
    if value == "minor":
        return conditions.by_version_places("minor", 2)
    return conditions.by_captures(_text(value))


_CONDITIONS: Mapping[str, _Read] = {
    "all": lambda r, v, p, d: conditions.all_of(r.list_of(v, p, d)),
    "any": lambda r, v, p, d: conditions.any_of(r.list_of(v, p, d)),
    "not": lambda r, v, p, d: conditions.not_(r.condition(v, p, d + 1)),
    "name": lambda _r, v, _p, _d: conditions.name(Pattern.parse(_text(v))),
    "glob": lambda _r, v, _p, _d: conditions.glob(_text(v)),
    "version": lambda _r, v, _p, _d: conditions.version_in(
        VersionRange.parse(_text(v))
    ),
    "pre_release": lambda _r, v, _p, _d: conditions.pre_release(wanted=_flag(v)),
    "newest": lambda r, v, p, d: r.newest(v, p, d),
    "older_than": lambda _r, v, _p, _d: conditions.created_before(_age(v)),
    "pushed_older_than": lambda _r, v, _p, _d: conditions.pushed_before(_age(v)),
    "pulled_older_than": lambda _r, v, _p, _d: conditions.pulled_before(_age(v)),
    "unused_for": lambda _r, v, _p, _d: conditions.unused_for(_age(v)),
    "never_pulled": lambda _r, v, _p, _d: conditions.never_pulled(wanted=_flag(v)),
    "larger_than": lambda _r, v, _p, _d: conditions.larger_than(_size(v)),
    "platform": lambda _r, v, _p, _d: conditions.platform(_text(v)),
    "label": lambda r, v, p, _d: r.label(v, p),
    "referred": lambda _r, v, _p, _d: conditions.referred(wanted=_flag(v)),
    "expired": lambda _r, v, _p, _d: conditions.expired(wanted=_flag(v)),
}
