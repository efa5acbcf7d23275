from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from contract import graph, rows
from contract.rows import NOW
from moorage.adapters.memory import MemoryBlobStore
from moorage.domain.access import Principal
from moorage.domain.digest import Digest
from moorage.domain.errors import (
    ConflictError,
    ManifestUnknownError,
    ParameterError,
    RepositoryUnknownError,
    TagUnknownError,
)
from moorage.domain.history import Cause
from moorage.domain.holds import HeldError, HoldUnknownError, NewHold
from moorage.domain.names import RepositoryName, TagName
from moorage.ports.signals import LocalSignal
from moorage.services.deletion import Deletion
from moorage.services.garbage import Garbage
from moorage.services.holds import Holds
from moorage.services.repositories import Repositories
from moorage.services.tags import Tags
from moorage.store import holds, manifests, repositories, tags
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from contract.rows import Image
    from moorage.domain.holds import Hold
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

DAY = timedelta(days=1)
SOMEBODY = Principal(account_id=1, username="somebody")


@dataclass
class Scene:
    """A repository with tag ``v1``, and the services that could remove it."""

    database: Database
    clock: FrozenClock
    repository: Repository
    image: Image
    holds: Holds
    tags: Tags
    deletion: Deletion
    garbage: Garbage

    async def hold(self, **attributes: Any) -> Hold:
        new = NewHold(
            self.repository.id, "production runs it", "somebody", **attributes
        )
        return await self.holds.create(new)

    async def has_manifest(self) -> bool:
        found = await self.database.read(
            lambda tx: manifests.find(tx, self.repository.path, self.image.digest)
        )
        return found is not None

    async def delete_tag(self) -> None:
        await self.tags.delete(self.repository.id, "v1", SOMEBODY)


@pytest.fixture
async def scene(database: Database) -> Scene:
    def body(tx: Tx) -> tuple[Repository, Image]:
        repository = rows.a_lone_repository(tx)
        image = rows.an_image(tx, repository)
        rows.put_payload(tx, image)
        rows.put_tag(tx, repository, "v1", image)
        return repository, image

    repository, image = await database.write(body)
    clock = FrozenClock(NOW)
    return Scene(
        database,
        clock,
        repository,
        image,
        Holds(database, clock),
        Tags(database, clock),
        Deletion(database, clock),
        Garbage(database, MemoryBlobStore(), clock),
    )


async def test_a_held_tag_keeps_the_image_that_it_points_to(scene: Scene) -> None:
    made = await scene.hold(tag="v1")
    assert (made.tag, made.digest) == ("v1", scene.image.digest)
    items, total = await scene.holds.list_page(scene.repository.id, offset=0, limit=10)
    assert (items, total) == ([made], 1)


async def test_what_is_not_there_cannot_be_held(scene: Scene) -> None:
    with pytest.raises(TagUnknownError):
        await scene.hold(tag="v2")
    with pytest.raises(ManifestUnknownError):
        await scene.hold(digest=Digest.of(b"other"))
    with pytest.raises(RepositoryUnknownError):
        await scene.holds.create(NewHold(0, "why", "somebody", tag="v1"))


async def test_a_hold_that_would_be_over_is_refused(scene: Scene) -> None:
    with pytest.raises(ParameterError):
        await scene.hold(tag="v1", expires_at=NOW)


async def test_nobody_removes_a_held_tag(scene: Scene) -> None:
    await scene.hold(tag="v1")
    name = RepositoryName.parse(scene.repository.path)
    with pytest.raises(HeldError, match="tag v1 is held: production runs it"):
        await scene.delete_tag()
    with pytest.raises(HeldError):
        await scene.deletion.delete_tag(name, TagName("v1"), SOMEBODY)
    with pytest.raises(HeldError):
        await scene.deletion.delete_manifest(name, scene.image.digest, SOMEBODY)
    assert await scene.database.read(
        lambda tx: rows.tag_names(tx, scene.repository)
    ) == ["v1"]


async def test_a_push_moves_a_held_tag_and_the_old_image_stays(scene: Scene) -> None:
    await scene.hold(tag="v1")
    await scene.database.write(
        lambda tx: rows.put_tag(
            tx, scene.repository, "v1", rows.an_image(tx, scene.repository)
        )
    )
    await scene.garbage.collect()
    assert await scene.has_manifest()
    with pytest.raises(HeldError):
        await scene.delete_tag()


async def test_the_tag_of_a_held_digest_may_go_and_the_digest_stays(
    scene: Scene,
) -> None:
    made = await scene.hold(digest=scene.image.digest)
    await scene.delete_tag()
    scene.clock.advance(DAY)
    await scene.garbage.collect()
    assert await scene.has_manifest()
    name = RepositoryName.parse(scene.repository.path)
    with pytest.raises(HeldError, match="the manifest is held"):
        await scene.deletion.delete_manifest(name, scene.image.digest, SOMEBODY)

    await scene.holds.delete(scene.repository.id, made.id)
    await scene.garbage.collect()
    assert not await scene.has_manifest()


async def test_a_hold_that_runs_out_lets_go_of_itself(scene: Scene) -> None:
    await scene.hold(digest=scene.image.digest, expires_at=NOW + DAY)
    await scene.hold(tag="v1", expires_at=NOW + 2 * DAY)
    scene.clock.advance(2 * DAY)
    assert await scene.holds.list_page(scene.repository.id, offset=0, limit=9) == (
        [],
        0,
    )
    await scene.delete_tag()
    await scene.garbage.collect()
    assert not await scene.has_manifest()


async def test_one_of_two_holds_is_enough(scene: Scene) -> None:
    await scene.hold(digest=scene.image.digest, expires_at=NOW + DAY)
    await scene.hold(digest=scene.image.digest, expires_at=NOW + 3 * DAY)
    await scene.delete_tag()
    await scene.garbage.collect()
    scene.clock.advance(2 * DAY)
    await scene.garbage.collect()
    assert await scene.has_manifest()
    scene.clock.advance(DAY)
    await scene.garbage.collect()
    assert not await scene.has_manifest()


async def test_the_end_of_a_hold_does_not_shorten_a_lease(scene: Scene) -> None:
    made = await scene.hold(digest=scene.image.digest)
    await scene.delete_tag()
    await scene.garbage.collect()
    until = NOW + DAY
    await scene.database.write(
        lambda tx: manifests.renew(tx, scene.image.id, lease_until=until)
    )
    await scene.holds.delete(scene.repository.id, made.id)
    await scene.garbage.collect()
    assert await scene.has_manifest()


async def test_children_of_a_held_index_stay(database: Database) -> None:
    def body(tx: Tx) -> tuple[Repository, graph.Node, graph.Node]:
        repository = rows.a_lone_repository(tx)
        child = graph.a_manifest(tx, repository, lease_until=NOW)
        index = graph.a_manifest(tx, repository, children=[child], lease_until=NOW)
        new = NewHold(repository.id, "why", "somebody", digest=index.digest)
        holds.create(tx, new, now=NOW)
        return repository, index, child

    repository, _, child = await database.write(body)
    garbage = Garbage(database, MemoryBlobStore(), FrozenClock(NOW))
    await garbage.collect()
    found = await database.read(
        lambda tx: (
            holds.count(tx, repository.id, now=NOW)
            and tx.one(rows.FIND_MANIFEST, id=child.id)
        )
    )
    assert found


async def test_a_bulk_delete_passes_a_tag_over_that_was_held_meanwhile(
    scene: Scene,
) -> None:
    await scene.hold(tag="v1")
    cause = Cause("somebody", NOW, NOW)
    deleted = await scene.database.write(
        lambda tx: tags.delete_many(
            tx, scene.repository.id, {"v1": scene.image.digest}, cause=cause
        )
    )
    assert deleted == []


async def test_the_planner_is_told_the_reason(scene: Scene) -> None:
    await scene.hold(tag="v1")
    facts = await scene.database.read(
        lambda tx: tags.list_facts(tx, scene.repository.id, now=NOW)
    )
    assert [each.hold for each in facts] == ["production runs it"]


async def test_a_repository_with_a_hold_is_not_deleted(scene: Scene) -> None:
    made = await scene.hold(tag="v1")
    service = Repositories(scene.database, scene.clock, LocalSignal())
    with pytest.raises(HeldError):
        await service.schedule_deletion(scene.repository, SOMEBODY)
    await scene.holds.delete(scene.repository.id, made.id)
    await service.schedule_deletion(scene.repository, SOMEBODY)
    with pytest.raises(ConflictError, match="being deleted"):
        await scene.hold(tag="v1")


async def test_a_hold_ends_once_and_in_its_own_repository(scene: Scene) -> None:
    made = await scene.hold(tag="v1")
    with pytest.raises(HoldUnknownError):
        await scene.holds.delete(scene.repository.id + 1, made.id)
    await scene.holds.delete(scene.repository.id, made.id)
    with pytest.raises(HoldUnknownError):
        await scene.holds.delete(scene.repository.id, made.id)
    found = await scene.database.read(
        lambda tx: repositories.find(tx, scene.repository.id)
    )
    assert found is not None
    await scene.delete_tag()
