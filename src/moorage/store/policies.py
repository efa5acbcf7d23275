"""Cleanup policies, and when they are due."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.policies import NewPolicy, Policy, PolicyKind
from moorage.domain.projects import Scope
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.times import from_us, from_us_or_none, to_us, to_us_or_none

_SQL = load("policies")


@dataclass(frozen=True, slots=True)
class Target:
    """A repository that a policy is run on."""

    repository_id: int
    project_id: int


def create(tx: Tx, policy: NewPolicy, *, now: datetime) -> Policy:
    """Make a policy."""
    row = tx.one(
        _SQL.create,
        project_id=policy.scope.project_id,
        namespace_id=policy.scope.namespace_id,
        kind=policy.kind,
        name=policy.name,
        rules=json.dumps(policy.rules),
        cadence=policy.cadence,
        enabled_at_us=to_us(now) if policy.enabled else None,
        next_run_at_us=to_us_or_none(policy.next_run_at),
        now_us=to_us(now),
    )
    if row is None:
        raise AssertionError
    return Policy(
        id=row["id"],
        scope=policy.scope,
        kind=policy.kind,
        name=policy.name,
        rules=policy.rules,
        cadence=policy.cadence,
        enabled=policy.enabled,
        next_run_at=policy.next_run_at,
        created_at=now,
    )


def update(tx: Tx, policy: Policy, *, now: datetime) -> None:
    """Save all of a policy but whose it is."""
    tx.run(
        _SQL.update,
        id=policy.id,
        name=policy.name,
        rules=json.dumps(policy.rules),
        cadence=policy.cadence,
        enabled_at_us=to_us(now) if policy.enabled else None,
        next_run_at_us=to_us_or_none(policy.next_run_at),
    )


def delete(tx: Tx, policy_id: int) -> None:
    """Remove a policy."""
    tx.run(_SQL.delete, id=policy_id)


def find(tx: Tx, policy_id: int) -> Policy | None:
    """Look a policy up."""
    row = tx.one(_SQL.find, id=policy_id)
    return None if row is None else _policy(row)


def list_of_projects(
    tx: Tx, project_ids: Sequence[int], kind: PolicyKind
) -> list[Policy]:
    """Return the policies that projects have of their own, oldest first."""
    ids = list(project_ids)
    rows = tx.all(_SQL.list_of_projects, project_ids=ids, kind=kind)
    return [_policy(row) for row in rows]


def list_of(tx: Tx, scope: Scope) -> list[Policy]:
    """Return the policies of our kind of a project or a group, oldest first."""
    if scope.project_id is not None:
        return list_of_projects(tx, [scope.project_id], PolicyKind.RULES)
    rows = tx.all(
        _SQL.list_of_namespace, namespace_id=scope.namespace_id, kind=PolicyKind.RULES
    )
    return [_policy(row) for row in rows]


def list_over_project(tx: Tx, project_id: int) -> list[Policy]:
    """Return the policies of our kind that are in force in a project, oldest first."""
    rows = tx.all(_SQL.list_over_project, project_id=project_id)
    return sorted((_policy(row) for row in rows), key=lambda policy: policy.id)


def find_due(tx: Tx, *, now: datetime) -> Policy | None:
    """Look up the policy that is due longest."""
    row = tx.one(_SQL.find_due, now_us=to_us(now))
    return None if row is None else _policy(row)


def take_turn(tx: Tx, policy: Policy, next_run_at: datetime) -> bool:
    """Move the time of a due policy on; return whether nobody else had."""
    moved = tx.run(
        _SQL.take_turn,
        id=policy.id,
        due_us=to_us_or_none(policy.next_run_at),
        next_us=to_us(next_run_at),
    )
    return moved == 1


def list_targets(tx: Tx, scope: Scope) -> list[Target]:
    """Return the repositories with tags of a project, or of a group at any depth.

    None of projects that are archived, or whose registry is switched off.
    """
    if scope.project_id is not None:
        rows = tx.all(_SQL.list_project_targets, project_id=scope.project_id)
    else:
        rows = tx.all(_SQL.list_namespace_targets, namespace_id=scope.namespace_id)
    return [Target(row["id"], row["project_id"]) for row in rows]


def _policy(row: Row) -> Policy:
    return Policy(
        id=row["id"],
        scope=Scope(row["project_id"], row["namespace_id"]),
        kind=PolicyKind(row["kind"]),
        name=row["name"],
        rules=json.loads(row["rules"]),
        cadence=row["cadence"],
        enabled=row["enabled_at_us"] is not None,
        next_run_at=from_us_or_none(row["next_run_at_us"]),
        created_at=from_us(row["created_at_us"]),
    )
