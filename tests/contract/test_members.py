from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from contract import rows
from contract.rows import NOW
from moorage.domain.access import Role
from moorage.domain.projects import Scope
from moorage.store import members, namespaces

if TYPE_CHECKING:
    from moorage.ports.database import Database, Tx

TOMORROW = (NOW + timedelta(days=1)).date()


async def test_the_highest_of_all_roles_counts(database: Database) -> None:
    def body(tx: Tx) -> None:
        top = rows.a_group(tx, "top")
        middle = rows.a_group(tx, "middle", top)
        project = rows.a_project(tx, middle)
        account = rows.an_account(tx, "jane")

        def level() -> Role:
            return members.project_level(tx, project, account.id, NOW)

        assert level() is Role.NONE
        members.put(
            tx, Scope(project_id=project.id), account.id, Role.REPORTER, now=NOW
        )
        assert level() is Role.REPORTER
        members.put(
            tx, Scope(namespace_id=top.id), account.id, Role.MAINTAINER, now=NOW
        )
        assert level() is Role.MAINTAINER
        members.put(tx, Scope(namespace_id=middle.id), account.id, Role.GUEST, now=NOW)
        assert level() is Role.MAINTAINER
        assert members.group_level(tx, middle.id, account.id, NOW) is Role.MAINTAINER
        assert members.group_level(tx, top.id, account.id, NOW) is Role.MAINTAINER
        assert members.direct_levels(tx, [project.id, 99], account.id, NOW) == {
            project.id: Role.REPORTER
        }

    await database.write(body)


async def test_who_owns_the_namespace_owns_the_project(database: Database) -> None:
    def body(tx: Tx) -> None:
        owner, other = rows.an_account(tx, "jane"), rows.an_account(tx, "joe")
        own = namespaces.create_personal(tx, owner, now=NOW)
        project = rows.a_project(tx, own)
        assert members.project_level(tx, project, owner.id, NOW) is Role.OWNER
        assert members.group_level(tx, own.id, owner.id, NOW) is Role.OWNER
        assert members.project_level(tx, project, other.id, NOW) is Role.NONE
        (member,) = members.above(tx, own.id, NOW)
        assert (member.account, member.level) == (owner, Role.OWNER)

    await database.write(body)


async def test_a_membership_of_a_sibling_says_nothing(database: Database) -> None:
    def body(tx: Tx) -> None:
        top = rows.a_group(tx, "top")
        one, other = rows.a_group(tx, "one", top), rows.a_group(tx, "other", top)
        account = rows.an_account(tx, "jane")
        members.put(tx, Scope(namespace_id=one.id), account.id, Role.OWNER, now=NOW)
        assert members.group_level(tx, other.id, account.id, NOW) is Role.NONE
        assert members.group_level(tx, top.id, account.id, NOW) is Role.NONE

    await database.write(body)


async def test_a_membership_ends_at_the_start_of_its_day(database: Database) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        project = rows.a_project(tx, group)
        account = rows.an_account(tx, "jane")
        for of in (Scope(project_id=project.id), Scope(namespace_id=group.id)):
            members.put(tx, of, account.id, Role.GUEST, now=NOW, expires_on=TOMORROW)
        for now, level, count in (
            (NOW, Role.GUEST, 1),
            (NOW + timedelta(hours=12), Role.NONE, 0),
        ):
            assert members.project_level(tx, project, account.id, now) is level
            assert members.group_level(tx, group.id, account.id, now) is level
            assert len(members.direct(tx, Scope(project_id=project.id), now)) == count
            assert len(members.direct(tx, Scope(namespace_id=group.id), now)) == count
            assert len(members.above(tx, group.id, now)) == count
            found = members.direct_levels(tx, [project.id], account.id, now)
            assert len(found) == count

    await database.write(body)


async def test_members_are_put_listed_and_deleted(database: Database) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        project = rows.a_project(tx, group)
        one, two = rows.an_account(tx, "one"), rows.an_account(tx, "two")
        members.put(tx, Scope(namespace_id=group.id), one.id, Role.OWNER, now=NOW)
        for account in (two, one):
            members.put(
                tx,
                Scope(project_id=project.id),
                account.id,
                Role.GUEST,
                now=NOW,
                created_by_id=one.id,
            )
        members.put(tx, Scope(project_id=project.id), two.id, Role.OWNER, now=NOW)
        first, second = members.direct(tx, Scope(project_id=project.id), NOW)
        assert (first.account, first.level) == (one, Role.GUEST)
        assert (second.account, second.level) == (two, Role.OWNER)
        assert (second.created_by, second.created_at) == (one, NOW)
        assert [
            member.account
            for member in members.direct(tx, Scope(namespace_id=group.id), NOW)
        ] == [one]
        assert members.delete(tx, Scope(project_id=project.id), one.id)
        assert not members.delete(tx, Scope(project_id=project.id), one.id)
        assert members.delete(tx, Scope(namespace_id=group.id), one.id)
        assert not members.delete(tx, Scope(namespace_id=group.id), one.id)

    await database.write(body)
