from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.access import (
    ANONYMOUS,
    CredentialKind,
    Principal,
    RegistryAccess,
    Role,
    Visibility,
)
from moorage.domain.errors import ValidationError
from moorage.domain.projects import Scope
from moorage.store import members, namespaces, projects
from moorage.store.projects import ProjectFilter

if TYPE_CHECKING:
    from moorage.ports.database import Database, Tx

KIND = CredentialKind.PERSONAL
ADMIN = Principal(99, "root", admin=True, kind=KIND)


async def test_a_project_is_found_by_number_and_path(database: Database) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx, "Group")
        project = rows.a_project(tx, group, "App")
        assert project.full_path == "Group/App"
        assert projects.find(tx, project.id) == project
        assert projects.find_by_path(tx, "group/APP") == project
        assert projects.find_by_path(tx, "group") is None
        assert projects.find(tx, 99) is None
        assert projects.of_namespace(tx, group.id) == [project]

    await database.write(body)


async def test_the_longest_path_owns_an_image(database: Database) -> None:
    def body(tx: Tx) -> None:
        top = rows.a_group(tx, "top")
        outer = rows.a_project(tx, top, "App")
        inner = rows.a_project(tx, rows.a_group(tx, "sub", top), "app")
        assert projects.find_owning(tx, "top/app") == outer
        assert projects.find_owning(tx, "TOP/app/a/b/c/d/e") == outer
        assert projects.find_owning(tx, "top/sub/app/x") == inner
        assert projects.find_owning(tx, "top/sub") is None
        assert projects.find_owning(tx, "top/apple") is None
        assert projects.find_owning(tx, "top") is None

    await database.write(body)


async def test_a_path_belongs_to_one_thing(database: Database) -> None:
    def body(tx: Tx) -> None:
        top = rows.a_group(tx, "top")
        rows.a_group(tx, "app", top)
        rows.a_project(tx, top, "APP")

    with pytest.raises(ValidationError) as caught:
        await database.write(body)
    taken = ["has already been taken"]
    assert caught.value.detail == {"name": taken, "path": taken}


async def test_a_project_is_changed_and_removed(database: Database) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        project = rows.a_project(tx, group)
        changed = replace(
            project,
            name="New",
            visibility=Visibility.PUBLIC,
            registry_access=RegistryAccess.DISABLED,
            description="text",
            archived_at=NOW,
        )
        projects.update(tx, changed)
        assert projects.find(tx, project.id) == changed
        assert projects.delete(tx, project.id)
        assert not projects.delete(tx, project.id)
        assert projects.find_by_path(tx, project.full_path) is None
        rows.a_repository(tx, rows.a_project(tx, group))
        found = projects.find_by_path(tx, project.full_path)
        assert found is not None
        assert found.id != project.id

    await database.write(body)


async def test_a_list_shows_what_its_reader_may_see(database: Database) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        public, internal, private, grouped = (
            rows.a_project(tx, group, "public", Visibility.PUBLIC),
            rows.a_project(tx, group, "internal", Visibility.INTERNAL),
            rows.a_project(tx, group, "private"),
            rows.a_project(tx, rows.a_group(tx, "sub", group), "grouped"),
        )
        account = rows.an_account(tx, "jane")

        def ids(principal: Principal) -> list[int]:
            wanted = ProjectFilter(order_by="id", ascending=True)
            sight = members.sight_of(tx, principal, Role.NONE, NOW)
            found = projects.list_page(tx, sight, wanted, limit=10, offset=0)
            assert projects.count(tx, sight, wanted, limit=10) == len(found)
            return [project.id for project in found]

        jane = Principal(account.id, "jane", kind=KIND)
        assert ids(ANONYMOUS) == [public.id]
        assert ids(replace(jane, external=True)) == [public.id]
        assert ids(jane) == [public.id, internal.id]
        members.put(tx, Scope(project_id=private.id), account.id, Role.GUEST, now=NOW)
        assert ids(jane) == [public.id, internal.id, private.id]
        members.put(tx, Scope(namespace_id=group.id), account.id, Role.GUEST, now=NOW)
        assert ids(jane) == [public.id, internal.id, private.id, grouped.id]
        assert ids(ADMIN) == [public.id, internal.id, private.id, grouped.id]

    await database.write(body)


async def test_a_list_is_filtered_and_ordered(database: Database) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        alpha = rows.a_project(tx, group, "Alpha", Visibility.PUBLIC)
        beta = rows.a_project(tx, group, "beta")
        account = rows.an_account(tx, "jane")
        own = namespaces.create_personal(tx, account, now=NOW)
        gamma = rows.a_project(tx, own, "gamma")
        projects.update(tx, replace(gamma, archived_at=NOW))
        members.put(tx, Scope(project_id=beta.id), account.id, Role.DEVELOPER, now=NOW)
        jane = Principal(account.id, "jane", kind=KIND)

        def ids(wanted: ProjectFilter, limit: int = 10, offset: int = 0) -> list[int]:
            sight = members.sight_of(tx, jane, wanted.min_level, NOW)
            found = projects.list_page(tx, sight, wanted, limit=limit, offset=offset)
            assert projects.count(tx, sight, wanted, limit=limit + offset) >= len(found)
            return [project.id for project in found]

        assert ids(ProjectFilter()) == [gamma.id, beta.id, alpha.id]
        assert ids(ProjectFilter(), limit=1, offset=1) == [beta.id]
        by_name = ProjectFilter(order_by="name", ascending=True)
        assert ids(by_name) == [alpha.id, beta.id, gamma.id]
        assert ids(replace(by_name, ascending=False)) == [gamma.id, beta.id, alpha.id]
        by_path = ProjectFilter(order_by="path")
        assert ids(by_path) == [gamma.id, beta.id, alpha.id]
        assert ids(ProjectFilter(above=alpha.id, below=gamma.id)) == [beta.id]
        shared = ProjectFilter(namespace_ids=[own.id], shared_ids=[alpha.id])
        assert ids(shared) == [gamma.id, alpha.id]
        assert ids(ProjectFilter(min_level=Role.DEVELOPER)) == [gamma.id, beta.id]
        assert ids(ProjectFilter(min_level=Role.OWNER)) == [gamma.id]
        assert ids(ProjectFilter(visibility=Visibility.PUBLIC)) == [alpha.id]
        assert ids(ProjectFilter(archived=True)) == [gamma.id]
        assert ids(ProjectFilter(archived=False)) == [beta.id, alpha.id]
        assert ids(ProjectFilter(namespace_ids=[own.id])) == [gamma.id]
        assert ids(ProjectFilter(namespace_ids=[])) == []
        assert ids(ProjectFilter(search="lph")) == [alpha.id]
        assert ids(ProjectFilter(search="jane")) == []
        deep = ProjectFilter(search="jane", search_namespaces=True)
        assert ids(deep) == [gamma.id]
        sight = members.sight_of(tx, jane, Role.NONE, NOW)
        assert projects.count(tx, sight, ProjectFilter(), limit=2) == 2

    await database.write(body)
