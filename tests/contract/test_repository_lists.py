"""Lists of repositories: every order and search, whatever is folded by then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.history import Cause
from moorage.domain.repositories import (
    RepositoryList,
    RepositoryOrder,
    RepositoryOwner,
)
from moorage.domain.usage import Sums
from moorage.ports.query import Query
from moorage.services.moving import move_project
from moorage.store import (
    repositories,
    repository_keys,
    repository_lists,
    tags,
    totals,
    usage_sums,
    uses,
)
from moorage.store.uses import TagUse

if TYPE_CHECKING:
    from datetime import datetime

    from moorage.domain.projects import Namespace, Project
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

HOUR = timedelta(hours=1)
ME = Cause("me", NOW, NOW)

_FORGET = Query("test.forget", "UPDATE repository SET tags_key = 7 WHERE id = :id")


class Estate:
    """A group with a project of some repositories, and another project beside it."""

    def __init__(self, tx: Tx, *names: str) -> None:
        self.tx = tx
        self.group: Namespace = rows.a_group(tx, "group")
        self.project: Project = rows.a_project(tx, self.group, "web")
        self.made = [rows.a_repository(tx, self.project, name) for name in names]
        self.beside = rows.a_repository(tx, rows.a_project(tx, self.group, "other"))

    def owners(self) -> list[RepositoryOwner]:
        return [
            RepositoryOwner.project(self.project.id),
            RepositoryOwner.namespace(self.group.id),
        ]

    def tag(
        self, repository: Repository, *names: str, pushed_at: datetime = NOW
    ) -> None:
        image = rows.an_image(self.tx, repository, pushed_at=pushed_at)
        for name in names:
            rows.put_tag(self.tx, repository, name, image)

    def listed(
        self, owner: RepositoryOwner, wanted: RepositoryList, size: int = 2
    ) -> list[int]:
        """Go through a list by numbers, page by page."""
        found: list[int] = []
        while True:
            page = repository_lists.page(self.tx, owner, wanted, len(found), size)
            found += [each.id for each in page.items]
            if len(page.items) < size:
                return [id_ for id_ in found if id_ != self.beside.id]


def fold(tx: Tx) -> None:
    while usage_sums.fold(tx, 2, now=NOW):
        pass


@pytest.mark.parametrize("folded", ["never", "early", "late"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", RepositoryOrder)
async def test_repositories_are_listed_in_every_order(
    database: Database, order: RepositoryOrder, folded: str, *, descending: bool
) -> None:
    def body(tx: Tx) -> list[list[str]]:
        estate = Estate(tx, "a", "b", "c", "d")
        _, b, c, d = estate.made
        estate.tag(b, "v1", "v2", "v3")
        estate.tag(d, "v1")
        uses.add(tx, [], [TagUse(b.id, "v1", 1, NOW)])
        if folded == "early":
            fold(tx)
        for name in ("v2", "v3"):
            tags.delete(tx, b.id, name, cause=ME)
        estate.tag(d, "v2", "v3", pushed_at=NOW + HOUR)
        uses.add(tx, [], [TagUse(d.id, "v2", 1, NOW + HOUR)])
        usage_sums.note(tx, c.id, Sums(0, 5))
        usage_sums.note(tx, d.id, Sums(0, 9))
        if folded == "late":
            fold(tx)
        names = {each.id: each.name for each in estate.made}
        wanted = RepositoryList(order, descending)
        return [
            [names[id_] for id_ in estate.listed(owner, wanted)]
            for owner in estate.owners()
        ]

    expected = {
        RepositoryOrder.TAGS: "a c b d",
        RepositoryOrder.PUSHED: "a c b d",
        RepositoryOrder.PULLED: "a c b d",
        RepositoryOrder.SIZE: "a b c d",
    }.get(order, "a b c d").split()
    if descending:
        expected.reverse()
    assert await database.write(body) == [expected, expected]


async def test_what_lists_go_by_is_followed_by_folding(database: Database) -> None:
    def body(tx: Tx) -> list[int]:
        estate = Estate(tx, "a", "b")
        fold(tx)
        estate.tag(estate.made[0], "v1")
        ids = [each.id for each in estate.made]
        assert repository_keys.list_stale(tx, ids) == []
        fold(tx)
        assert usage_sums.list_changed(tx, 9) == []
        tx.run(_FORGET, id=ids[0])
        return [ids.index(id_) for id_ in repository_keys.list_stale(tx, ids)]

    assert await database.write(body) == [0]


async def test_a_moved_or_revived_repository_keeps_its_place(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        estate = Estate(tx, "a", "b", "c")
        estate.tag(estate.made[1], "v1")
        fold(tx)
        repositories.show(tx, [estate.project.id])
        repositories.hide(tx, estate.made[0].id, now=NOW)
        repositories.revive(tx, estate.made[0].id, estate.group.id, estate.made[0].path)
        for owner in estate.owners():
            found = estate.listed(owner, RepositoryList(RepositoryOrder.TAGS))
            assert [estate.made[at].id for at in (0, 2, 1)] == found

    await database.write(body)


# More than are counted; or fewer, found by looking at each or by beginnings.
@pytest.mark.parametrize("most", [2, 4, 100])
@pytest.mark.parametrize("order", RepositoryOrder)
@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("pp", "app app/map web-app"),
        ("P/M", "app/map"),
        ("app", "app app/map web-app"),
        ("web", "web-app"),
        ("nothing", ""),
        ("", "app app/map web-app other"),
    ],
)
async def test_a_search_finds_what_looking_at_each_does(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    order: RepositoryOrder,
    most: int,
    part: str,
    names: str,
) -> None:
    monkeypatch.setattr(totals, "MOST", most)

    def body(tx: Tx) -> None:
        estate = Estate(tx, "app", "app/map", "web-app", "other")
        fold(tx)
        estate.tag(estate.made[2], "v1", "v2")
        estate.tag(estate.made[0], "v1")
        project, group = estate.owners()
        for descending in (False, True):
            wanted = RepositoryList(order, descending, part)
            everything = estate.listed(project, RepositoryList(order, descending))
            named = {each.id for each in estate.made if each.name in names.split()}
            assert estate.listed(project, wanted) == [
                id_ for id_ in everything if id_ in named
            ]
            by_path = {each.id for each in estate.made if part.lower() in each.path}
            assert estate.listed(group, wanted) == [
                id_ for id_ in everything if id_ in by_path
            ]
            page = repository_lists.page(tx, project, wanted, 0, 9)
            assert page.total in (None, len(page.items))
            assert page.total is not None or len(page.items) > most

    await database.write(body)


async def test_a_moved_project_is_found_by_its_new_path(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totals, "MOST", 1)

    def body(tx: Tx) -> list[int]:
        estate = Estate(tx, "app")
        move_project(tx, estate.project, estate.group, "new")
        owner = RepositoryOwner.namespace(estate.group.id)
        return [
            len(repository_lists.page(tx, owner, RepositoryList(search=part), 0, 9)[0])
            for part in ("w/app", "b/app")
        ]

    assert await database.write(body) == [1, 0]
