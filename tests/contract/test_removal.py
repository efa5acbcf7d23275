"""A project that goes with its repositories, on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract import rows
from contract.rows import NOW
from moorage.domain.access import CredentialKind, Principal
from moorage.domain.repositories import RepositoryOwner as Owner
from moorage.services.removal import remove_project
from moorage.store import projects, repositories, repository_lists

if TYPE_CHECKING:
    from moorage.ports.database import Database, Tx

ROOT = Principal(1, "root", admin=True, kind=CredentialKind.PASSWORD)


async def test_a_project_goes_with_its_repositories(database: Database) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        project = rows.a_project(tx, group)
        there = rows.a_repository(tx, project)
        rows.put_tags(tx, there, {"a": NOW, "b": NOW})
        former = rows.a_repository(tx, project, "former")
        assert repositories.mark_deleted(tx, former.id, now=NOW)
        remove_project(tx, ROOT, project, now=NOW)
        assert projects.find(tx, project.id) is None
        assert rows.tag_names(tx, there) == []
        assert repositories.count_tags(tx, there.id) == 0
        assert repository_lists.list_page(tx, Owner.namespace(group.id), 0, 10) == []
        for one in (there, former):
            assert repositories.find(tx, one.id) is None
            assert repositories.find_deleted(tx, one.id) is None

    await database.write(body)
