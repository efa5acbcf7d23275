"""Deletes of the data plane: tags, manifests, blobs."""

from __future__ import annotations

from datetime import timedelta

from moorage.domain.access import Principal
from moorage.domain.digest import Digest
from moorage.domain.errors import (
    BlobReferencedError,
    BlobUnknownError,
    ManifestReferencedError,
    ManifestUnknownError,
    RepositoryUnknownError,
)
from moorage.domain.events import (
    UNKNOWN,
    Occasion,
    blob_deleted,
    manifest_deleted,
    tags_deleted,
)
from moorage.domain.history import Cause
from moorage.domain.names import RepositoryName, TagName
from moorage.domain.protection import ProtectedManifestError
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import guards
from moorage.store import blobs, events, holds, manifests, repositories, tags


class Deletion:
    """Hides what a client deletes; the bytes go by collection."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        undo_window: timedelta = timedelta(0),
    ) -> None:
        self._database = database
        self._clock = clock
        self._undo_window = undo_window

    def _cause(self, principal: Principal) -> Cause:
        now = self._clock.now()
        return Cause(principal.actor, now, now + self._undo_window)

    async def delete_tag(
        self,
        name: RepositoryName,
        tag: TagName,
        principal: Principal,
        occasion: Occasion = UNKNOWN,
    ) -> None:
        """Remove a tag; the manifest stays.

        Raises:
            ManifestUnknownError: There is no such tag.
            ProtectedTagError, ImmutableTagError: A rule keeps it.
        """
        cause = self._cause(principal)

        def body(tx: Tx) -> bool:
            repository = repositories.find_by_path(tx, name)
            if repository is None:
                raise RepositoryUnknownError(name=name)
            if not tags.delete(tx, repository.id, tag, cause=cause):
                return False
            project_id = repository.project_id
            guards.of_project(tx, principal, project_id, cause.now).check_deletion(tag)
            gone = tags_deleted([tag])
            events.record(tx, repository.id, gone, occasion, at=cause.now)
            return True

        if not await self._database.write(body):
            raise ManifestUnknownError(reference=tag)

    async def delete_manifest(
        self,
        name: RepositoryName,
        digest: Digest,
        principal: Principal,
        occasion: Occasion = UNKNOWN,
    ) -> None:
        """Remove a manifest and every tag that points to it.

        Raises:
            ManifestUnknownError: There is no such manifest.
            ManifestReferencedError: An index lists it.
            HeldError: It is held, or one of those tags.
            ProtectedTagError: A rule keeps one of those tags.
            ProtectedManifestError: The project has tags that are never to change.
        """
        cause = self._cause(principal)

        def body(tx: Tx) -> None:
            found = manifests.find(tx, name, digest)
            if found is None:
                raise ManifestUnknownError(reference=str(digest))
            parent = manifests.find_parent(tx, found.repository_id, digest)
            if parent is not None:
                raise ManifestReferencedError(digest=str(digest), index=str(parent))
            names = events.tags_of_manifest(tx, found.id)
            guard = guards.of_repository(tx, principal, found.repository_id, cause.now)
            if guard.knows_immutable:
                raise ProtectedManifestError
            for tag in names:
                guard.check_deletion(tag)
            tags.delete_by_manifest(tx, found.repository_id, found.id, cause=cause)
            manifests.delete(tx, found.id, now=cause.now, held_until=cause.held_until)
            # Now that its row is locked: a hold is there already or finds it hidden.
            hold = holds.find_on_digest(tx, found.repository_id, digest, now=cause.now)
            if hold is not None:
                raise hold.refusal("the manifest")
            gone = [manifest_deleted(digest), *tags_deleted(names)]
            events.record(tx, found.repository_id, gone, occasion, at=cause.now)

        await self._database.write(body)

    async def delete_blob(
        self, name: RepositoryName, digest: Digest, occasion: Occasion = UNKNOWN
    ) -> None:
        """Stop a repository from serving a blob.

        Raises:
            BlobUnknownError: The repository does not hold it.
            BlobReferencedError: A manifest of the repository uses it.
        """
        now = self._clock.now()

        def body(tx: Tx) -> None:
            found = blobs.find(tx, name, digest)
            if found is None:
                raise BlobUnknownError(digest=str(digest))
            user = blobs.find_user(tx, found.repository_id, found.blob.id)
            if user is not None:
                raise BlobReferencedError(digest=str(digest), manifest=str(user))
            blobs.unlink(tx, found.repository_id, found.blob.id, now=now)
            gone = [blob_deleted(digest)]
            events.record(tx, found.repository_id, gone, occasion, at=now)

        await self._database.write(body)
