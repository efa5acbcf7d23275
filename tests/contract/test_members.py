from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from contract import rows
from contract.rows import NOW
from moorage.domain.access import Role
from moorage.domain.projects import Scope
from moorage.store import members, namespaces, shares
from moorage.store.members import ALL_MEMBERS, Line, MemberFilter

if TYPE_CHECKING:
    from datetime import datetime

    from moorage.domain.members import Member
    from moorage.ports.database import Database, Tx

TOMORROW = (NOW + timedelta(days=1)).date()


def direct(
    tx: Tx, of: Scope, now: datetime = NOW, wanted: MemberFilter = ALL_MEMBERS
) -> list[Member]:
    """List direct members, counted too."""
    found = members.list_direct(tx, of, wanted, now=now, limit=10, offset=0)
    assert members.count_direct(tx, of, wanted, now=now, limit=10) == len(found)
    return found


def everybody(
    tx: Tx, line: Line, now: datetime = NOW, wanted: MemberFilter = ALL_MEMBERS
) -> list[Member]:
    """List all members, counted too."""
    found = members.list_all(tx, line, wanted, now=now, limit=10, offset=0)
    assert members.count_all(tx, line, wanted, now=now, limit=10) == len(found)
    return found


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
        (member,) = everybody(tx, Line(project.id, own.id))
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
            for of in (Scope(project_id=project.id), Scope(namespace_id=group.id)):
                assert len(direct(tx, of, now)) == count
                found = members.find(tx, of, account.id, now)
                assert (found is not None) == bool(count)
            for line in (Line(project.id, group.id), Line(0, group.id)):
                assert len(everybody(tx, line, now)) == count
            levels = members.direct_levels(tx, [project.id], account.id, now)
            assert len(levels) == count

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
        first, second = direct(tx, Scope(project_id=project.id))
        assert (first.account, first.level) == (one, Role.GUEST)
        assert (second.account, second.level) == (two, Role.OWNER)
        assert (second.created_by, second.created_at) == (one, NOW)
        assert members.find(tx, Scope(project_id=project.id), one.id, NOW) == first
        (owner,) = direct(tx, Scope(namespace_id=group.id))
        assert owner.account == one
        assert not members.has_other_owner(tx, group.id, one.id, NOW)
        assert members.has_other_owner(tx, group.id, two.id, NOW)
        assert members.delete(tx, Scope(project_id=project.id), one.id)
        assert not members.delete(tx, Scope(project_id=project.id), one.id)
        assert members.delete(tx, Scope(namespace_id=group.id), one.id)
        assert not members.delete(tx, Scope(namespace_id=group.id), one.id)

    await database.write(body)


async def test_everybody_is_listed_once_with_their_highest_role(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        top, guests = rows.a_group(tx, "top"), rows.a_group(tx, "guests")
        inner = rows.a_group(tx, "inner", guests)
        middle = rows.a_group(tx, "middle", top)
        project = rows.a_project(tx, middle)
        one, two, three, four = (
            rows.an_account(tx, name) for name in ("Ann", "bob", "cy", "dot")
        )
        line = Line(project.id, middle.id)
        for of, account, level in (
            (Scope(project_id=project.id), one, Role.GUEST),
            (Scope(namespace_id=top.id), one, Role.DEVELOPER),
            (Scope(project_id=project.id), two, Role.REPORTER),
            (Scope(namespace_id=middle.id), two, Role.REPORTER),
            (Scope(namespace_id=inner.id), three, Role.OWNER),
            (Scope(namespace_id=guests.id), four, Role.GUEST),
            (Scope(namespace_id=inner.id), two, Role.OWNER),
        ):
            members.put(tx, of, account.id, level, now=NOW)
        assert [(m.account, m.level) for m in everybody(tx, line)] == [
            (one, Role.DEVELOPER),
            (two, Role.REPORTER),
        ]
        shares.create(
            tx,
            Scope(project_id=project.id),
            inner.id,
            Role.MAINTAINER,
            expires_on=None,
            now=NOW,
        )
        assert [(m.account, m.level) for m in everybody(tx, line)] == [
            (one, Role.DEVELOPER),
            (two, Role.MAINTAINER),
            (three, Role.MAINTAINER),
            (four, Role.GUEST),
        ]
        # A group is a line of its own: what the project was given says nothing there.
        assert [m.account for m in everybody(tx, Line(0, middle.id))] == [one, two]

    await database.write(body)


async def test_members_are_searched_chosen_and_left_out(database: Database) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        found = [rows.an_account(tx, name) for name in ("Ann", "bob", "Bobby")]
        for account in found:
            of = Scope(namespace_id=group.id)
            members.put(tx, of, account.id, Role.GUEST, now=NOW)
        one, two, three = (account.id for account in found)
        for wanted, ids in (
            (MemberFilter(search="bob"), [two, three]),
            (MemberFilter(account_ids=[one, three, 99]), [one, three]),
            (MemberFilter(account_ids=[]), []),
            (MemberFilter(skipped=[two]), [one, three]),
            (MemberFilter(search="bob", skipped=[three]), [two]),
        ):
            listed = direct(tx, Scope(namespace_id=group.id), wanted=wanted)
            assert [member.account.id for member in listed] == ids
            listed = everybody(tx, Line(0, group.id), wanted=wanted)
            assert [member.account.id for member in listed] == ids

    await database.write(body)
