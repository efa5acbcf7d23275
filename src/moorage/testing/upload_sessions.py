"""What every keeper of upload sessions does, as a suite that its test inherits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from moorage.domain.digest import Digest
from moorage.domain.uploads import UploadSession
from moorage.ports.blobs import BlobKey, BlobStore
from moorage.ports.upload_sessions import Sessions
from moorage.testing.blobs import chunked
from moorage.testing.clock import START

LATER = START + timedelta(hours=1)


class SessionsContract:
    """Subclass it; provide ``sessions``, their ``store``, and a ``repository_id``."""

    async def grown(
        self, sessions: Sessions, store: BlobStore, upload_id: str
    ) -> UploadSession:
        """Append five bytes, as a writer does."""
        async with sessions.writing(upload_id) as session:
            assert session is not None
            staged = await store.append(upload_id, session.staged, chunked(b"bytes"))
            assert await sessions.advance(session, staged, None, now=LATER)
        found = await sessions.find(upload_id)
        assert found is not None
        return found

    async def test_a_session_is_found_where_it_is(
        self, sessions: Sessions, store: BlobStore, repository_id: int
    ) -> None:
        """By its id, with all that it was begun with."""
        begun = await sessions.begin(repository_id, "sha512", now=START)
        assert (begun.repository_id, begun.algorithm) == (repository_id, "sha512")
        assert await sessions.find(begun.id) == begun
        for offset in (5, 10):
            assert (await self.grown(sessions, store, begun.id)).offset == offset

    @pytest.mark.parametrize("upload_id", ["", "..", "a/b", "a\0b", "x", "0" * 300])
    async def test_what_is_no_id_is_no_session(
        self, sessions: Sessions, upload_id: str
    ) -> None:
        """Whatever a client may write there."""
        assert await sessions.find(upload_id) is None
        async with sessions.writing(upload_id) as session:
            assert session is None
        assert await sessions.fulfilled_by(upload_id) is None

    async def test_a_session_that_ended_is_over_for_everybody(
        self, sessions: Sessions, store: BlobStore, repository_id: int
    ) -> None:
        """Ending it again is no error."""
        begun = await sessions.begin(repository_id, "sha256", now=START)
        grown = await self.grown(sessions, store, begun.id)
        async with sessions.writing(begun.id):
            ended = await sessions.end(begun.id, now=LATER)
            assert ended == grown
            await store.discard(begun.id, grown.staged)
            await sessions.forget(begun.id)
            assert await sessions.end(begun.id, now=LATER) is None
        assert await sessions.find(begun.id) is None
        async with sessions.writing(begun.id) as session:
            assert session is None
        assert await sessions.living([begun.id]) == set()

    async def test_a_session_tells_what_it_was_about_to_become(
        self, sessions: Sessions, store: BlobStore, repository_id: int
    ) -> None:
        """When it broke off after the commit of its bytes."""
        begun = await sessions.begin(repository_id, "sha256", now=START)
        grown = await self.grown(sessions, store, begun.id)
        digest = Digest.of(b"bytes", "sha512")
        async with sessions.writing(begun.id):
            assert await sessions.close(grown, grown.staged, digest, now=LATER)
            await store.commit(begun.id, grown.staged, BlobKey(digest, begun.id))
        ended = await sessions.end(begun.id, now=LATER)
        assert ended is not None
        assert ended.closing == digest

    async def test_a_session_without_progress_is_stale(
        self, sessions: Sessions, store: BlobStore, repository_id: int
    ) -> None:
        """One that has made some is not."""
        old, young = [
            await sessions.begin(repository_id, "sha256", now=START) for _ in range(2)
        ]
        await self.grown(sessions, store, young.id)
        assert await sessions.list_stale(LATER, 10) == [old]
        assert await sessions.is_stale(old.id, LATER)
        assert not await sessions.is_stale(young.id, LATER)
        assert await sessions.living([old.id, "x" * 32]) == {old.id}
        assert len(await sessions.list_stale(LATER + timedelta(hours=1), 1)) == 1
