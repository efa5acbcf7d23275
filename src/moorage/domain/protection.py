"""Protection rules: who may push and delete what, and what nobody may change.

Rules belong to a project. Those for repositories choose paths with wildcards; those for
tags choose names with RE2 expressions, found anywhere in the name. Of several rules
that match, the strictest decides, for pushing and for deleting apart.

Source: GitLab registry API facts, "Protection rules for repositories", "Protection
rules for tags", "Immutable tags".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import lru_cache

from moorage.domain.access import Principal, Role
from moorage.domain.errors import (
    ForbiddenError,
    InvalidError,
    NameInvalidError,
    NotFoundError,
    PreconditionError,
)
from moorage.domain.names import RepositoryName
from moorage.domain.patterns import Pattern, PatternInvalidError

MAX_TAG_RULES = 5
"""Per project, protecting and immutable ones together."""

MAX_TAG_PATTERN_LENGTH = 100
MAX_PATH_PATTERN_LENGTH = 255

NOBODY = 0
"""The standing of what acts for no person: every rule stops it."""

_WILDCARD = "*"


class RuleKind(StrEnum):
    """What a rule protects."""

    REPOSITORY = "repository"
    TAG = "tag"


class ProtectionLevel(IntEnum):
    """The least standing that a rule asks for."""

    MAINTAINER = 40
    OWNER = 50
    ADMIN = 60


class RuleUnknownError(NotFoundError):
    """No such rule in the project."""

    message = "protection rule not found"


class RuleInvalidError(InvalidError):
    """A rule that is none. ``detail["complaints"]`` has a sentence on each mistake."""

    message = "protection rule is invalid"


class NewTagRuleInvalidError(RuleInvalidError):
    """The same of a tag rule that was to be made."""


class TooManyRulesError(InvalidError):
    """The project has as many tag rules as it may."""

    message = "Maximum number of protection rules have been reached."


class RuleChangedError(PreconditionError):
    """The rule is younger than the caller thinks."""

    message = "the protection rule was changed"


class ProtectedPathError(ForbiddenError):
    """A push to a repository that a rule protects."""

    message = "Pushing to protected repository path forbidden"


class ProtectedRepositoryError(ForbiddenError):
    """The deletion of a repository that a rule protects."""

    message = "Deleting protected container repository forbidden."


class ProtectedTagError(ForbiddenError):
    """A push to, or deletion of, a tag that a rule protects."""

    message = "insufficient permissions to push or delete protected tag"


class ImmutableTagError(ForbiddenError):
    """A change to a tag that is never to change."""

    message = "tag is immutable"


class ProtectedManifestError(ForbiddenError):
    """The deletion of a manifest where some tags are never to change."""

    message = "manifests cannot be deleted where tags are immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRule:
    """A rule to be made. An immutable one has no levels."""

    kind: RuleKind
    pattern: str
    push_level: ProtectionLevel | None = None
    delete_level: ProtectionLevel | None = None
    immutable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionRule(NewRule):
    """A rule as it stands."""

    id: int
    project_id: int
    created_at: datetime


def standing(principal: Principal, level: Role) -> int:
    """Return what rules compare with their levels."""
    return int(ProtectionLevel.ADMIN if principal.admin else level)


# Whether a rule is one


def check_rule(rule: NewRule, project_path: str) -> list[str]:
    """Return a sentence on everything that is wrong with a rule."""
    if rule.kind is RuleKind.TAG:
        return _check_tag_pattern(rule.pattern)
    complaints = _check_path_pattern(rule.pattern, project_path)
    if rule.push_level is None and rule.delete_level is None:
        complaints.append(
            "A rule must have at least a minimum access role for push or delete."
        )
    return complaints


def _check_tag_pattern(pattern: str) -> list[str]:
    if not pattern.strip():
        return ["Tag name pattern can't be blank"]
    if len(pattern) > MAX_TAG_PATTERN_LENGTH:
        most = f"(maximum is {MAX_TAG_PATTERN_LENGTH} characters)"
        return [f"Tag name pattern is too long {most}"]
    try:
        Pattern.parse(pattern)
    except PatternInvalidError as error:
        return [f"Tag name pattern not valid RE2 syntax: {error}"]
    return []


def _check_path_pattern(pattern: str, project_path: str) -> list[str]:
    if not pattern.strip():
        return ["Repository path pattern can't be blank"]
    complaints = []
    if len(pattern) > MAX_PATH_PATTERN_LENGTH:
        most = f"(maximum is {MAX_PATH_PATTERN_LENGTH} characters)"
        complaints.append(f"Repository path pattern is too long {most}")
    if not pattern.lower().startswith(project_path.lower()):
        complaints.append(
            "Repository path pattern should start with the project's full path"
        )
    try:
        RepositoryName.parse(pattern.lower().replace(_WILDCARD, "x"))
    except NameInvalidError:
        complaints.append(
            "Repository path pattern should be a valid container repository path with "
            "optional wildcard characters."
        )
    return complaints


# What rules stop


def path_matches(pattern: str, path: str) -> bool:
    """Whether a path is chosen; ``*`` stands for anything, and case for nothing."""
    first, *rest = pattern.lower().split(_WILDCARD)
    path = path.lower()
    if not rest:
        return path == first
    if not path.startswith(first):
        return False
    at = len(first)
    *middle, last = rest
    for part in middle:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return path.endswith(last) and len(path) - len(last) >= at


def check_path_push(rules: Iterable[ProtectionRule], path: str, caller: int) -> None:
    """Let pass a push to a repository that no rule stops.

    Raises:
        ProtectedPathError: One does.
    """
    if any(
        _exceeds(r.push_level, caller) and path_matches(r.pattern, path) for r in rules
    ):
        raise ProtectedPathError


def check_path_deletion(
    rules: Iterable[ProtectionRule], path: str, caller: int
) -> None:
    """Let pass the deletion of a repository that no rule stops.

    Raises:
        ProtectedRepositoryError: One does.
    """
    if any(
        _exceeds(r.delete_level, caller) and path_matches(r.pattern, path)
        for r in rules
    ):
        raise ProtectedRepositoryError


class TagGuard:
    """The tag rules of a project, as far as they stop a caller.

    Administrators are stopped by immutable rules alone, which stop everybody.
    """

    def __init__(
        self, rules: Sequence[ProtectionRule] = (), caller: int = NOBODY
    ) -> None:
        self._immutable = [rule.pattern for rule in rules if rule.immutable]
        self._no_push = [
            rule.pattern for rule in rules if _exceeds(rule.push_level, caller)
        ]
        self._no_delete = [
            rule.pattern for rule in rules if _exceeds(rule.delete_level, caller)
        ]

    @property
    def knows_immutable(self) -> bool:
        """Whether some tags are never to change."""
        return bool(self._immutable)

    @property
    def stops_deletions(self) -> bool:
        """Whether there are tags, maybe, that the caller may not delete."""
        return bool(self._no_delete)

    def immutable_by(self, name: str) -> str | None:
        """Return the pattern that makes a tag immutable once it is there."""
        return _first(self._immutable, name)

    def undeletable_by(self, name: str) -> str | None:
        """Return the pattern that keeps a tag from being deleted by the caller."""
        return _first(self._no_delete, name)

    def allows_deletion(self, name: str) -> bool:
        """Whether neither kind of rule keeps a tag."""
        return self.undeletable_by(name) is None and self.immutable_by(name) is None

    def check_push(self, name: str, *, exists: bool) -> None:
        """Let pass a push.

        Raises:
            ProtectedTagError: The caller may not push this tag.
            ImmutableTagError: It is there, and never to change.
        """
        if _first(self._no_push, name) is not None:
            raise ProtectedTagError(tag=name)
        if exists and self.immutable_by(name) is not None:
            raise ImmutableTagError(tag=name)

    def check_deletion(self, name: str) -> None:
        """Let pass the deletion of one tag.

        Raises:
            ProtectedTagError: The caller may not delete this tag.
            ImmutableTagError: Nobody may.
        """
        if self.undeletable_by(name) is not None:
            raise ProtectedTagError(tag=name)
        if self.immutable_by(name) is not None:
            raise ImmutableTagError(tag=name)


OPEN = TagGuard()
"""Stops nothing."""


def _exceeds(level: ProtectionLevel | None, caller: int) -> bool:
    return level is not None and caller < level


def _first(patterns: Sequence[str], name: str) -> str | None:
    return next((text for text in patterns if _compiled(text).found_in(name)), None)


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Pattern:
    return Pattern.parse(text)
