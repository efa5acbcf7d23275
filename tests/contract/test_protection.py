from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contract import rows
from contract.rows import NOW
from moorage.domain.protection import NewRule, ProtectionLevel, RuleKind
from moorage.store import projects, protection

if TYPE_CHECKING:
    from moorage.domain.protection import ProtectionRule
    from moorage.ports.database import Database, Tx

MAINTAINER, OWNER, ADMIN = ProtectionLevel


def a_rule(pattern: str = "^v", kind: RuleKind = RuleKind.TAG) -> NewRule:
    return NewRule(
        kind=kind, pattern=pattern, push_level=MAINTAINER, delete_level=OWNER
    )


def made(tx: Tx, project_id: int, new: NewRule) -> ProtectionRule:
    protection.lock_project(tx, project_id)
    rule = protection.create(tx, project_id, new, now=NOW)
    assert rule is not None
    return rule


async def test_rules_are_kept_by_project_and_kind(database: Database) -> None:
    def body(tx: Tx) -> None:
        project = rows.a_project(tx, rows.a_group(tx))
        tag = made(tx, project.id, a_rule())
        path = made(tx, project.id, a_rule("g/p", RuleKind.REPOSITORY))
        frozen = made(
            tx, project.id, NewRule(kind=RuleKind.TAG, pattern="x", immutable=True)
        )
        assert (tag.push_level, tag.delete_level, tag.immutable) == (
            MAINTAINER,
            OWNER,
            False,
        )
        assert (frozen.push_level, frozen.delete_level) == (None, None)
        assert frozen.immutable
        assert protection.list_rules(tx, project.id, RuleKind.TAG) == [tag, frozen]
        assert protection.list_rules(tx, project.id, RuleKind.REPOSITORY) == [path]
        assert protection.list_rules(tx, project.id + 1, RuleKind.TAG) == []
        assert protection.find(tx, path.id) == path
        assert protection.find(tx, 99) is None

    await database.write(body)


async def test_a_pattern_is_taken_once_per_project_and_kind(database: Database) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        project, other = rows.a_project(tx, group), rows.a_project(tx, group, "other")
        rule = made(tx, project.id, a_rule())
        assert protection.create(tx, project.id, a_rule(), now=NOW) is None
        made(tx, project.id, a_rule(kind=RuleKind.REPOSITORY))
        made(tx, other.id, a_rule())
        second = made(tx, project.id, a_rule("w"))
        assert not protection.update(tx, replace(second, pattern="^v"))
        assert protection.find(tx, second.id) == second
        changed = replace(rule, push_level=None, delete_level=ADMIN)
        assert protection.update(tx, changed)
        assert protection.find(tx, rule.id) == changed

    await database.write(body)


async def test_rules_go_one_by_one_or_with_their_project(database: Database) -> None:
    def body(tx: Tx) -> None:
        project = rows.a_project(tx, rows.a_group(tx))
        rule, other = made(tx, project.id, a_rule()), made(tx, project.id, a_rule("w"))
        assert protection.delete(tx, rule.id)
        assert not protection.delete(tx, rule.id)
        assert projects.delete(tx, project.id)
        assert protection.find(tx, other.id) is None

    await database.write(body)
