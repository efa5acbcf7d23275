"""Protection rules of projects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from moorage.domain.errors import ValidationError
from moorage.domain.protection import (
    NewRule,
    ProtectionLevel,
    ProtectionRule,
    RuleKind,
)
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store.times import from_us, to_us

_SQL = load("protection")


def list_rules(tx: Tx, project_id: int, kind: RuleKind) -> list[ProtectionRule]:
    """Return a project's rules of one kind, oldest first."""
    rows = tx.all(_SQL.list_rules, project_id=project_id, kind=kind)
    return [_rule(row) for row in rows]


def find(tx: Tx, rule_id: int) -> ProtectionRule | None:
    """Return a rule by id."""
    row = tx.one(_SQL.find, rule_id=rule_id)
    return None if row is None else _rule(row)


def lock_project(tx: Tx, project_id: int) -> None:
    """Make others wait who would make rules or immutable tags in the project."""
    tx.one(_SQL.lock_project, project_id=project_id)


def create(
    tx: Tx, project_id: int, new: NewRule, *, now: datetime
) -> ProtectionRule | None:
    """Make a rule; return none if another of the project has its pattern."""
    row = tx.one(
        _SQL.create,
        project_id=project_id,
        kind=new.kind,
        pattern=new.pattern,
        push_level=_number(new.push_level),
        delete_level=_number(new.delete_level),
        immutable_at_us=to_us(now) if new.immutable else None,
        now_us=to_us(now),
    )
    return None if row is None else _rule(row)


def update(tx: Tx, rule: ProtectionRule) -> bool:
    """Save pattern and levels; return whether the pattern was free."""
    touched = tx.run(
        _SQL.update,
        rule_id=rule.id,
        pattern=rule.pattern,
        push_level=_number(rule.push_level),
        delete_level=_number(rule.delete_level),
    )
    return touched == 1


def delete(tx: Tx, rule_id: int) -> bool:
    """Remove a rule; return whether it was there."""
    return tx.run(_SQL.delete, rule_id=rule_id) == 1


def _number(level: ProtectionLevel | None) -> int | None:
    return None if level is None else int(level)


def _level(number: int | None) -> ProtectionLevel | None:
    return None if number is None else ProtectionLevel(number)


def _rule(row: Row) -> ProtectionRule:
    return ProtectionRule(
        id=row["id"],
        project_id=row["project_id"],
        kind=RuleKind(row["kind"]),
        pattern=row["pattern"],
        push_level=_level(row["push_level"]),
        delete_level=_level(row["delete_level"]),
        immutable=row["immutable_at_us"] is not None,
        created_at=from_us(row["created_at_us"]),
    )


def follow(tx: Tx, project_ids: Sequence[int], old: str, new: str) -> None:
    """Let rules for repositories protect what they did when their projects move.

    Raises:
        ValidationError: Two of a project, which spelt its path differently, would
            become the same.
    """
    ids, rest_from = list(project_ids), len(old) + 1
    if tx.one(_SQL.colliding, project_ids=ids, rest_from=rest_from) is not None:
        raise ValidationError(repository_path_pattern=["has already been taken"])
    tx.run(_SQL.follow, project_ids=ids, full_path=new, rest_from=rest_from)
