"""What rules ask about a tag: the conditions of the rule language.

A condition is prepared once per plan, with all tags that rules may decide about, and
then answers for each of them. Preparing sorts at most; answering takes a time that
does not grow with the number of tags.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

import re2

from moorage.domain.cleanup import TagFacts, moment_before
from moorage.domain.durations import DurationInvalidError, parse_duration
from moorage.domain.patterns import MAX_MEMORY_BYTES, Pattern, PatternInvalidError
from moorage.domain.version_ranges import Version, VersionRange

Test: TypeAlias = Callable[[TagFacts], bool]
Prepare: TypeAlias = Callable[[Sequence[TagFacts], datetime], Test]
Key: TypeAlias = Callable[[TagFacts], Hashable | None]

LIFETIME_LABELS = ("org.moorage.expires-after", "quay.expires-after")
"""Labels that say how long after its push an image is wanted; the first that is set."""

_GLOB = re.compile(r"\*|\?|\[!?[^\]/]+\]|.", re.DOTALL)


class Order(StrEnum):
    """What is newest."""

    CREATED = "created"
    PUSHED = "pushed"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Condition:
    """What may hold for a tag; ``text`` says it of "it"."""

    text: str
    prepare: Prepare
    needs_traits: bool = False


def all_of(conditions: Sequence[Condition], *, bare: bool = False) -> Condition:
    """Hold where each of them does; a bare text stands for itself."""

    def prepare(ranked: Sequence[TagFacts], now: datetime) -> Test:
        tests = [each.prepare(ranked, now) for each in conditions]
        return tests[0] if len(tests) == 1 else lambda tag: all(t(tag) for t in tests)

    text = _joined(conditions, " and ")
    if bare and len(conditions) > 1:
        text = text[1:-1]
    return Condition(text, prepare, _any_needs(conditions))


def any_of(conditions: Sequence[Condition]) -> Condition:
    """Hold where one of them does."""

    def prepare(ranked: Sequence[TagFacts], now: datetime) -> Test:
        tests = [each.prepare(ranked, now) for each in conditions]
        return lambda tag: any(test(tag) for test in tests)

    return Condition(_joined(conditions, " or "), prepare, _any_needs(conditions))


def not_(condition: Condition) -> Condition:
    """Hold where it does not."""

    def prepare(ranked: Sequence[TagFacts], now: datetime) -> Test:
        test = condition.prepare(ranked, now)
        return lambda tag: not test(tag)

    text = f"it is not so that {condition.text}"
    return Condition(text, prepare, condition.needs_traits)


def _joined(conditions: Sequence[Condition], word: str) -> str:
    text = word.join(each.text for each in conditions)
    return text if len(conditions) == 1 else f"({text})"


def _any_needs(conditions: Iterable[Condition]) -> bool:
    return any(each.needs_traits for each in conditions)


def _simple(text: str, test: Test, *, needs_traits: bool = False) -> Condition:
    return Condition(text, lambda _ranked, _now: test, needs_traits)


# Names and versions


def name(pattern: Pattern) -> Condition:
    """Hold for names that an expression matches as a whole."""
    matches = pattern.matches
    return _simple(f"its name matches {pattern.text!r}", lambda tag: matches(tag.name))


def glob(text: str) -> Condition:
    """Hold for names that a glob matches.

    Raises:
        PatternInvalidError: It cannot be one.
    """
    matches = glob_pattern(text).matches
    return _simple(f"its name matches {text!r}", lambda tag: matches(tag.name))


def glob_pattern(text: str) -> Pattern:
    """Read ``*`` (any text), ``?`` (one character), ``[abc]``, ``[!abc]``.

    Raises:
        PatternInvalidError: It cannot be one.
    """
    return Pattern.parse("".join(_glob_piece(each) for each in _GLOB.findall(text)))


def _glob_piece(piece: str) -> str:
    if piece == "*":
        return ".*"
    if piece == "?":
        return "."
    if len(piece) > 1:
        negated = piece.startswith("[!")
        inner = piece[2 if negated else 1 : -1].replace("\\", r"\\")
        inner = inner.replace("[", r"\[").replace("^", r"\^")
        return f"[{'^' if negated else ''}{inner}]"
    return str(re2.escape(piece))


def version_in(wanted: VersionRange) -> Condition:
    """Hold for versions in a range."""

    def test(tag: TagFacts) -> bool:
        version = Version.parse(tag.name)
        return version is not None and wanted.holds(version)

    return _simple(f"its version is in {wanted.text!r}", test)


def pre_release(*, wanted: bool) -> Condition:
    """Hold for versions that are, or are not, pre-releases."""

    def test(tag: TagFacts) -> bool:
        version = Version.parse(tag.name)
        return version is not None and (version.pre_release is not None) is wanted

    kind = "a pre-release" if wanted else "a release"
    return _simple(f"its version is {kind}", test)


# Ranks


@dataclass(frozen=True, slots=True)
class Groups:
    """How tags are counted apart; those without a key are not counted at all."""

    text: str
    key: Key


ALL_TOGETHER = Groups("", lambda _tag: ())


def by_version_places(word: str, places: int) -> Groups:
    """Count the versions of each major, or minor, apart."""

    def key(tag: TagFacts) -> Hashable | None:
        version = Version.parse(tag.name)
        return None if version is None else version.core[:places]

    return Groups(f" of its {word} version", key)


def by_captures(text: str) -> Groups:
    """Count names apart that differ in what an expression captures.

    Raises:
        PatternInvalidError: It is no valid expression, or captures nothing.
    """
    Pattern.parse(text)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY_BYTES
    expression = re2.compile(text, options)
    if not expression.groups:
        raise PatternInvalidError("it has no group in parentheses")

    def key(tag: TagFacts) -> Hashable | None:
        match = expression.fullmatch(tag.name)
        return None if match is None else match.groups()

    return Groups(f" of its group by {text!r}", key)


def newest(count: int, order: Order, groups: Groups, of: Condition | None) -> Condition:
    """Hold for the newest of each group, of those for which ``of`` holds."""

    def prepare(ranked: Sequence[TagFacts], now: datetime) -> Test:
        counted = ranked
        if of is not None:
            test = of.prepare(ranked, now)
            counted = [tag for tag in ranked if test(tag)]
        chosen = _newest(_ordered(counted, order), count, groups.key)
        return lambda tag: tag.name in chosen

    which = "" if order is Order.CREATED else f" by {order}"
    where = "" if of is None else f" of those where {of.text}"
    text = f"it is among the {count} newest{which}{groups.text}{where}"
    return Condition(text, prepare, of is not None and of.needs_traits)


def _newest(ordered: Iterable[TagFacts], count: int, key: Key) -> frozenset[str]:
    taken: dict[Hashable, int] = defaultdict(int)
    chosen = []
    for tag in ordered:
        group = key(tag)
        if group is not None and taken[group] < count:
            taken[group] += 1
            chosen.append(tag.name)
    return frozenset(chosen)


def _ordered(ranked: Sequence[TagFacts], order: Order) -> Sequence[TagFacts]:
    if order is Order.CREATED:
        return ranked
    if order is Order.PUSHED:
        return sorted(ranked, key=lambda tag: (tag.pushed_at, tag.name), reverse=True)
    versions = [(Version.parse(tag.name), tag) for tag in ranked]
    known = [(each.order, tag.name, tag) for each, tag in versions if each is not None]
    return [tag for _, _, tag in sorted(known, key=lambda k: k[:2], reverse=True)]


# Ages


@dataclass(frozen=True, slots=True)
class Age:
    """A duration, as it was written."""

    text: str
    duration: timedelta


def _aged(text: str, age: Age, test: Callable[[TagFacts, datetime], bool]) -> Condition:
    def prepare(_ranked: Sequence[TagFacts], now: datetime) -> Test:
        cutoff = moment_before(now, age.duration)
        return lambda tag: test(tag, cutoff)

    return Condition(text, prepare)


def created_before(age: Age) -> Condition:
    """Hold for tags of images created longer ago."""
    text = f"it was created more than {age.text} ago"
    return _aged(text, age, lambda tag, cutoff: tag.created_at < cutoff)


def pushed_before(age: Age) -> Condition:
    """Hold for tags of images pushed longer ago."""
    text = f"it was pushed more than {age.text} ago"
    return _aged(text, age, lambda tag, cutoff: tag.pushed_at < cutoff)


def pulled_before(age: Age) -> Condition:
    """Hold for tags that were pulled, last of all longer ago."""
    text = f"it was last pulled more than {age.text} ago"
    return _aged(text, age, _pulled_before)


def unused_for(age: Age) -> Condition:
    """Hold for tags neither pushed nor pulled since."""
    text = f"it was neither pushed nor pulled in the last {age.text}"

    def test(tag: TagFacts, cutoff: datetime) -> bool:
        pulled = tag.last_pulled_at
        return tag.pushed_at < cutoff and (pulled is None or pulled < cutoff)

    return _aged(text, age, test)


def _pulled_before(tag: TagFacts, cutoff: datetime) -> bool:
    return tag.last_pulled_at is not None and tag.last_pulled_at < cutoff


def never_pulled(*, wanted: bool) -> Condition:
    """Hold for tags that were never pulled, or for all others."""
    text = "it was never pulled" if wanted else "it was pulled"
    return _simple(text, lambda tag: (tag.last_pulled_at is None) is wanted)


# What the image is


def larger_than(size_bytes: int) -> Condition:
    """Hold for images of more bytes, as their layers are listed."""
    text = f"it is larger than {size_bytes} bytes"
    return _simple(text, lambda tag: tag.total_size > size_bytes)


def platform(text: str) -> Condition:
    """Hold for images one of whose platforms a glob matches.

    Raises:
        PatternInvalidError: It cannot be one.
    """
    matches = glob_pattern(text).matches

    def test(tag: TagFacts) -> bool:
        return any(matches(each) for each in tag.traits.platforms)

    return _simple(f"it is for the platform {text!r}", test, needs_traits=True)


def label(key: str, value: str | None) -> Condition:
    """Hold for images with a label or annotation whose value a glob matches.

    Raises:
        PatternInvalidError: It cannot be one.
    """
    pattern = None if value is None else glob_pattern(value)

    def test(tag: TagFacts) -> bool:
        found = tag.traits.labels.get(key)
        return found is not None and (pattern is None or pattern.matches(found))

    said = "" if value is None else f" that matches {value!r}"
    return _simple(f"it has the label {key!r}{said}", test, needs_traits=True)


def referred(*, wanted: bool) -> Condition:
    """Hold for images that something, as a signature, is about, or for all others."""
    text = "something refers to it" if wanted else "nothing refers to it"
    return _simple(text, lambda tag: tag.traits.referred is wanted, needs_traits=True)


def expired(*, wanted: bool) -> Condition:
    """Hold where the time is over that a label gave at the push, or elsewhere."""

    def prepare(_ranked: Sequence[TagFacts], now: datetime) -> Test:
        return lambda tag: _is_expired(tag, now) is wanted

    over = "is" if wanted else "is not"
    text = f"the lifetime that its labels give {over} over"
    return Condition(text, prepare, needs_traits=True)


def _is_expired(tag: TagFacts, now: datetime) -> bool:
    labels = tag.traits.labels
    text = next((labels[each] for each in LIFETIME_LABELS if each in labels), None)
    if text is None:
        return False
    try:
        lifetime = parse_duration(text)
    except DurationInvalidError:
        return False
    return tag.pushed_at < moment_before(now, lifetime)
