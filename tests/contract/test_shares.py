"""Groups invited to projects and groups, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from contract import rows
from contract.rows import NOW
from moorage.domain.access import Role
from moorage.domain.projects import Scope
from moorage.store import members, shares

if TYPE_CHECKING:
    from moorage.ports.database import Database, Tx

TOMORROW = (NOW + timedelta(days=1)).date()


async def test_members_of_an_invited_group_have_their_role_up_to_a_limit(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        top = rows.a_group(tx, "top")
        project = rows.a_project(tx, rows.a_group(tx, "inner", top))
        above = rows.a_group(tx, "above")
        invited = rows.a_group(tx, "invited", above)
        guest, owner, inheriting = (
            rows.an_account(tx, name) for name in ("guest", "owner", "inheriting")
        )
        for group, account, level in (
            (invited, guest, Role.GUEST),
            (invited, owner, Role.OWNER),
            (above, inheriting, Role.MAINTAINER),
        ):
            of = Scope(namespace_id=group.id)
            members.put(tx, of, account.id, level, now=NOW)

        def levels() -> list[Role]:
            found = [
                members.project_level(tx, project, account.id, NOW)
                for account in (guest, owner, inheriting)
            ]
            reached = [members.reach(tx, account.id, NOW) for account in (guest, owner)]
            for reach, level in zip(reached, found, strict=False):
                seen = max(
                    reach.projects.get(project.id, Role.NONE),
                    reach.namespaces.get(project.namespace_id, Role.NONE),
                )
                assert seen is level
            return found

        nothing = [Role.NONE] * 3
        limited = [Role.GUEST, Role.DEVELOPER, Role.DEVELOPER]
        assert levels() == nothing
        for of in (Scope(project_id=project.id), Scope(namespace_id=top.id)):
            made = shares.create(
                tx, of, invited.id, Role.DEVELOPER, expires_on=TOMORROW, now=NOW
            )
            assert made is not None
            assert levels() == limited
            again = shares.create(
                tx, of, invited.id, Role.OWNER, expires_on=None, now=NOW
            )
            assert again is None
            late = NOW + timedelta(hours=12)
            level = members.project_level(tx, project, owner.id, late)
            assert level is Role.NONE
            assert not members.reach(tx, owner.id, late).projects
            assert shares.delete(tx, of, invited.id)
            assert not shares.delete(tx, of, invited.id)
            assert levels() == nothing

    await database.write(body)


async def test_an_invitation_is_not_passed_on(database: Database) -> None:
    def body(tx: Tx) -> None:
        one, two, three = (rows.a_group(tx, name) for name in ("one", "two", "three"))
        account = rows.an_account(tx, "jane")
        members.put(tx, Scope(namespace_id=one.id), account.id, Role.OWNER, now=NOW)
        for of, invited in ((two, one), (three, two)):
            shares.create(
                tx,
                Scope(namespace_id=of.id),
                invited.id,
                Role.DEVELOPER,
                expires_on=None,
                now=NOW,
            )
        assert members.group_level(tx, two.id, account.id, NOW) is Role.DEVELOPER
        assert members.group_level(tx, three.id, account.id, NOW) is Role.NONE
        assert set(members.reach(tx, account.id, NOW).namespaces) == {one.id, two.id}

    await database.write(body)


async def test_invitations_are_listed(database: Database) -> None:
    def body(tx: Tx) -> None:
        group, invited = rows.a_group(tx, "group"), rows.a_group(tx, "invited")
        project = rows.a_project(tx, group)
        for of in (Scope(project_id=project.id), Scope(namespace_id=group.id)):
            shares.create(tx, of, invited.id, Role.GUEST, expires_on=TOMORROW, now=NOW)
        (of_project,) = shares.of_projects(tx, [project.id], NOW)[project.id]
        assert of_project.scope == Scope(project_id=project.id)
        assert (of_project.group, of_project.level) == (invited, Role.GUEST)
        assert of_project.expires_on == TOMORROW
        (of_group,) = shares.of_groups(tx, [group.id], NOW)[group.id]
        assert of_group.scope == Scope(namespace_id=group.id)
        assert shares.project_ids(tx, invited.id, NOW) == [project.id]
        late = NOW + timedelta(days=1)
        assert shares.of_projects(tx, [project.id], late) == {}
        assert shares.project_ids(tx, invited.id, late) == []

    await database.write(body)
