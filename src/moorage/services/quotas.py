"""Quotas refuse a push that would take too much, and nothing else.

What counts are the blobs that tags and holds reach, each once: deleting tags makes room
at once, whatever the undo window keeps. A push that adds nothing is never refused.
Pushes at the same time are not ordered for a quota's sake: together they may go a
little above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from moorage.domain.manifest import Manifest
from moorage.domain.projects import Scope
from moorage.domain.quotas import Quota
from moorage.domain.repositories import Repository
from moorage.domain.usage import Sums
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import quotas, usage

BELIEVED_FOR = timedelta(seconds=30)
"""How long it is believed what tags reach while there is room: it is made anew before a
refusal."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What tags and holds reached, and what all repositories took up by then."""

    used_bytes: int
    sums: Sums
    until: datetime

    def most_bytes(self, sums: Sums) -> int:
        """Say what they reach by now at most, whoever pushed or restored since."""
        grown = sums.minus(self.sums)
        return self.used_bytes + max(0, grown.listed_bytes) + max(0, grown.unique_bytes)


class Quotas:
    """Sets quotas, and refuses pushes that do not keep to them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[Scope, _Known] = {}

    async def put(self, scope: Scope, limit_bytes: int | None) -> None:
        """Set a quota; ``None`` takes it away. What is there already stays."""
        await self._database.write(lambda tx: quotas.put(tx, scope, limit_bytes))

    async def find(self, scope: Scope) -> int | None:
        """Return the quota of a project or group, if it has one of its own."""
        return await self._database.quick(lambda tx: quotas.find(tx, scope))

    async def check(self, repository: Repository, manifest: Manifest) -> None:
        """Let a push pass that keeps to the quotas over its project.

        Raises:
            QuotaExceededError: It would not.
        """
        found = await self._database.quick(
            lambda tx: quotas.list_over_project(tx, repository.project_id)
        )
        for quota in found:
            await self._check(quota, repository, manifest)

    async def _check(
        self, quota: Quota, repository: Repository, manifest: Manifest
    ) -> None:
        now = self._clock.now()
        config_bytes = manifest.config.size_bytes if manifest.config else 0
        most = manifest.layer_bytes + config_bytes
        # What tags come to reach is held by repositories already, or named here.
        sums = await self._database.read(lambda tx: quotas.find_sums(tx, quota.scope))
        if sums.unique_bytes + most <= quota.limit_bytes:
            return
        known = self._known.get(quota.scope)
        # An index says nothing of the size of what its children bring.
        if (
            known is not None
            and now < known.until
            and not manifest.is_index
            and known.most_bytes(sums) + most <= quota.limit_bytes
        ):
            return
        before, after = await self._database.read(
            lambda tx: _sums(tx, quota.scope, repository, manifest, now)
        )
        self._known.pop(quota.scope, None)
        if after > max(quota.limit_bytes, before):
            raise quota.refusal(after)
        self._known[quota.scope] = _Known(after, sums, now + BELIEVED_FOR)


def _sums(
    tx: Tx, scope: Scope, repository: Repository, manifest: Manifest, now: datetime
) -> tuple[int, int]:
    """Add up what is used now, and what would be with the manifest."""
    ids = _repositories(tx, scope)
    roots = usage.roots(tx, ids, now=now)
    children = [child.digest for child in manifest.children]
    pushed = usage.manifests_of(tx, repository.id, children)
    blobs = list(manifest.needed_blobs)
    return (
        usage.used_bytes(tx, ids, roots, []),
        usage.used_bytes(tx, ids, roots | pushed, blobs),
    )


def _repositories(tx: Tx, scope: Scope) -> Sequence[int]:
    if scope.project_id is not None:
        return usage.repositories_of_project(tx, scope.project_id)
    return usage.repositories_of_namespace(tx, scope.namespace_id or 0)
