"""Reads of the data plane: manifests, blobs, tags, referrers, the catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from moorage.domain.digest import Digest
from moorage.domain.errors import (
    BlobUnknownError,
    ManifestUnknownError,
    RepositoryUnknownError,
)
from moorage.domain.names import Reference, RepositoryName
from moorage.domain.networks import Network, is_in
from moorage.domain.repositories import StoredBlob
from moorage.ports.blobs import BlobKey, BlobStore
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import blobs, manifests, repositories, tags
from moorage.store.blobs import LinkedBlob
from moorage.store.manifests import Referrer, StoredManifest

RENEWED_SHARE = 0.75
"""A lease with more than this share left is not renewed: a row is not written for
every HEAD, and whoever asks is still promised this much."""


REDIRECT_LIFETIME = timedelta(minutes=20)
"""How long a client may take to follow a redirect to the blob store."""


class Pull:
    """Finds and reads what a repository serves.

    Clients in the networks of ``redirects`` fetch blobs from where the store has them.
    """

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        clock: Clock,
        *,
        lease: timedelta,
        redirects: Sequence[Network] = (),
    ) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._lease = lease
        self._redirects = redirects

    async def manifest(
        self, name: RepositoryName, reference: Reference
    ) -> StoredManifest:
        """Return a manifest and its bytes.

        Raises:
            ManifestUnknownError: There is none under that tag or digest.
        """
        found = await self._database.quick(
            lambda tx: manifests.find(tx, name, reference)
        )
        if found is None:
            raise ManifestUnknownError(reference=str(reference))
        return found

    async def check_manifest(
        self, name: RepositoryName, reference: Reference
    ) -> StoredManifest:
        """Return a manifest, and promise that it stays for a while.

        Raises:
            ManifestUnknownError: There is none under that tag or digest.
        """
        found = await self.manifest(name, reference)
        now = self._clock.now()
        if self._is_short(found.lease_until, now):
            until = now + self._lease
            renewed = await self._database.write(
                lambda tx: manifests.renew(tx, found.id, lease_until=until)
            )
            if not renewed:
                raise ManifestUnknownError(reference=str(reference))
        return found

    async def blob(self, name: RepositoryName, digest: Digest) -> StoredBlob:
        """Return a blob's place and size.

        Raises:
            BlobUnknownError: The repository does not hold it.
        """
        return (await self._linked(name, digest)).blob

    async def check_blob(self, name: RepositoryName, digest: Digest) -> StoredBlob:
        """Return a blob, and promise that it stays for a while.

        Raises:
            BlobUnknownError: The repository does not hold it.
        """
        linked = await self._linked(name, digest)
        now = self._clock.now()
        if self._is_short(linked.lease_until, now):
            until = now + self._lease
            renewed = await self._database.write(
                lambda tx: _renew(tx, linked, until=until)
            )
            if not renewed:
                raise BlobUnknownError(digest=str(digest))
        return linked.blob

    async def _linked(self, name: RepositoryName, digest: Digest) -> LinkedBlob:
        found = await self._database.quick(lambda tx: blobs.find(tx, name, digest))
        if found is None:
            raise BlobUnknownError(digest=str(digest))
        return found

    def _is_short(self, lease_until: datetime | None, now: datetime) -> bool:
        return lease_until is None or lease_until < now + self._lease * RENEWED_SHARE

    def read(self, blob: StoredBlob, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield a range of a blob's bytes."""
        return self._store.read(_key(blob), start, length)

    async def address(self, blob: StoredBlob, client: str) -> str | None:
        """Return where a client, by its address, is to fetch a blob, if not here."""
        if not is_in(client, self._redirects):
            return None
        return await self._store.signed_url(_key(blob), REDIRECT_LIFETIME)

    def local_path(self, blob: StoredBlob) -> Path | None:
        """Return the file that holds a blob, where there is one."""
        return self._store.local_path(_key(blob))

    async def tags(self, name: RepositoryName, after: str, limit: int) -> list[str]:
        """List tags in byte order, those after ``after``.

        Raises:
            RepositoryUnknownError: There is no such repository.
        """

        def body(tx: Tx) -> list[str]:
            repository = repositories.find_by_path(tx, name)
            if repository is None:
                raise RepositoryUnknownError(name=name)
            return tags.list_names(tx, repository.id, after, limit)

        return await self._database.read(body)

    async def referrers(
        self,
        name: RepositoryName,
        subject: Digest,
        artifact_type: str | None,
        *,
        after: str,
        limit: int,
    ) -> list[Referrer]:
        """List the manifests about a subject, which itself need not exist."""
        return await self._database.read(
            lambda tx: manifests.list_referrers(
                tx, name, subject, artifact_type, after=after, limit=limit
            )
        )

    async def catalog(self, after: str, limit: int) -> list[str]:
        """List all repositories in byte order, those after ``after``."""
        return await self._database.read(
            lambda tx: repositories.list_paths(tx, after, limit)
        )


def _renew(tx: Tx, linked: LinkedBlob, *, until: datetime) -> bool:
    """Renew both leases; what collection took since it was found is not there."""
    blobs.renew(tx, linked.blob.digest, lease_until=until)
    return blobs.renew_link(tx, linked.repository_id, linked.blob.id, lease_until=until)


def _key(blob: StoredBlob) -> BlobKey:
    return BlobKey(blob.digest, blob.generation)
