from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from contract import graph, rows
from contract.rows import NOW
from moorage.domain.digest import Digest
from moorage.domain.errors import BlobUnknownError
from moorage.domain.history import Cause
from moorage.domain.holds import NewHold
from moorage.domain.reasons import KeeperKind, Kind, Relation
from moorage.services import why as why_module
from moorage.services.why import Why
from moorage.store import holds, tags, uploads
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from contract.graph import Node
    from moorage.domain.reasons import Answer, Chain
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

HOUR = timedelta(hours=1)


def put_tag(tx: Tx, repository: Repository, name: str, node: Node) -> None:
    tags.put(
        tx,
        repository.id,
        name,
        node.id,
        digest=node.digest,
        created_at=NOW,
        total_bytes=0,
        pushed_at=NOW,
        cause=Cause("pusher", NOW, NOW),
    )


def told(answer: Answer) -> list[tuple[str, str | None, list[Relation | None]]]:
    """Shorten chains to what keeps, its name, and the way down."""
    return [
        (chain.keeper.kind, chain.keeper.name, relations(chain))
        for chain in answer.chains
    ]


def relations(chain: Chain) -> list[Relation | None]:
    return [link.relation for link in chain.links[:-1]]


async def test_a_layer_is_followed_up_to_every_tag(database: Database) -> None:
    def body(tx: Tx) -> tuple[Repository, Digest]:
        repository = rows.a_lone_repository(tx)
        blob = graph.a_blob(tx, 7)
        one = graph.a_manifest(tx, repository, blobs=[blob])
        two = graph.a_manifest(tx, repository, blobs=[blob])
        index = graph.a_manifest(tx, repository, children=[one])
        referrer = graph.a_manifest(tx, repository, blobs=[blob], subject=index)
        put_tag(tx, repository, "multi", index)
        put_tag(tx, repository, "single", two)
        assert referrer
        return repository, blob.key.digest

    repository, digest = await database.write(body)
    answer, collectable_at = await Why(database, FrozenClock(NOW)).explain(
        repository.id, digest
    )
    assert (answer.kind, answer.size_bytes, answer.complete) == (Kind.BLOB, 7, True)
    assert sorted(told(answer), key=str) == [
        (KeeperKind.TAG, "multi", [Relation.CHILD, Relation.LAYER]),
        (KeeperKind.TAG, "single", [Relation.LAYER]),
    ]
    assert collectable_at is None


async def test_a_referrer_is_kept_by_its_subject(database: Database) -> None:
    def body(tx: Tx) -> tuple[Repository, Digest]:
        repository = rows.a_lone_repository(tx)
        image = graph.a_manifest(tx, repository)
        signature = graph.a_manifest(tx, repository, subject=image)
        put_tag(tx, repository, "v1", image)
        return repository, signature.digest

    repository, digest = await database.write(body)
    answer, _ = await Why(database, FrozenClock(NOW)).explain(repository.id, digest)
    assert told(answer) == [(KeeperKind.TAG, "v1", [Relation.REFERRER])]


async def test_leases_and_holds_say_until_when(database: Database) -> None:
    def body(tx: Tx) -> tuple[Repository, Digest]:
        repository = rows.a_lone_repository(tx)
        child = graph.a_manifest(tx, repository, lease_until=NOW + HOUR)
        index = graph.a_manifest(tx, repository, children=[child], lease_until=NOW)
        new = NewHold(
            repository.id,
            "needed",
            "somebody",
            digest=index.digest,
            expires_at=NOW + 5 * HOUR,
        )
        holds.create(tx, new, now=NOW)
        return repository, child.digest

    repository, digest = await database.write(body)
    clock = FrozenClock(NOW)
    answer, collectable_at = await Why(database, clock).explain(repository.id, digest)
    assert told(answer) == [
        (KeeperKind.LEASE, None, []),
        (KeeperKind.HOLD, "needed", [Relation.CHILD]),
    ]
    assert collectable_at == NOW + 5 * HOUR
    clock.advance(6 * HOUR)
    answer, collectable_at = await Why(database, clock).explain(repository.id, digest)
    assert told(answer) == []
    assert collectable_at == clock.now()


async def test_a_lasting_hold_keeps_for_good(database: Database) -> None:
    def body(tx: Tx) -> tuple[Repository, Digest]:
        repository = rows.a_lone_repository(tx)
        image = graph.a_manifest(tx, repository)
        new = NewHold(repository.id, "needed", "somebody", digest=image.digest)
        holds.create(tx, new, now=NOW)
        return repository, image.digest

    repository, digest = await database.write(body)
    _, collectable_at = await Why(database, FrozenClock(NOW)).explain(
        repository.id, digest
    )
    assert collectable_at is None


async def test_an_upload_that_ends_with_the_bytes_is_told(database: Database) -> None:
    def body(tx: Tx) -> tuple[Repository, Digest]:
        repository = rows.a_lone_repository(tx)
        blob = graph.a_blob(tx)
        graph.link(tx, repository, blob, NOW + HOUR)
        uploads.create(tx, "session", repository.id, "sha256", now=NOW)
        digest = blob.key.digest
        tx.run(rows.CLOSE_UPLOAD, id="session", digest=str(digest))
        return repository, digest

    repository, digest = await database.write(body)
    answer, collectable_at = await Why(database, FrozenClock(NOW)).explain(
        repository.id, digest
    )
    assert told(answer) == [
        (KeeperKind.LEASE, None, []),
        (KeeperKind.UPLOAD, "session", []),
    ]
    assert collectable_at == NOW + HOUR


async def test_what_cannot_be_told_as_a_whole_is_not_said_to_go(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Smaller limits instead of hundreds of rows.
    monkeypatch.setattr(why_module, "STEP_LIMIT", 2)

    def body(tx: Tx) -> tuple[Repository, Digest]:
        repository = rows.a_lone_repository(tx)
        blob = graph.a_blob(tx)
        for _ in range(3):
            graph.a_manifest(tx, repository, blobs=[blob], lease_until=NOW + HOUR)
        return repository, blob.key.digest

    repository, digest = await database.write(body)
    answer, collectable_at = await Why(database, FrozenClock(NOW)).explain(
        repository.id, digest
    )
    assert not answer.complete
    assert collectable_at is None


async def test_other_repositories_are_counted_and_not_named(
    database: Database,
) -> None:
    def body(tx: Tx) -> tuple[Repository, Repository, Digest]:
        project = rows.a_project(tx, rows.a_group(tx))
        one, two = (rows.a_repository(tx, project, name) for name in ("one", "two"))
        blob = graph.a_blob(tx)
        graph.a_manifest(tx, one, blobs=[blob])
        put_tag(tx, two, "v1", graph.a_manifest(tx, two, blobs=[blob]))
        return one, two, blob.key.digest

    one, _, digest = await database.write(body)
    why = Why(database, FrozenClock(NOW))
    answer, collectable_at = await why.explain(one.id, digest)
    assert told(answer) == []
    assert collectable_at == NOW
    assert await why.count_elsewhere(one.id, digest) == 1


async def test_what_is_not_in_the_repository_is_unknown(database: Database) -> None:
    repository = await database.write(rows.a_lone_repository)
    with pytest.raises(BlobUnknownError):
        await Why(database, FrozenClock(NOW)).explain(repository.id, Digest.of(b"x"))
