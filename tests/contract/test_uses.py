from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.errors import UnavailableError
from moorage.domain.names import TagName
from moorage.services import uses as uses_module
from moorage.services.uses import Uses
from moorage.store import manifests, tags, uses
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from datetime import datetime

    from contract.rows import Image
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx
    from moorage.store.manifests import StoredManifest

MINUTE = timedelta(minutes=1)


async def a_pulled_image(database: Database) -> tuple[Repository, StoredManifest]:
    def body(tx: Tx) -> tuple[Repository, Image]:
        repository = rows.a_lone_repository(tx)
        image = rows.an_image(tx, repository)
        rows.put_payload(tx, image)
        rows.put_tag(tx, repository, "v1", image)
        rows.put_tag(tx, repository, "v2", image)
        return repository, image

    repository, image = await database.write(body)
    found = await database.read(
        lambda tx: manifests.find(tx, repository.path, image.digest)
    )
    assert found is not None
    return repository, found


async def use_of_tag(
    database: Database, repository: Repository, name: str
) -> tuple[int, datetime | None]:
    found = await database.read(lambda tx: tags.find_detail(tx, repository.id, name))
    assert found is not None
    return found.pull_count, found.pulled_at


async def pulls_of_manifest(database: Database, found: StoredManifest) -> int:
    row = await database.read(lambda tx: tx.one(rows.FIND_MANIFEST, id=found.id))
    assert row is not None
    count: int = row["pull_count"]
    return count


async def test_pulls_are_counted_per_tag_and_per_digest(database: Database) -> None:
    repository, found = await a_pulled_image(database)
    clock = FrozenClock(NOW)
    counted = Uses(database, clock)
    counted.record(found, TagName("v1"))
    counted.record(found, TagName("v1"))
    counted.record(found, found.digest)
    clock.advance(MINUTE)
    counted.record(found, TagName("v2"))
    assert await use_of_tag(database, repository, "v1") == (0, None)
    assert await counted.flush() == 3
    assert await use_of_tag(database, repository, "v1") == (2, NOW)
    assert await use_of_tag(database, repository, "v2") == (1, NOW + MINUTE)
    assert await pulls_of_manifest(database, found) == 4


async def test_what_was_written_is_not_written_again(database: Database) -> None:
    repository, found = await a_pulled_image(database)
    counted = Uses(database, FrozenClock(NOW))
    counted.record(found, TagName("v1"))
    await counted.flush()
    assert await counted.flush() == 0
    counted.record(found, TagName("v1"))
    await counted.flush()
    assert await use_of_tag(database, repository, "v1") == (2, NOW)


async def test_the_last_time_never_goes_back(database: Database) -> None:
    repository, found = await a_pulled_image(database)
    late, early = (
        Uses(database, FrozenClock(NOW + MINUTE)),
        Uses(database, FrozenClock(NOW)),
    )
    late.record(found, TagName("v1"))
    early.record(found, TagName("v1"))
    await late.flush()
    await early.flush()
    assert await use_of_tag(database, repository, "v1") == (2, NOW + MINUTE)


async def test_a_tag_that_is_gone_by_then_is_no_error(database: Database) -> None:
    _, found = await a_pulled_image(database)
    counted = Uses(database, FrozenClock(NOW))
    counted.record(found, TagName("v3"))
    await counted.flush()
    assert await pulls_of_manifest(database, found) == 1


async def test_what_could_not_be_written_is_written_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, found = await a_pulled_image(database)
    counted = Uses(database, FrozenClock(NOW))
    counted.record(found, TagName("v1"))

    def away(*_: object) -> None:
        raise UnavailableError

    with monkeypatch.context() as patch:
        # A database that does not answer.
        patch.setattr(uses, "add", away)
        with pytest.raises(UnavailableError):
            await counted.flush()
    counted.record(found, TagName("v1"))
    await counted.flush()
    assert await use_of_tag(database, repository, "v1") == (2, NOW)


async def test_memory_is_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, found = await a_pulled_image(database)
    monkeypatch.setattr(uses_module, "LIMIT", 2)
    counted = Uses(database, FrozenClock(NOW))
    counted.record(found, TagName("v1"))
    counted.record(found, TagName("v2"))
    assert await counted.flush() == 2
