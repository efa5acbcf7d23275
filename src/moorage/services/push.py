"""Manifest pushes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from moorage.domain.access import Principal
from moorage.domain.digest import Digest
from moorage.domain.errors import ManifestReferencesUnknownError
from moorage.domain.events import UNKNOWN, Occasion, manifest_pushed
from moorage.domain.history import Cause
from moorage.domain.manifest import (
    MAX_SIZE_BYTES,
    ImageConfig,
    Manifest,
    TagDate,
    effective_created_at,
    keepable_labels,
)
from moorage.domain.names import RepositoryName, TagName
from moorage.domain.repositories import Repository
from moorage.ports.blobs import BlobKey, BlobStore
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import guards
from moorage.store import blobs, events, manifests, tags, traits

MAX_CONFIG_BYTES = 4 << 20
"""Larger configurations are stored but not read for dates and platforms."""


class Push:
    """Stores manifests and points tags at them."""

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        clock: Clock,
        *,
        lease: timedelta,
        undo_window: timedelta = timedelta(0),
        sparse_indexes: bool = False,
        sparse_images: bool = False,
        tag_date: TagDate = TagDate.CREATED,
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._lease = lease
        self._undo_window = undo_window
        self._sparse_indexes = sparse_indexes
        self._sparse_images = sparse_images
        self._tag_date = tag_date

    def needed_blobs(self, manifest: Manifest) -> tuple[Digest, ...]:
        """Return the blobs without which a manifest is refused."""
        return () if self._sparse_images else manifest.needed_blobs

    async def put_manifest(
        self,
        repository: Repository,
        manifest: Manifest,
        tag_names: Sequence[TagName],
        principal: Principal,
        occasion: Occasion = UNKNOWN,
    ) -> None:
        """Store a manifest and point tags at it: all or nothing.

        Raises:
            ManifestReferencesUnknownError: It names blobs, or an index manifests,
                that the repository does not hold; ``detail`` lists all of them.
            ProtectedTagError: A rule keeps the caller from pushing one of the tags.
            ImmutableTagError: One of them is there, and never to change.
        """
        config = await self._image_config(repository, manifest)
        now = self._clock.now()
        lease_until = now + self._lease
        cause = Cause(principal.actor, now, now + self._undo_window)

        def body(tx: Tx) -> None:
            guards.check_tags(tx, principal, repository, tag_names, now)
            children, missing = self._renew_references(
                tx, repository.id, manifest, lease_until
            )
            facts = manifests.put(
                tx,
                repository.id,
                manifest,
                missing=missing,
                platforms=manifest.platforms or _platforms(config),
                total_bytes=_total_bytes(manifest, children),
                created_at=_created_at(config, children, now),
                lease_until=lease_until,
                now=now,
            )
            traits.put_labels(tx, facts.id, _labels(tx, repository, manifest, config))
            for name in tag_names:
                tags.put(
                    tx,
                    repository.id,
                    name,
                    facts.id,
                    digest=manifest.digest,
                    created_at=self._tag_date.of(facts.created_at, facts.pushed_at),
                    total_bytes=facts.total_bytes,
                    pushed_at=facts.pushed_at,
                    cause=cause,
                )
            pushed = manifest_pushed(manifest, tag_names)
            events.record(tx, repository.id, pushed, occasion, at=now)

        await self._database.write(body)

    def _renew_references(
        self, tx: Tx, repository_id: int, manifest: Manifest, lease_until: datetime
    ) -> tuple[list[manifests.ChildFacts], set[Digest]]:
        """Return the children, and which of the named blobs are not there."""
        held = blobs.renew_links(
            tx, repository_id, manifest.named_blobs, lease_until=lease_until
        )
        listed = tuple(dict.fromkeys(child.digest for child in manifest.children))
        children = manifests.renew_children(
            tx, repository_id, listed, lease_until=lease_until
        )
        refused = [each for each in self.needed_blobs(manifest) if each not in held]
        if not self._sparse_indexes:
            there = {child.digest for child in children}
            refused += [digest for digest in listed if digest not in there]
        if refused:
            raise ManifestReferencesUnknownError(
                digests=[str(digest) for digest in refused]
            )
        return children, set(manifest.named_blobs) - held

    async def _image_config(
        self, repository: Repository, manifest: Manifest
    ) -> ImageConfig:
        """Read the configuration, where it describes an image and is there."""
        config = manifest.config
        if config is None or not manifest.has_image_config:
            return ImageConfig(None, None)
        name = RepositoryName(repository.path)
        found = await self._database.quick(
            lambda tx: blobs.find(tx, name, config.digest)
        )
        if found is None or found.blob.size_bytes > MAX_CONFIG_BYTES:
            return ImageConfig(None, None)
        key = BlobKey(found.blob.digest, found.blob.generation)
        pieces = self._store.read(key, 0, found.blob.size_bytes)
        return ImageConfig.parse(b"".join([piece async for piece in pieces]))


def _platforms(config: ImageConfig) -> tuple[str, ...]:
    return (config.platform,) if config.platform else ()


def _labels(
    tx: Tx, repository: Repository, manifest: Manifest, config: ImageConfig
) -> Mapping[str, str]:
    """Return labels and annotations; an index has the labels that its children share.

    Annotations win.
    """
    labels = config.labels
    if manifest.is_index:
        children = [child.digest for child in manifest.children]
        labels = traits.shared_labels(tx, repository.id, children)
    return {**labels, **keepable_labels(manifest.annotations)}


def _total_bytes(manifest: Manifest, children: Sequence[manifests.ChildFacts]) -> int:
    """Add up what is listed; a manifest may claim more than a column holds."""
    listed = manifest.layer_bytes
    if manifest.is_index:
        listed = sum(child.total_bytes for child in children)
    return min(listed, MAX_SIZE_BYTES)


def _created_at(
    config: ImageConfig, children: Sequence[manifests.ChildFacts], now: datetime
) -> datetime:
    newest = max((child.created_at for child in children), default=config.created_at)
    return effective_created_at(newest, now)
