"""Protection rules: list, make, change, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from moorage.domain.access import Ability, Principal, Role, may
from moorage.domain.errors import ForbiddenError, UnauthenticatedError
from moorage.domain.protection import (
    MAX_TAG_RULES,
    NewRule,
    NewTagRuleInvalidError,
    ProtectionRule,
    RuleChangedError,
    RuleInvalidError,
    RuleKind,
    RuleUnknownError,
    TooManyRulesError,
    check_rule,
)
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import rights
from moorage.services.rights import NumberOrPath, VisibleProject
from moorage.store import protection

_TAKEN = {
    RuleKind.REPOSITORY: "Repository path pattern has already been taken",
    RuleKind.TAG: "Tag name pattern has already been taken",
}
_IMMUTABLE = "Immutable tag rules cannot be changed"


class Protection:
    """What those do to rules who administer a project's images."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_rules(
        self, principal: Principal, reference: NumberOrPath, kind: RuleKind
    ) -> list[ProtectionRule]:
        """Return a project's rules of one kind, oldest first.

        Raises:
            UnauthenticatedError: Nobody signed in.
            ProjectUnknownError: The caller sees no such project.
            ForbiddenError: They may not administer its images.
        """
        now = self._clock.now()

        def body(tx: Tx) -> list[ProtectionRule]:
            seen = _administered(tx, principal, reference, now)
            return protection.list_rules(tx, seen.project.id, kind)

        return await self._database.quick(body)

    async def create(
        self, principal: Principal, reference: NumberOrPath, new: NewRule
    ) -> ProtectionRule:
        """Make a rule.

        Raises:
            UnauthenticatedError, ProjectUnknownError: As for ``list_rules``.
            ForbiddenError: They may not; an immutable rule is made by owners.
            RuleInvalidError: It is none, or one with its pattern is there.
            TooManyRulesError: There are as many tag rules as there may be.
        """
        now = self._clock.now()
        tag = new.kind is RuleKind.TAG
        invalid = NewTagRuleInvalidError if tag else RuleInvalidError

        def body(tx: Tx) -> ProtectionRule:
            seen = _administered(tx, principal, reference, now)
            if new.immutable:
                rights.require(principal, seen.access.level, Role.OWNER)
            complaints = check_rule(new, seen.project.full_path)
            if complaints:
                raise invalid(complaints=complaints)
            if tag:
                _check_count(tx, seen.project.id)
            made = protection.create(tx, seen.project.id, new, now=now)
            if made is None:
                raise invalid(complaints=[_TAKEN[new.kind]])
            return made

        return await self._database.write(body)

    async def update(
        self,
        principal: Principal,
        reference: NumberOrPath,
        kind: RuleKind,
        rule_id: int,
        changes: Mapping[str, Any],
    ) -> ProtectionRule:
        """Change the pattern or the levels of a rule; ``changes`` are its fields.

        Raises:
            UnauthenticatedError, ProjectUnknownError: As for ``list_rules``.
            ForbiddenError: They may not, or the rule is immutable.
            RuleUnknownError: The project has no such rule.
            RuleInvalidError: It would be none, or another has its pattern.
        """
        now = self._clock.now()

        def body(tx: Tx) -> ProtectionRule:
            seen = _administered(tx, principal, reference, now)
            found = _one_of(tx, seen.project.id, kind, rule_id)
            if found.immutable:
                raise ForbiddenError(_IMMUTABLE)
            changed = replace(found, **changes)
            complaints = check_rule(changed, seen.project.full_path)
            if complaints:
                raise RuleInvalidError(complaints=complaints)
            if not protection.update(tx, changed):
                raise RuleInvalidError(complaints=[_TAKEN[kind]])
            return changed

        return await self._database.write(body)

    async def delete(
        self,
        principal: Principal,
        reference: NumberOrPath,
        kind: RuleKind,
        rule_id: int,
        *,
        unless_after: datetime | None = None,
    ) -> None:
        """Delete a rule, unless it was made after a given second.

        Raises:
            UnauthenticatedError, ProjectUnknownError: As for ``list_rules``.
            ForbiddenError: They may not; an immutable rule is deleted by owners.
            RuleUnknownError: The project has no such rule.
            RuleChangedError: It is younger than that.
        """
        now = self._clock.now()

        def body(tx: Tx) -> None:
            seen = _administered(tx, principal, reference, now)
            found = _one_of(tx, seen.project.id, kind, rule_id)
            if found.immutable:
                rights.require(principal, seen.access.level, Role.OWNER)
            if unless_after is not None:
                _check_age(found, unless_after)
            protection.delete(tx, found.id)

        await self._database.write(body)


def _administered(
    tx: Tx, principal: Principal, reference: NumberOrPath, now: datetime
) -> VisibleProject:
    if principal.anonymous:
        raise UnauthenticatedError
    seen = rights.project_for(tx, principal, reference, now)
    if not may(principal, Ability.ADMIN_IMAGE, seen.access):
        raise ForbiddenError
    return seen


def _one_of(tx: Tx, project_id: int, kind: RuleKind, rule_id: int) -> ProtectionRule:
    found = protection.find(tx, rule_id)
    if found is None or (found.project_id, found.kind) != (project_id, kind):
        raise RuleUnknownError
    return found


def _check_count(tx: Tx, project_id: int) -> None:
    protection.lock_project(tx, project_id)
    if len(protection.list_rules(tx, project_id, RuleKind.TAG)) >= MAX_TAG_RULES:
        raise TooManyRulesError


def _check_age(rule: ProtectionRule, time: datetime) -> None:
    """Let pass a rule that is no younger than an HTTP date, which has no fraction."""
    if rule.created_at >= time + timedelta(seconds=1):
        raise RuleChangedError
