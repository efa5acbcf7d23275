"""Projects and groups that move with all that is in them, on both databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.access import Visibility
from moorage.domain.errors import ValidationError
from moorage.domain.names import MAX_NAME_LENGTH
from moorage.domain.protection import NewRule, ProtectionLevel, RuleKind
from moorage.domain.repositories import (
    RepositoryList,
    RepositoryOrder,
    RepositoryOwner,
)
from moorage.services.moving import move_namespace, move_project
from moorage.store import (
    namespaces,
    projects,
    protection,
    repositories,
    repository_lists,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from moorage.domain.projects import Namespace, Project
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx


@dataclass
class Estate:
    """``Top/middle/App`` with two repositories and a rule, and a group beside it."""

    tx: Tx
    top: Namespace
    middle: Namespace
    project: Project
    repositories: list[Repository]
    other: Namespace

    def listed(self, group: Namespace) -> list[str]:
        """List what a group shows; all that is found by its path has that path."""
        owner = RepositoryOwner.namespace(group.id)
        found = repository_lists.list_page(self.tx, owner, 0, 10)
        for one in found:
            wanted = RepositoryList(RepositoryOrder.NAME, search=one.path)
            by_path = repository_lists.page(self.tx, owner, wanted, 0, 10)
            assert one in by_path.items
            assert len(by_path.items) == by_path.total
        return [repository.path for repository in found]

    def paths(self) -> list[str]:
        found = [repositories.find(self.tx, one.id) for one in self.repositories]
        return [one.path for one in found if one is not None]

    def patterns(self) -> list[str]:
        kind = RuleKind.REPOSITORY
        found = protection.list_rules(self.tx, self.project.id, kind)
        return [rule.pattern for rule in found]


def an_estate(tx: Tx) -> Estate:
    top = rows.a_group(tx, "Top")
    middle = rows.a_group(tx, "middle", top)
    project = rows.a_project(tx, middle, "App", Visibility.PUBLIC)
    made = [rows.a_repository(tx, project), rows.a_repository(tx, project, "web/ui")]
    rule = NewRule(
        kind=RuleKind.REPOSITORY,
        pattern="top/middle/app/web*",
        push_level=ProtectionLevel.OWNER,
        delete_level=None,
    )
    protection.create(tx, project.id, rule, now=NOW)
    return Estate(tx, top, middle, project, made, rows.a_group(tx, "Other"))


async def test_a_project_moves_with_its_repositories(database: Database) -> None:
    def body(tx: Tx) -> None:
        estate = an_estate(tx)
        moved = move_project(tx, estate.project, estate.other, "New")
        assert moved.full_path == "Other/New"
        assert projects.find(tx, moved.id) == moved
        assert projects.find_owning(tx, "other/new/x") == moved
        assert projects.find_by_path(tx, "top/middle/app") is None
        assert projects.find_former(tx, "TOP/middle/app") == moved
        assert projects.was_owned(tx, "top/middle/app/web")
        assert not projects.was_owned(tx, "top/middle")
        assert estate.paths() == ["other/new", "other/new/web/ui"]
        assert estate.listed(estate.other) == estate.paths()
        assert estate.listed(estate.top) == estate.listed(estate.middle) == []
        assert estate.patterns() == ["Other/New/web*"]

    await database.write(body)


async def test_a_group_moves_with_all_below_it(database: Database) -> None:
    def body(tx: Tx) -> None:
        estate = an_estate(tx)
        moved = move_namespace(tx, estate.middle, estate.other, "New")
        assert moved.full_path == "Other/New"
        assert moved.parent_id == estate.other.id
        assert namespaces.find_by_path(tx, "top/middle") is None
        found = projects.find_by_path(tx, "other/new/app")
        assert found is not None
        assert found.full_path == "Other/New/App"
        assert projects.find_former(tx, "top/middle/app") == found
        assert estate.paths() == ["other/new/app", "other/new/app/web/ui"]
        assert estate.listed(estate.other) == estate.paths()
        assert estate.listed(moved) == estate.paths()
        assert estate.listed(estate.top) == []
        assert estate.patterns() == ["Other/New/app/web*"]

    await database.write(body)


async def test_what_lies_deep_below_a_renamed_group_follows(database: Database) -> None:
    def body(tx: Tx) -> None:
        estate = an_estate(tx)
        move_namespace(tx, estate.top, None, "tip")
        assert namespaces.get(tx, estate.middle.id).full_path == "tip/middle"
        assert namespaces.find_by_path(tx, "tip/MIDDLE") is not None
        assert estate.paths()[0] == "tip/middle/app"
        assert estate.listed(estate.top) == estate.paths()
        to_the_top = move_namespace(
            tx, namespaces.get(tx, estate.middle.id), None, "middle"
        )
        assert to_the_top.parent_id is None
        assert estate.paths()[0] == "middle/app"
        assert estate.listed(estate.top) == []

    await database.write(body)


async def test_another_case_is_another_spelling_only(database: Database) -> None:
    def body(tx: Tx) -> None:
        estate = an_estate(tx)
        renamed = move_project(tx, estate.project, estate.middle, "APP")
        assert projects.find_by_path(tx, "top/middle/app") == renamed
        assert projects.find_former(tx, "top/middle/app") is None
        assert estate.paths()[0] == "top/middle/app"

    await database.write(body)


async def test_a_former_path_is_forgotten_once_it_is_taken(database: Database) -> None:
    def body(tx: Tx) -> None:
        estate = an_estate(tx)
        moved = move_project(tx, estate.project, estate.other, "App")
        back = move_project(tx, moved, estate.middle, "App")
        assert projects.find_former(tx, "top/middle/app") is None
        assert projects.find_former(tx, "other/app") == back
        rows.a_project(tx, estate.other, "app")
        assert projects.find_former(tx, "other/app") is None

    await database.write(body)


async def test_a_deleted_repository_follows_too(database: Database) -> None:
    def body(tx: Tx) -> None:
        estate = an_estate(tx)
        repositories.mark_deleted(tx, estate.repositories[0].id, now=NOW)
        move_project(tx, estate.project, estate.other, "App")
        former = repositories.find_deleted(tx, estate.repositories[0].id)
        assert former is not None
        assert former.path == "other/app"
        assert estate.listed(estate.other) == ["other/app/web/ui"]

    await database.write(body)


async def test_what_moves_below_something_hidden_is_hidden(database: Database) -> None:
    def body(tx: Tx) -> None:
        estate = an_estate(tx)
        new = namespaces.NewGroup(name="h", path="h", visibility=Visibility.INTERNAL)
        hidden = namespaces.create_group(tx, new, now=NOW)
        move_namespace(tx, estate.middle, hidden, "middle")
        project = projects.find(tx, estate.project.id)
        assert project is not None
        assert project.visibility is Visibility.INTERNAL
        middle = namespaces.get(tx, estate.middle.id)
        assert middle.visibility is Visibility.INTERNAL
        new = namespaces.NewGroup(name="p", path="p", visibility=Visibility.PRIVATE)
        private = namespaces.create_group(tx, new, now=NOW)
        moved = move_project(tx, project, private, "App")
        assert moved.visibility is Visibility.PRIVATE

    await database.write(body)


def into_what_is_taken(tx: Tx, estate: Estate) -> None:
    rows.a_project(tx, estate.other, "app")
    move_project(tx, estate.project, estate.other, "App")


def into_what_has_too_long_a_path(tx: Tx, estate: Estate) -> None:
    long = rows.a_group(tx, "x" * (MAX_NAME_LENGTH - 5))
    move_project(tx, estate.project, long, "App")


def as_a_group_into_what_is_taken(tx: Tx, estate: Estate) -> None:
    rows.a_group(tx, "MIDDLE", estate.other)
    move_namespace(tx, estate.middle, estate.other, "middle")


def below_itself(tx: Tx, estate: Estate) -> None:
    move_namespace(tx, estate.top, estate.middle, "top")


@pytest.mark.parametrize(
    "move",
    [
        into_what_is_taken,
        into_what_has_too_long_a_path,
        as_a_group_into_what_is_taken,
        below_itself,
    ],
)
async def test_nothing_moves_where_it_cannot_be(
    database: Database, move: Callable[[Tx, Estate], None]
) -> None:
    with pytest.raises(ValidationError):
        await database.write(lambda tx: move(tx, an_estate(tx)))
