"""Policies: list, make, change, delete; what they mean for a repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from moorage.domain.access import RegistryAccess
from moorage.domain.cleanup import Rules
from moorage.domain.jobs import JobKind, NewJob
from moorage.domain.policies import (
    MAX_POLICIES,
    CleanupPolicy,
    NewPolicy,
    Policy,
    PolicyKind,
    PolicyUnknownError,
    TooManyPoliciesError,
    parse_cadence,
    run_after,
)
from moorage.domain.projects import Project, Scope
from moorage.domain.rules import NamedRule, RuleSet, Sparing
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import jobs, namespaces, policies, projects


@dataclass(frozen=True, slots=True)
class PolicyRequest:
    """What a policy shall be. Its values were read and are right."""

    name: str
    rules: Mapping[str, Any]
    cadence: str
    enabled: bool = True


class Policies:
    """The policies in our language; who may is checked before.

    Every save makes a policy due a cadence later.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def list_of(self, scope: Scope) -> list[Policy]:
        """Return those of a project or a group, oldest first."""
        return await self._database.quick(lambda tx: policies.list_of(tx, scope))

    async def get(self, scope: Scope, policy_id: int) -> Policy:
        """Return one.

        Raises:
            PolicyUnknownError: The project or group has none of this id.
        """
        return await self._database.quick(lambda tx: _get(tx, scope, policy_id))

    async def create(self, scope: Scope, wanted: PolicyRequest) -> Policy:
        """Make one.

        Raises:
            TooManyPoliciesError: There are as many as there may be.
        """
        now = self._clock.now()
        new = NewPolicy(
            scope=scope,
            kind=PolicyKind.RULES,
            name=wanted.name,
            rules=wanted.rules,
            cadence=wanted.cadence,
            enabled=wanted.enabled,
            next_run_at=now + parse_cadence(wanted.cadence),
        )

        def body(tx: Tx) -> Policy:
            if len(policies.list_of(tx, scope)) >= MAX_POLICIES:
                raise TooManyPoliciesError(f"there are {MAX_POLICIES} already")
            return policies.create(tx, new, now=now)

        return await self._database.write(body)

    async def update(
        self, scope: Scope, policy_id: int, changes: Mapping[str, Any]
    ) -> Policy:
        """Change the name, rules, cadence of one, or whether it is switched on.

        Raises:
            PolicyUnknownError: The project or group has none of this id.
        """
        now = self._clock.now()

        def body(tx: Tx) -> Policy:
            changed = replace(_get(tx, scope, policy_id), **changes)
            next_run_at = now + parse_cadence(changed.cadence)
            changed = replace(changed, next_run_at=next_run_at)
            policies.update(tx, changed, now=now)
            return changed

        return await self._database.write(body)

    async def delete(self, scope: Scope, policy_id: int) -> None:
        """Remove one.

        Raises:
            PolicyUnknownError: The project or group has none of this id.
        """

        def body(tx: Tx) -> None:
            policies.delete(tx, _get(tx, scope, policy_id).id)

        await self._database.write(body)


def _get(tx: Tx, scope: Scope, policy_id: int) -> Policy:
    found = policies.find(tx, policy_id)
    if found is None or found.scope != scope or found.kind is not PolicyKind.RULES:
        raise PolicyUnknownError
    return found


# GitLab's policy of a project


def cleanup_policies(
    tx: Tx, created: Mapping[int, datetime]
) -> dict[int, CleanupPolicy]:
    """Return GitLab's policies of projects, given when the projects were created."""
    found = {each: CleanupPolicy.default(at) for each, at in created.items()}
    for policy in policies.list_of_projects(tx, list(created), PolicyKind.GITLAB):
        found[policy.scope.project_id or 0] = CleanupPolicy.of(policy)
    return found


def save_cleanup_policy(
    tx: Tx, project_id: int, wanted: CleanupPolicy, *, now: datetime
) -> None:
    """Store GitLab's policy of a project, whose row is locked."""
    new = NewPolicy(
        scope=Scope(project_id=project_id),
        kind=PolicyKind.GITLAB,
        name="",
        rules=wanted.document,
        cadence=wanted.cadence,
        enabled=wanted.enabled,
        next_run_at=wanted.next_run_at,
    )
    found = policies.list_of_projects(tx, [project_id], PolicyKind.GITLAB)
    if not found:
        policies.create(tx, new, now=now)
        return
    changed = replace(
        found[0],
        rules=new.rules,
        cadence=new.cadence,
        enabled=new.enabled,
        next_run_at=new.next_run_at,
    )
    policies.update(tx, changed, now=now)


# Runs


def queue_due(tx: Tx, *, now: datetime) -> bool:
    """Queue a job per repository of the policy that is due longest; ``False`` if none.

    However many ask at once, one of them queues. A repository that the last run of the
    policy is not through with is left to that run.
    """
    policy = policies.find_due(tx, now=now)
    if policy is None or policy.next_run_at is None:
        return False
    cadence = parse_cadence(policy.cadence)
    if policies.take_turn(tx, policy, run_after(policy.next_run_at, cadence, now)):
        for target in policies.list_targets(tx, policy.scope):
            jobs.enqueue(tx, _job(policy, target), now=now)
    return True


def _job(policy: Policy, target: policies.Target) -> NewJob:
    return NewJob(
        kind=JobKind.RUN_POLICY,
        arguments={
            "project_id": target.project_id,
            "account_id": None,
            "policy_id": policy.id,
        },
        actor=policy.actor,
        repository_id=target.repository_id,
        dedup_key=f"{JobKind.RUN_POLICY}:{policy.id}:{target.repository_id}",
    )


def rules_of(tx: Tx, policy_id: int, project_id: int) -> Rules:
    """Return what a policy's run on a project's repository plans by.

    What any policy that is in force in the project keeps, this one keeps too. One that
    is gone or switched off deletes nothing, nor does one that the project moved away
    from; and nothing goes from a project that rests.
    """
    policy = policies.find(tx, policy_id)
    if policy is None or not policy.enabled or not _acts_on(tx, policy, project_id):
        return RuleSet((), ())
    others = _kept_by_others(tx, policy_id, project_id)
    if policy.kind is PolicyKind.GITLAB:
        rules = CleanupPolicy.of(policy).bulk_delete()
        return Sparing(rules, tuple(others)) if others else rules
    return RuleSet.parse(policy.rules).sparing(others)


def _acts_on(tx: Tx, policy: Policy, project_id: int) -> bool:
    project = projects.find(tx, project_id)
    if project is None or project.archived_at is not None:
        return False
    enabled = project.registry_access is not RegistryAccess.DISABLED
    return enabled and _is_over(tx, policy, project)


def _is_over(tx: Tx, policy: Policy, project: Project) -> bool:
    """Whether a policy is a project's own, or of a group around it."""
    chain = namespaces.chains(tx, [project.namespace_id])[project.namespace_id]
    around = [Scope(namespace_id=each.id) for each in chain]
    return policy.scope in (Scope(project_id=project.id), *around)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a policy would do: one that there is, with other rules, or a new one.

    At least one of the two is given. A policy is taken for switched on.
    """

    rules: RuleSet | None
    policy_id: int | None

    def rules_in(self, tx: Tx, project_id: int) -> Rules:
        """Return what a run on a project's repository would plan by.

        Raises:
            PolicyUnknownError: None of our kind over the project has the id.
        """
        rules = self.rules
        if self.policy_id is not None:
            stored = _get_over(tx, project_id, self.policy_id)
            rules = rules or RuleSet.parse(stored.rules)
        others = _kept_by_others(tx, self.policy_id, project_id)
        return (rules or RuleSet((), ())).sparing(others)


def _get_over(tx: Tx, project_id: int, policy_id: int) -> Policy:
    """Return a policy of a project, or of a group around it."""
    found, project = policies.find(tx, policy_id), projects.find(tx, project_id)
    if found is None or project is None or found.kind is not PolicyKind.RULES:
        raise PolicyUnknownError
    if not _is_over(tx, found, project):
        raise PolicyUnknownError
    return found


def _kept_by_others(tx: Tx, policy_id: int | None, project_id: int) -> list[NamedRule]:
    """Return what policies in force in a project keep, but for one of them."""
    return [
        rule
        for other in policies.list_over_project(tx, project_id)
        if other.id != policy_id
        for rule in _keeping(other)
    ]


def _keeping(policy: Policy) -> list[NamedRule]:
    keep = RuleSet.parse(policy.rules).keep
    return [replace(rule, name=f"{policy.name}: {rule.name}") for rule in keep]
