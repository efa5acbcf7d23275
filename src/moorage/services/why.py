"""Why is this still here: walks up from a digest to whatever keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from moorage.domain.digest import Digest
from moorage.domain.errors import BlobUnknownError
from moorage.domain.reasons import (
    Answer,
    Chain,
    Keeper,
    KeeperKind,
    Kind,
    Link,
    collectable_at,
)
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import why
from moorage.store.why import Found, Step

STEP_LIMIT = 100
"""Things of one kind that are followed from one level of the walk to the next."""

MANIFEST_LIMIT = 1000
"""Manifests that are visited."""

CHAIN_LIMIT = 100
"""Chains that are told."""

Item = TypeVar("Item")


class Why:
    """Explains what keeps a manifest or blob; who may ask is checked before."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def explain(
        self, repository_id: int, digest: Digest
    ) -> tuple[Answer, datetime | None]:
        """Return the shortest chain from each thing that keeps a digest.

        And from when on collection may take it: ``None`` while something lasting
        keeps it.

        Raises:
            BlobUnknownError: The repository has nothing under that digest.
        """
        now = self._clock.now()
        answer = await self._database.read(
            lambda tx: _explain(tx, repository_id, digest, now)
        )
        return answer, collectable_at(answer, now)

    async def count_elsewhere(self, repository_id: int, digest: Digest) -> int:
        """Count the other repositories that hold a blob, and keep its bytes."""
        return await self._database.read(
            lambda tx: why.count_elsewhere(tx, repository_id, digest)
        )


def _explain(tx: Tx, repository_id: int, digest: Digest, now: datetime) -> Answer:
    target = why.find_manifest(tx, repository_id, digest)
    target = target or why.find_blob(tx, repository_id, digest)
    if target is None:
        raise BlobUnknownError(digest=str(digest))
    walk = _Walk(tx, repository_id, target, now)
    walk.climb()
    return Answer(
        kind=target.kind,
        digest=digest,
        size_bytes=target.size_bytes,
        deleted_at=target.deleted_at,
        chains=tuple(walk.chains[:CHAIN_LIMIT]),
        complete=walk.complete and len(walk.chains) <= CHAIN_LIMIT,
    )


class _Walk:
    """Breadth first, so that the first way to a manifest is a shortest one."""

    def __init__(
        self, tx: Tx, repository_id: int, target: Found, now: datetime
    ) -> None:
        self._tx = tx
        self._repository_id = repository_id
        self._target = target
        self._now = now
        self._links: dict[int, tuple[Link, ...]] = {}
        self.chains: list[Chain] = []
        self.complete = True

    def climb(self) -> None:
        """Visit everything above the target."""
        target = self._target
        if target.kind is Kind.BLOB:
            level = self._begin_at_blob()
        else:
            self._links[target.id] = (Link(target.kind, target.digest),)
            level = [target]
        while level and len(self._links) <= MANIFEST_LIMIT:
            self._collect_keepers(level)
            level = self._follow(self._steps([each.id for each in level]))
        self.complete = self.complete and not level

    def _begin_at_blob(self) -> list[Found]:
        target, tx = self._target, self._tx
        below = (Link(target.kind, target.digest),)
        uploads = why.list_uploads(tx, self._repository_id, target.digest, STEP_LIMIT)
        for keeper in [*self._lease(target), *uploads]:
            self.chains.append(Chain(keeper, below))
        users = why.list_users(tx, self._repository_id, target.id, STEP_LIMIT + 1)
        return self._follow(self._bounded(users), below)

    def _steps(self, ids: Sequence[int]) -> list[Step]:
        return [
            *self._bounded(why.list_indexes(self._tx, ids, STEP_LIMIT + 1)),
            *self._bounded(why.list_subjects(self._tx, ids, STEP_LIMIT + 1)),
        ]

    def _follow(
        self, steps: Sequence[Step], below: tuple[Link, ...] | None = None
    ) -> list[Found]:
        """Take note of manifests that were not seen before; return them."""
        new = []
        for step in steps:
            above = step.above
            if above.id in self._links:
                continue
            rest = self._links[step.below_id] if below is None else below
            link = Link(above.kind, above.digest, step.relation)
            self._links[above.id] = (link, *rest)
            new.append(above)
        return new

    def _collect_keepers(self, level: Sequence[Found]) -> None:
        for each in level:
            for keeper in self._lease(each):
                self.chains.append(Chain(keeper, self._links[each.id]))
        ids, limit = [each.id for each in level], STEP_LIMIT + 1
        tags = why.list_tags(self._tx, ids, limit)
        holds = why.list_holds(self._tx, ids, limit, now=self._now)
        for manifest_id, keeper in [*self._bounded(tags), *self._bounded(holds)]:
            self.chains.append(Chain(keeper, self._links[manifest_id]))

    def _lease(self, found: Found) -> list[Keeper]:
        until = found.lease_until
        if until is None or until <= self._now:
            return []
        return [Keeper(KeeperKind.LEASE, until=until)]

    def _bounded(self, items: list[Item]) -> list[Item]:
        """Take note where not everything is followed."""
        self.complete = self.complete and len(items) <= STEP_LIMIT
        return items
