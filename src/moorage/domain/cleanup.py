"""Which tags of a repository go, and why: the one planner.

A preview shows what ``plan`` returns and a run deletes what ``plan`` returned; there
is no second place that decides. What it plans by are ``Rules``: those of a bulk delete
here, those of policies in ``rules``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple, Protocol, TypeAlias

from moorage.domain.digest import Digest
from moorage.domain.patterns import Pattern
from moorage.domain.protection import OPEN, TagGuard

NEVER_DELETED = "latest"
"""The tag that no rule removes; case-sensitive, as all names are."""

_UNMATCHED_REASON = "Its name does not match the delete pattern."


class Rule(StrEnum):
    """What decided about a tag."""

    HOLD = "hold"
    IMMUTABLE = "immutable"
    PROTECTED = "protected"
    LATEST = "latest"
    UNMATCHED = "unmatched"
    KEEP = "keep"
    KEEP_N = "keep_n"
    OLDER_THAN = "older_than"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Traits:
    """What few rules look at: read only for those."""

    platforms: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    referred: bool = False
    """Whether something, as a signature, is about the image."""


NO_TRAITS = Traits()


class TagFacts(NamedTuple):
    """What the rules may look at; a named tuple for the reason that ``Decision`` is.

    ``created_at`` is the effective date, the one that rules order by; it is never
    missing, since push time stands in where an image has no date of its own. ``hold``
    is the reason why the tag is held, where it is; ``manifest_id`` the row that the tag
    points to.
    """

    name: str
    digest: Digest
    created_at: datetime
    pushed_at: datetime
    total_size: int
    hold: str | None = None
    last_pulled_at: datetime | None = None
    manifest_id: int = 0
    traits: Traits = NO_TRAITS


@dataclass(frozen=True, slots=True)
class BulkDelete:
    """The rules of one bulk delete; ``older_than`` is positive where it is given."""

    delete: Pattern
    keep: Pattern | None = None
    keep_n: int = 0
    older_than: timedelta | None = None

    @property
    def needs_traits(self) -> bool:
        """No bulk delete looks at any."""
        return False

    def judge(self, ranked: Sequence[TagFacts], now: datetime) -> Judge:  # noqa: ARG002 (of the protocol)
        """Prepare to decide about tags in the order given, newest first."""
        return _BulkJudge(self, now).decide

    def warnings(self) -> list[str]:
        """Say in sentences where rules may not mean what their author expects."""
        return _warnings(self)


class Decision(NamedTuple):
    """What becomes of one tag; ``reason`` is a sentence for people.

    A named tuple, because making a frozen dataclass takes three times as long and a
    plan makes one per tag.
    """

    tag: TagFacts
    rule: Rule
    reason: str

    @property
    def delete(self) -> bool:
        """Whether the tag goes."""
        return self.rule is Rule.DELETE


Judge: TypeAlias = Callable[[TagFacts], Decision]


class Rules(Protocol):
    """What a plan is made by."""

    @property
    def needs_traits(self) -> bool:
        """Whether the tags that are decided about must carry their traits."""

    def judge(self, ranked: Sequence[TagFacts], now: datetime) -> Judge:
        """Prepare to decide about tags, each once and in the order given."""

    def warnings(self) -> list[str]:
        """Say in sentences where rules may not mean what their author expects."""


def plan(
    tags: Iterable[TagFacts], rules: Rules, now: datetime, guard: TagGuard = OPEN
) -> list[Decision]:
    """Decide about every tag of a repository, newest first.

    ``tags`` are all tags of the repository, in any order; ``guard`` has the project's
    protection rules as they bind who deletes. Of equal dates, the
    greater name counts as newer. A tag that is exempt does not use up one of the
    ``keep_n`` places; those are given before ``older_than`` is looked at. A tag is
    older when its date is strictly earlier than ``now - older_than``. Tags that
    share a manifest are decided each on its own.

    Source: GitLab 12.5 docs, "Delete registry repository tags in bulk".
    """
    ranked = sorted(tags, key=attrgetter("name"), reverse=True)
    ranked.sort(key=attrgetter("created_at"), reverse=True)
    known = None if guard is OPEN else guard
    exempt = [_exempt(tag, known) for tag in ranked]
    pairs = zip(ranked, exempt, strict=True)
    judge = rules.judge([tag for tag, decision in pairs if decision is None], now)
    return [
        judge(tag) if decision is None else decision
        for tag, decision in zip(ranked, exempt, strict=True)
    ]


def warnings(rules: Rules) -> list[str]:
    """Say in sentences where rules may not mean what their author expects."""
    return rules.warnings()


def _exempt(tag: TagFacts, guard: TagGuard | None) -> Decision | None:
    """Decide about what no rule may delete, in order of precedence."""
    if tag.hold is not None:
        return Decision(tag, Rule.HOLD, f"It is held: {tag.hold}")
    if guard is not None:
        guarded = _decide_by_guard(tag, guard)
        if guarded is not None:
            return guarded
    if tag.name == NEVER_DELETED:
        return Decision(tag, Rule.LATEST, "The tag latest is never deleted.")
    return None


def _warnings(rules: BulkDelete) -> list[str]:
    found = []
    if not rules.delete.text:
        found.append("The delete pattern is empty: it matches no tag.")
    if rules.delete.differs_ungrouped:
        found.append(_ungrouped("delete", rules.delete))
    if rules.keep is not None and rules.keep.differs_ungrouped:
        found.append(_ungrouped("keep", rules.keep))
    if rules.keep_n < 0:
        found.append(f"keep_n is {rules.keep_n}: it acts as 0.")
    return found


def _ungrouped(role: str, pattern: Pattern) -> str:
    return (
        f"The {role} pattern {pattern.text!r} has alternatives: one of them must match "
        "the whole name, where GitLab also accepts a name that only begins with the "
        "first, ends with the last or contains another."
    )


class _BulkJudge:
    """Decides about tags that come newest first, and counts the places of keep_n."""

    def __init__(self, rules: BulkDelete, now: datetime) -> None:
        self._matches = rules.delete.matches
        self._is_kept = None if rules.keep is None else rules.keep.matches
        self._places = max(rules.keep_n, 0)
        self._places_used = 0
        self._cutoff = (
            None if rules.older_than is None else moment_before(now, rules.older_than)
        )
        # Written once, since a hundred thousand tags may share them.
        self._young_reason = f"It was not created before {_iso(self._cutoff)}."
        self._delete_reason = self._explain_delete()

    def decide(self, tag: TagFacts) -> Decision:
        """Apply the rules in order of precedence: the first that keeps a tag wins."""
        name = tag.name
        if not self._matches(name):
            return Decision(tag, Rule.UNMATCHED, _UNMATCHED_REASON)
        if self._is_kept is not None and self._is_kept(name):
            return Decision(tag, Rule.KEEP, "Its name matches the keep pattern.")
        return self._decide_by_rank_and_age(tag)

    def _decide_by_rank_and_age(self, tag: TagFacts) -> Decision:
        if self._places_used < self._places:
            self._places_used += 1
            reason = f"It is number {self._places_used} of the {self._places} newest."
            return Decision(tag, Rule.KEEP_N, reason)
        if self._cutoff is not None and tag.created_at >= self._cutoff:
            return Decision(tag, Rule.OLDER_THAN, self._young_reason)
        return Decision(tag, Rule.DELETE, self._delete_reason)

    def _explain_delete(self) -> str:
        reasons = ["Its name matches the delete pattern"]
        if self._places:
            reasons.append(f"it is not among the {self._places} newest")
        if self._cutoff is not None:
            reasons.append(f"it was created before {_iso(self._cutoff)}")
        return ", ".join(reasons) + "."


def _decide_by_guard(tag: TagFacts, guard: TagGuard) -> Decision | None:
    pattern = guard.immutable_by(tag.name)
    if pattern is not None:
        reason = f"It is immutable: its name matches the rule {pattern!r}."
        return Decision(tag, Rule.IMMUTABLE, reason)
    pattern = guard.undeletable_by(tag.name)
    if pattern is not None:
        reason = f"It is protected: its name matches the rule {pattern!r}."
        return Decision(tag, Rule.PROTECTED, reason)
    return None


def moment_before(now: datetime, duration: timedelta) -> datetime:
    """Return the moment that what is older lies strictly before."""
    try:
        return now - duration
    except OverflowError:
        # Before the calendar begins: nothing is older, nothing is deleted.
        return datetime.min.replace(tzinfo=UTC)


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
