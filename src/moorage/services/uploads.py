"""Blob uploads: start, append, finish, mount, cancel, expire.

The order of things is what makes a crash harmless. A closing request verifies the
digest, closes the session, makes the bytes durable, and only then names them in the
transaction that ends the session. Whatever breaks off before leaves a session, by which
``expire`` finds and removes all that it left in the store. An object that turns out to
be one too many is left to collection by that same transaction.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import structlog

from moorage.domain.digest import Digest, Hasher, check_algorithm, new_hasher
from moorage.domain.errors import (
    DigestInvalidError,
    RangeInvalidError,
    SizeInvalidError,
    TooLargeError,
    UnavailableError,
    UploadBusyError,
    UploadUnknownError,
)
from moorage.domain.events import UNKNOWN, Occasion, blob_mounted, blob_pushed
from moorage.domain.names import RepositoryName
from moorage.domain.uploads import Chunk, StagedBytes, UploadSession
from moorage.ports.blobs import AppendInterrupted, BlobKey, BlobStore
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.ports.upload_sessions import Sessions
from moorage.services.row_sessions import RowSessions
from moorage.store import blobs, events, repositories

MAX_HASHERS = 1024
"""Hashes of unfinished uploads that a process keeps; others are computed again."""

EXPIRY_BATCH = 100

log = structlog.get_logger(__name__)


class Uploads:
    """The life of an upload session."""

    def __init__(
        self,
        database: Database,
        store: BlobStore,
        clock: Clock,
        *,
        lease: timedelta,
        max_blob_bytes: int = 0,
    ) -> None:
        self._database = database
        self._store = store
        self._sessions: Sessions = store.sessions or RowSessions(database, store)
        self._clock = clock
        self._lease = lease
        self._max_blob_bytes = max_blob_bytes
        self._hashers = _Hashers()

    async def start(self, repository_id: int, algorithm: str) -> UploadSession:
        """Begin a session.

        Raises:
            DigestInvalidError: An algorithm that is not supported.
        """
        check_algorithm(algorithm)
        return await self._sessions.begin(
            repository_id, algorithm, now=self._clock.now()
        )

    async def get(self, name: RepositoryName, upload_id: str) -> UploadSession:
        """Return a session of a repository.

        Raises:
            UploadUnknownError: There is no such session in this repository.
        """
        session = await self._sessions.find(upload_id)
        return await self._of_repository(upload_id, session, name)

    async def _of_repository(
        self, upload_id: str, session: UploadSession | None, name: RepositoryName
    ) -> UploadSession:
        """Return a session that goes on, to who names its repository.

        That may have been deleted meanwhile: the push goes on, and the new repository
        at its end takes over what was brought.
        """
        if session is None or not await self._database.quick(
            lambda tx: repositories.has_had_path(tx, session.repository_id, name)
        ):
            raise UploadUnknownError(upload=upload_id[:64])
        return session

    async def append(
        self,
        name: RepositoryName,
        upload_id: str,
        chunk: Chunk,
        body: AsyncIterator[bytes],
    ) -> UploadSession:
        """Store the next bytes; return the session with its new offset.

        When the client goes away midway, the bytes before count.

        Raises:
            UploadUnknownError: There is no such session in this repository.
            RangeInvalidError: The bytes do not belong at the session's offset.
            UploadBusyError: Another request is writing to the session.
            TooLargeError: The blob grew past the limit; the session is gone.
        """
        async with self._sessions.writing(upload_id) as found:
            session = await self._of_repository(upload_id, found, name)
            chunk.check_follows(session)
            hasher = await self._hasher(session, session.algorithm)
            try:
                staged = await self._receive(session, chunk, body, hasher)
            except AppendInterrupted as interruption:
                await self._advance(session, interruption.staged, hasher)
                raise
            return await self._advance(session, staged, hasher)

    async def finish(
        self,
        name: RepositoryName,
        upload_id: str,
        digest: Digest,
        chunk: Chunk,
        body: AsyncIterator[bytes],
        occasion: Occasion = UNKNOWN,
    ) -> None:
        """Store the last bytes, verify the whole, and let the repository serve it.

        Raises:
            DigestInvalidError: The bytes have another digest; the session is gone.
            AppendInterrupted: The body broke off; the session is as it was.
            UploadUnknownError, RangeInvalidError, UploadBusyError, TooLargeError: As
                for ``append``.
        """
        async with self._sessions.writing(upload_id) as found:
            session = await self._of_repository(upload_id, found, name)
            if session.closing == digest:
                # This request came before, and broke off after it had been verified.
                await self._settle(session, session.staged, digest, occasion)
                return
            chunk.check_follows(session)
            if chunk.length == 0 and session.hashed == digest:
                await self._settle(session, session.staged, digest, occasion)
                return
            hasher = await self._hasher(session, digest.algorithm)
            try:
                staged = await self._receive(session, chunk, body, hasher)
            except (AppendInterrupted, UnavailableError):
                # The client sends the request again as it was, with all of its body.
                await self._cut_back(session)
                raise
            if hasher.hexdigest() != digest.hex:
                await self._abandon(session.id, staged)
                raise DigestInvalidError(digest=str(digest))
            await self._settle(session, staged, digest, occasion)

    async def has_finished(
        self, name: RepositoryName, upload_id: str, digest: Digest
    ) -> bool:
        """Say whether a session ended by this blob, and the repository has it.

        If so, it is kept for as long as after the push.
        """
        found = await self._database.quick(lambda tx: blobs.find(tx, name, digest))
        if found is None:
            return False
        became_it = (
            found.blob.generation == upload_id
            or await self._sessions.fulfilled_by(upload_id) == digest
        )
        return became_it and await self.mount(name, found.repository_id, digest)

    async def _hasher(self, session: UploadSession, algorithm: str) -> Hasher:
        hasher = self._hashers.take(session, algorithm)
        if hasher is None:
            hasher = new_hasher(algorithm)
            if session.offset:
                async for piece in self._store.staged(session.id, session.staged):
                    hasher.update(piece)
        return hasher

    async def _receive(
        self,
        session: UploadSession,
        chunk: Chunk,
        body: AsyncIterator[bytes],
        hasher: Hasher,
    ) -> StagedBytes:
        if chunk.length == 0 and session.offset:
            return session.staged
        limit = self._max_blob_bytes
        if limit:
            body = _at_most(limit - session.offset, body)
        try:
            staged = await self._store.append(session.id, session.staged, body, hasher)
        except AppendInterrupted as interruption:
            if isinstance(interruption.__cause__, TooLargeError):
                await self._abandon(session.id, interruption.staged)
                raise TooLargeError(limit=limit) from None
            raise
        if chunk.length is not None and staged.length - session.offset != chunk.length:
            await self._cut_back(session)
            raise SizeInvalidError
        return staged

    async def _cut_back(self, session: UploadSession) -> None:
        """Forget what has just come."""
        await self._store.append(session.id, session.staged, _nothing())
        await self._move(session, session.staged, session.hashed)

    async def _advance(
        self, session: UploadSession, staged: StagedBytes, hasher: Hasher
    ) -> UploadSession:
        hashed = Digest(hasher.name, hasher.hexdigest())
        await self._move(session, staged, hashed)
        advanced = replace(session, offset=staged.length, state=staged.state)
        self._hashers.put(advanced, hasher)
        return advanced

    async def _move(
        self, session: UploadSession, staged: StagedBytes, hashed: Digest | None
    ) -> None:
        now = self._clock.now()
        if not await self._sessions.advance(session, staged, hashed, now=now):
            raise await self._overtaken(session, staged)

    async def _settle(
        self,
        session: UploadSession,
        staged: StagedBytes,
        digest: Digest,
        occasion: Occasion,
    ) -> None:
        known = await self._link_known(session, staged, digest, occasion)
        if not known:
            now = self._clock.now()
            if not await self._sessions.close(session, staged, digest, now=now):
                raise await self._overtaken(session, staged)
            known = await self._store_new(session, staged, digest, occasion)
        await self._discard(session.id, staged)
        if not known:
            raise UploadUnknownError(upload=session.id)

    async def _link_known(
        self,
        session: UploadSession,
        staged: StagedBytes,
        digest: Digest,
        occasion: Occasion,
    ) -> bool:
        """End the session by what is stored already; return whether that could be.

        Raises:
            UploadUnknownError: It became a blob, and that was collected since: a crash
                kept the session from its end.
        """
        key = BlobKey(digest, session.id)

        def look(tx: Tx) -> bool:
            if blobs.is_stored(tx, digest):
                return True
            if blobs.is_recorded(tx, key):
                raise UploadUnknownError(upload=session.id)
            return False

        if not await self._database.quick(look):
            return False
        pushed = [blob_pushed(digest, staged.length)]
        now = self._clock.now()
        lease_until = now + self._lease

        def body(tx: Tx) -> bool:
            blob_id = blobs.renew(tx, digest, lease_until=lease_until)
            if blob_id is None:
                return False
            blobs.link(
                tx, session.repository_id, blob_id, lease_until=lease_until, now=now
            )
            if not self._sessions.fulfil(tx, session.id, digest, now=now):
                return False
            events.record(tx, session.repository_id, pushed, occasion, at=now)
            return True

        return await self._database.write(body)

    async def _store_new(
        self,
        session: UploadSession,
        staged: StagedBytes,
        digest: Digest,
        occasion: Occasion,
    ) -> bool:
        """Make bytes a blob; return whether the session lived to see it."""
        key = BlobKey(digest, session.id)
        await self._store.commit(session.id, staged, key)
        pushed = [blob_pushed(digest, staged.length)]
        now = self._clock.now()
        lease_until = now + self._lease

        def link_new(tx: Tx) -> bool:
            if not self._sessions.finish(tx, session.id):
                # Another writer finished the same bytes, or the session was ended.
                if blobs.is_recorded(tx, key):
                    return True
                blobs.leave_to_collection(tx, key, staged.length, now=now)
                return False
            blob_id, ours = blobs.put(
                tx, key, staged.length, lease_until=lease_until, now=now
            )
            if not ours:
                blobs.leave_to_collection(tx, key, staged.length, now=now)
            blobs.link(
                tx, session.repository_id, blob_id, lease_until=lease_until, now=now
            )
            events.record(tx, session.repository_id, pushed, occasion, at=now)
            return True

        return await self._database.write(link_new)

    async def _overtaken(
        self, session: UploadSession, staged: StagedBytes
    ) -> Exception:
        """Say why a session did not move: it is elsewhere now, or gone."""
        now = await self._sessions.find(session.id)
        if now is None:
            await self._discard(session.id, staged)
            return UploadUnknownError(upload=session.id)
        return RangeInvalidError(offset=now.offset)

    async def mount(
        self,
        source: RepositoryName,
        target_id: int,
        digest: Digest,
        occasion: Occasion = UNKNOWN,
    ) -> bool:
        """Let a repository serve what another one holds; return whether it can.

        The caller's right to read the source is checked before.
        """
        now = self._clock.now()
        lease_until = now + self._lease

        def body(tx: Tx) -> bool:
            found = blobs.find(tx, source, digest)
            if found is None:
                return False
            blob_id = blobs.renew(tx, digest, lease_until=lease_until)
            if blob_id is None:
                return False
            blobs.link(tx, target_id, blob_id, lease_until=lease_until, now=now)
            if found.repository_id != target_id:
                mounted = [blob_mounted(digest, found.blob.size_bytes, source)]
                events.record(tx, target_id, mounted, occasion, at=now)
            return True

        return await self._database.write(body)

    async def cancel(self, name: RepositoryName, upload_id: str) -> None:
        """End a session and forget its bytes.

        Raises:
            UploadUnknownError: There is no such session in this repository.
        """
        async with self._sessions.writing(upload_id) as found:
            session = await self._of_repository(upload_id, found, name)
            await self._abandon(session.id, session.staged)

    async def expire(self, older_than: timedelta) -> int:
        """End sessions without progress; return how many.

        What no session names any more is removed as well.
        """
        before = self._clock.now() - older_than
        await self._sessions.forget_fulfilled(before)
        stale = await self._sessions.list_stale(before, EXPIRY_BATCH)
        for session in stale:
            with suppress(UploadBusyError):
                async with self._sessions.writing(session.id):
                    if await self._sessions.is_stale(session.id, before):
                        ended = await self._end(session.id)
                        await self._remove(session.id, session.staged, ended)
        await self._store.sweep(before, self._sessions.living, self._is_recorded)
        return len(stale)

    async def _is_recorded(self, key: BlobKey) -> bool:
        return await self._database.quick(lambda tx: blobs.is_recorded(tx, key))

    async def _abandon(self, upload_id: str, staged: StagedBytes) -> None:
        """End the session; what cannot be removed at once is left to expiry."""
        ended = await self._end(upload_id)
        try:
            await self._remove(upload_id, staged, ended)
        except UnavailableError as error:
            log.warning("upload left to expiry", upload=upload_id, error=str(error))

    async def _end(self, upload_id: str) -> UploadSession | None:
        """Let nobody make a blob of a session any more; return what it was."""
        now = self._clock.now()
        return await self._sessions.end(upload_id, now=now)

    async def _remove(
        self, upload_id: str, staged: StagedBytes, ended: UploadSession | None
    ) -> None:
        """Remove the bytes of an ended session, then the session."""
        if ended is None:
            await self._store.discard(upload_id, staged)
            return
        if ended.closing is not None:
            key = BlobKey(ended.closing, upload_id)
            if not await self._is_recorded(key):
                await self._store.delete([key])
        for each in {staged, ended.staged}:
            await self._store.discard(upload_id, each)
        await self._sessions.forget(upload_id)

    async def _discard(self, upload_id: str, staged: StagedBytes) -> None:
        """Forget an upload of which no session tells; a sweep finds what is left.

        The client gets the answer that is true without that: it may be that his blob
        is stored.
        """
        try:
            await self._store.discard(upload_id, staged)
        except UnavailableError as error:
            log.warning("upload left to a sweep", upload=upload_id, error=str(error))


class _Hashers:
    """Hashes of sessions that this process wrote to, each at a known offset."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Hasher]] = OrderedDict()

    def take(self, session: UploadSession, algorithm: str) -> Hasher | None:
        """Return the hash of exactly the session's bytes, if it is at hand."""
        offset, hasher = self._kept.pop(session.id, (0, None))
        if hasher is None or offset != session.offset or hasher.name != algorithm:
            return None
        return hasher

    def put(self, session: UploadSession, hasher: Hasher) -> None:
        """Keep the hash for the session's next request."""
        self._kept[session.id] = (session.offset, hasher)
        if len(self._kept) > MAX_HASHERS:
            self._kept.popitem(last=False)


async def _at_most(limit: int, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    left = limit
    async for piece in body:
        left -= len(piece)
        if left < 0:
            raise TooLargeError
        yield piece


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield
