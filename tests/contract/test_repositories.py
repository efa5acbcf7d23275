from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.access import RegistryAccess
from moorage.domain.digest import Digest
from moorage.domain.errors import RepositoryUnknownError
from moorage.domain.repositories import RepositoryOwner as Owner
from moorage.ports.blobs import BlobKey
from moorage.ports.query import Query
from moorage.store import blobs, projects, repositories, repository_lists

if TYPE_CHECKING:
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

HOUR = timedelta(hours=1)


async def test_a_repository_is_found_by_id_and_by_path(database: Database) -> None:
    def body(tx: Tx) -> None:
        made = rows.a_repository(tx, rows.a_project(tx, rows.a_group(tx)), "image")
        assert made.path == "group/project/image"
        assert made.tag_count == 0
        assert repositories.find(tx, made.id) == made
        assert repositories.find_by_path(tx, made.path) == made
        assert repositories.find_by_path(tx, "group/project") is None

    await database.write(body)


async def test_creating_a_repository_again_returns_it(database: Database) -> None:
    def body(tx: Tx) -> None:
        project = rows.a_project(tx, rows.a_group(tx))
        first = rows.a_repository(tx, project)
        assert rows.a_repository(tx, project) == first
        assert repository_lists.count(tx, Owner.project(project.id)) == 1

    await database.write(body)


async def test_a_group_lists_what_lies_below_it_at_any_depth(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        top = rows.a_group(tx, "top")
        sub = rows.a_group(tx, "sub", top)
        made = [
            rows.a_repository(tx, rows.a_project(tx, sub, "deep")),
            rows.a_repository(tx, rows.a_project(tx, top, "shallow")),
        ]
        rows.a_repository(tx, rows.a_project(tx, rows.a_group(tx, "elsewhere")))
        assert repository_lists.list_page(tx, Owner.namespace(top.id), 0, 10) == made
        assert (
            repository_lists.list_page(tx, Owner.namespace(top.id), 1, 10) == made[1:]
        )
        assert (
            repository_lists.list_page(tx, Owner.namespace(sub.id), 0, 10) == made[:1]
        )
        assert repository_lists.count(tx, Owner.namespace(top.id)) == 2

    await database.write(body)


async def test_a_group_leaves_out_projects_whose_registry_is_off(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        project = rows.a_project(tx, group)
        first = rows.a_repository(tx, project)
        disabled = replace(project, registry_access=RegistryAccess.DISABLED)
        projects.update(tx, disabled)
        repositories.show(tx, [project.id])
        second = rows.a_repository(tx, project, "second")
        assert repository_lists.list_page(tx, Owner.namespace(group.id), 0, 10) == []
        assert repository_lists.count(tx, Owner.namespace(group.id)) == 0
        projects.update(tx, project)
        repositories.show(tx, [project.id])
        shown = repository_lists.list_page(tx, Owner.namespace(group.id), 0, 10)
        assert shown == [first, second]
        assert repository_lists.count(tx, Owner.namespace(group.id)) == 2

    await database.write(body)


async def test_a_project_lists_its_repositories_oldest_first(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        project = rows.a_project(tx, rows.a_group(tx))
        made = [rows.a_repository(tx, project, name) for name in ("b", "a", "c")]
        assert (
            repository_lists.list_page(tx, Owner.project(project.id), 0, 2) == made[:2]
        )
        assert (
            repository_lists.list_page(tx, Owner.project(project.id), 2, 2) == made[2:]
        )

    await database.write(body)


async def test_paths_are_listed_in_byte_order(database: Database) -> None:
    def body(tx: Tx) -> None:
        project = rows.a_project(tx, rows.a_group(tx))
        for name in ("b", "a_c", "a-c", "a/c"):
            rows.a_repository(tx, project, name)
        found = repositories.list_paths(tx, "", 10)
        assert found == sorted(found, key=str.encode)
        assert repositories.list_paths(tx, found[1], 1) == found[2:3]

    await database.write(body)


async def test_a_deleted_repository_is_nowhere_and_its_path_is_free(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx)
        project = rows.a_project(tx, group)
        gone = rows.a_repository(tx, project)
        assert repositories.mark_deleted(tx, gone.id, now=NOW)
        assert not repositories.mark_deleted(tx, gone.id, now=NOW)
        assert repositories.find(tx, gone.id) is None
        assert repositories.find_by_path(tx, gone.path) is None
        assert repositories.list_paths(tx, "", 10) == []
        assert repository_lists.list_page(tx, Owner.project(project.id), 0, 10) == []
        assert repository_lists.list_page(tx, Owner.namespace(group.id), 0, 10) == []
        assert rows.a_repository(tx, project).id > gone.id

    await database.write(body)


async def test_a_repository_with_tags_is_not_marked_deleted(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        repository = rows.a_lone_repository(tx)
        rows.put_tag(tx, repository, "v1", rows.an_image(tx, repository))
        assert not repositories.mark_deleted(tx, repository.id, now=NOW)
        assert repositories.find(tx, repository.id) is not None

    await database.write(body)


async def test_a_deleted_repository_takes_no_more_tags(database: Database) -> None:
    def body(tx: Tx) -> None:
        repository = rows.a_lone_repository(tx)
        image = rows.an_image(tx, repository)
        repositories.mark_deleted(tx, repository.id, now=NOW)
        rows.put_tag(tx, repository, "late", image)

    with pytest.raises(RepositoryUnknownError):
        await database.write(body)


async def test_the_status_can_be_set_and_taken_away(database: Database) -> None:
    def status(tx: Tx, repository: Repository) -> str | None:
        found = repositories.find(tx, repository.id)
        assert found is not None
        return found.status

    def body(tx: Tx) -> None:
        repository = rows.a_lone_repository(tx)
        repositories.set_status(tx, repository.id, "delete_failed")
        assert status(tx, repository) == "delete_failed"
        repositories.set_status(tx, repository.id, None)
        assert status(tx, repository) is None

    await database.write(body)


async def test_a_cleanup_is_accepted_once_per_interval(database: Database) -> None:
    def body(tx: Tx) -> None:
        lease = rows.a_lone_repository(tx).id
        just_before = NOW + HOUR - timedelta(microseconds=1)
        assert repositories.accept_cleanup(tx, lease, interval=HOUR, now=NOW)
        assert not repositories.accept_cleanup(tx, lease, interval=HOUR, now=NOW)
        assert not repositories.accept_cleanup(
            tx, lease, interval=HOUR, now=just_before
        )
        assert repositories.accept_cleanup(tx, lease, interval=HOUR, now=NOW + HOUR)

    await database.write(body)


async def test_the_size_counts_shared_blobs_once_and_children_of_indexes(
    database: Database,
) -> None:
    def body(tx: Tx) -> None:
        repository = rows.a_lone_repository(tx)
        index, child, other, untagged = (
            rows.an_image(tx, repository) for _ in range(4)
        )
        for blob_id, size_bytes in enumerate((1, 20, 300, 4000), start=1):
            tx.run(
                _INSERT_BLOB,
                id=blob_id,
                digest=f"sha256:{blob_id:064}",
                size_bytes=size_bytes,
            )
        for image, blob_id in ((child, 1), (child, 2), (other, 2), (other, 3)):
            tx.run(_USE_BLOB, manifest_id=image.id, blob_id=blob_id)
        tx.run(_USE_BLOB, manifest_id=untagged.id, blob_id=4)
        tx.run(
            _LIST_CHILD,
            manifest_id=index.id,
            repository_id=repository.id,
            digest=str(child.digest),
        )
        assert repositories.size_bytes(tx, repository.id) == 0
        rows.put_tag(tx, repository, "index", index)
        assert repositories.size_bytes(tx, repository.id) == 21
        rows.put_tag(tx, repository, "other", other)
        assert repositories.size_bytes(tx, repository.id) == 321

    await database.write(body)


_INSERT_BLOB = Query(
    "t.blob",
    """
    INSERT INTO blob (id, digest, generation, size_bytes, lease_until_us, created_at_us)
    VALUES (:id, :digest, 'g', :size_bytes, 0, 0)
    """,
)
_USE_BLOB = Query(
    "t.use",
    """
    INSERT INTO manifest_blob (manifest_id, repository_id, blob_id, role)
    SELECT id, repository_id, :blob_id, 'layer' FROM manifest WHERE id = :manifest_id
    """,
)
_LIST_CHILD = Query(
    "t.child",
    """
    INSERT INTO manifest_child (manifest_id, repository_id, digest)
    VALUES (:manifest_id, :repository_id, :digest)
    """,
)


async def test_a_push_goes_on_in_the_repository_that_follows_a_deleted_one(
    database: Database,
) -> None:
    digest = Digest.of(b"brought")
    lease = NOW + timedelta(hours=1)

    def body(tx: Tx) -> None:
        project = rows.a_project(tx, rows.a_group(tx))
        former = rows.a_repository(tx, project, "image")
        key = BlobKey(digest, "b" * 32)
        blob_id, _ = blobs.put(tx, key, 7, lease_until=lease, now=NOW)
        blobs.link(tx, former.id, blob_id, lease_until=lease, now=NOW)
        assert repositories.mark_deleted(tx, former.id, now=NOW)
        assert blobs.find(tx, former.path, digest) is None
        assert repositories.has_had_path(tx, former.id, former.path)
        assert repositories.has_been(tx, former.path)
        following = rows.a_repository(tx, project, "image")
        assert following.id != former.id
        assert blobs.find(tx, former.path, digest) is not None
        other = rows.a_repository(tx, project, "other")
        assert blobs.find(tx, other.path, digest) is None

    await database.write(body)


async def test_what_was_brought_long_ago_is_not_taken_over(database: Database) -> None:
    digest = Digest.of(b"brought")

    def body(tx: Tx) -> None:
        project = rows.a_project(tx, rows.a_group(tx))
        former = rows.a_repository(tx, project, "image")
        key = BlobKey(digest, "b" * 32)
        blob_id, _ = blobs.put(tx, key, 7, lease_until=NOW, now=NOW)
        blobs.link(tx, former.id, blob_id, lease_until=NOW, now=NOW)
        repositories.mark_deleted(tx, former.id, now=NOW)
        rows.a_repository(tx, project, "image")
        assert blobs.find(tx, former.path, digest) is None

    await database.write(body)
