"""Cleanup policies: rules that run again and again, on a project's or group's images.

Of GitLab's kind every project has one, switched off until somebody switches it on. Of
our own kind, in the rule language, projects and groups have as many as they like.

A cadence is a duration: a month has 30 days, whatever the calendar says. Policies know
no time zone, and so no daylight-saving time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from moorage.domain.cleanup import BulkDelete
from moorage.domain.durations import DurationInvalidError, parse_duration
from moorage.domain.errors import InvalidError, NotFoundError
from moorage.domain.patterns import Pattern, PatternInvalidError
from moorage.domain.projects import Scope

MAX_POLICIES = 50
"""Of our kind, per project or group."""

MIN_CADENCE, MAX_CADENCE = timedelta(minutes=1), timedelta(days=3660)
MAX_KEEP_N = 1_000_000

_NOT_LISTED = "is not included in the list"
_FIELD = "container_expiration_policy.{}"


class PolicyUnknownError(NotFoundError):
    """The project or group has no such policy."""

    message = "policy not found"


class TooManyPoliciesError(InvalidError):
    """The project or group has as many policies as it may."""

    message = "too many policies"


class PolicyKind(StrEnum):
    """In which language a policy's rules are written."""

    GITLAB = "gitlab"
    RULES = "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPolicy:
    """A policy to be made; ``rules`` is its document as it was given."""

    scope: Scope
    kind: PolicyKind
    name: str
    rules: Mapping[str, Any]
    cadence: str
    enabled: bool
    next_run_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(NewPolicy):
    """A policy as it stands."""

    id: int
    created_at: datetime

    @property
    def actor(self) -> str:
        """Who the history says did what a run of this policy does."""
        return "cleanup policy" if self.kind is PolicyKind.GITLAB else self.name


def parse_cadence(text: str) -> timedelta:
    """Read how often a policy runs.

    Raises:
        DurationInvalidError: Unreadable, under a minute or over ten years.
    """
    cadence = parse_duration(text)
    if not MIN_CADENCE <= cadence <= MAX_CADENCE:
        raise DurationInvalidError("cadence is not from a minute to ten years")
    return cadence


def run_after(due: datetime, cadence: timedelta, now: datetime) -> datetime:
    """Return when a policy is due again that was due, and maybe long overdue.

    Runs that were missed are one run; the others come when they would have come.
    """
    missed = max(now - due, timedelta(0)) // cadence
    return due + (missed + 1) * cadence


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupPolicy:
    """GitLab's cleanup policy of a project, its values as they were given.

    Source: GitLab registry API facts, "Cleanup policies".
    """

    cadence: str
    enabled: bool
    keep_n: int | None
    older_than: str | None
    name_regex: str | None
    name_regex_keep: str | None
    next_run_at: datetime | None

    @classmethod
    def default(cls, created_at: datetime) -> CleanupPolicy:
        """Return what a project has that was never given one."""
        return cls(
            cadence="1d",
            enabled=False,
            keep_n=10,
            older_than="90d",
            name_regex=".*",
            name_regex_keep=None,
            next_run_at=created_at + timedelta(days=1),
        )

    @classmethod
    def of(cls, policy: Policy) -> CleanupPolicy:
        """Return GitLab's view of a stored policy of its kind."""
        return cls(
            cadence=policy.cadence,
            enabled=policy.enabled,
            next_run_at=policy.next_run_at,
            **policy.rules,
        )

    @property
    def document(self) -> dict[str, Any]:
        """What is stored as a policy's rules."""
        return {
            "keep_n": self.keep_n,
            "older_than": self.older_than,
            "name_regex": self.name_regex,
            "name_regex_keep": self.name_regex_keep,
        }

    def changed(self, changes: Mapping[str, Any], now: datetime) -> CleanupPolicy:
        """Return it with some values changed, due a cadence after now.

        Only where it has no ``complaints`` the time is right.
        """
        wanted = replace(self, **changes)
        try:
            next_run_at = now + parse_cadence(wanted.cadence)
        except DurationInvalidError:
            return wanted
        return replace(wanted, next_run_at=next_run_at)

    def complaints(self) -> dict[str, list[str]]:
        """Return what is wrong, in GitLab's words, by field; nothing if it is right.

        Beside GitLab's own values any other duration and count is right.
        """
        found = {
            "cadence": _complaint_of_cadence(self.cadence),
            "keep_n": _complaint_of_count(self.keep_n),
            "older_than": _complaint_of_age(self.older_than),
            "name_regex": _complaint_of_pattern(self.name_regex),
            "name_regex_keep": _complaint_of_pattern(self.name_regex_keep),
        }
        if self.enabled and not self.name_regex:
            found["name_regex"] = "can't be blank"
        return {_FIELD.format(name): [text] for name, text in found.items() if text}

    def bulk_delete(self) -> BulkDelete:
        """Return the rules by which a run plans."""
        keep = self.name_regex_keep
        return BulkDelete(
            delete=Pattern.parse(self.name_regex or ""),
            keep=None if keep is None else Pattern.parse(keep),
            keep_n=self.keep_n or 0,
            older_than=None if not self.older_than else parse_duration(self.older_than),
        )


def _complaint_of_cadence(text: str) -> str | None:
    try:
        parse_cadence(text)
    except DurationInvalidError:
        return _NOT_LISTED
    return None


def _complaint_of_count(count: int | None) -> str | None:
    return None if count is None or 0 <= count <= MAX_KEEP_N else _NOT_LISTED


def _complaint_of_age(text: str | None) -> str | None:
    if not text:
        return None
    try:
        parse_duration(text)
    except DurationInvalidError:
        return _NOT_LISTED
    return None


def _complaint_of_pattern(text: str | None) -> str | None:
    try:
        Pattern.parse(text or "")
    except PatternInvalidError as error:
        return f"not valid RE2 syntax: {error}"
    return None
