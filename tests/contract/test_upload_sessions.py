import asyncio
import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contract import rows
from moorage.adapters.files import DOUBLE, FileBlobStore
from moorage.adapters.memory import MemoryBlobStore
from moorage.domain.digest import Digest
from moorage.domain.errors import UploadBusyError
from moorage.ports.blobs import BlobKey, BlobStore
from moorage.ports.database import Database
from moorage.ports.upload_sessions import Sessions
from moorage.services.row_sessions import RowSessions
from moorage.testing.blobs import chunked, not_recorded
from moorage.testing.clock import START
from moorage.testing.upload_sessions import SessionsContract


class TestRowSessions(SessionsContract):
    @pytest.fixture
    def store(self) -> BlobStore:
        return MemoryBlobStore()

    @pytest.fixture
    def sessions(self, database: Database, store: BlobStore) -> Sessions:
        return RowSessions(database, store)

    @pytest.fixture
    def repository_id(self, database: Database) -> int:
        return database.write_now(rows.a_lone_repository).id


class FileSessionsContract(SessionsContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> BlobStore:
        return FileBlobStore(tmp_path, patience_seconds=0)

    @pytest.fixture
    def sessions(self, store: BlobStore) -> Sessions:
        assert store.sessions is not None
        return store.sessions

    @pytest.fixture
    def repository_id(self) -> int:
        return 17

    async def test_a_second_writer_is_refused_while_the_first_writes(
        self, sessions: Sessions
    ) -> None:
        begun = await sessions.begin(17, "sha256", now=START)
        async with sessions.writing(begun.id):
            with pytest.raises(UploadBusyError):
                async with sessions.writing(begun.id):
                    pass

    async def test_who_waited_for_a_writer_that_ended_it_is_told(
        self, sessions: Sessions, store: BlobStore, tmp_path: Path
    ) -> None:
        begun = await sessions.begin(17, "sha256", now=START)
        patient = FileBlobStore(tmp_path, patience_seconds=5).sessions
        assert patient is not None
        first = sessions.writing(begun.id)
        await first.__aenter__()
        waiting = asyncio.ensure_future(patient.writing(begun.id).__aenter__())
        await asyncio.sleep(0)
        await store.discard(begun.id, begun.staged)
        await first.__aexit__(None, None, None)
        assert await waiting is None

    async def test_bytes_that_nobody_noted_count(
        self, sessions: Sessions, store: BlobStore
    ) -> None:
        begun = await sessions.begin(17, "sha256", now=START)
        await store.append(begun.id, begun.staged, chunked(b"before the crash"))
        found = await sessions.find(begun.id)
        assert found is not None
        assert found.offset == len(b"before the crash")

    async def test_an_object_that_is_deleted_does_not_come_back(
        self, sessions: Sessions, store: BlobStore
    ) -> None:
        begun = await sessions.begin(17, "sha256", now=START)
        staged = await store.append(begun.id, begun.staged, chunked(b"bytes"))
        key = BlobKey(Digest.of(b"bytes"), begun.id)
        await store.commit(begun.id, staged, key)
        await store.delete([key])
        assert await sessions.find(begun.id) is None


class TestFileSessions(FileSessionsContract):
    async def test_a_commit_is_known_although_a_power_cut_took_bytes(
        self, sessions: Sessions, store: BlobStore, tmp_path: Path
    ) -> None:
        begun = await sessions.begin(17, "sha256", now=START)
        staged = await store.append(begun.id, begun.staged, chunked(b"bytes"))
        key = BlobKey(Digest.of(b"bytes"), begun.id)
        await store.commit(begun.id, staged, key)
        os.truncate(tmp_path / "uploads" / begun.id, 2)
        ended = await sessions.end(begun.id, now=START)
        assert ended is not None
        assert ended.closing == key.digest


class TestFileSessionsWithoutLinks(FileSessionsContract):
    """On a file system that has no hard links; none such is at hand."""

    @pytest.fixture(autouse=True)
    def no_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_source: str, _target: str) -> None:
            raise OSError(errno.EOPNOTSUPP, "no hard links")

        monkeypatch.setattr(os, "link", refuse)

    async def test_half_a_double_is_swept(
        self, store: BlobStore, sessions: Sessions, tmp_path: Path
    ) -> None:
        begun = await sessions.begin(17, "sha256", now=START)
        half = tmp_path / "uploads" / (begun.id + DOUBLE)
        half.touch()
        later = datetime.now(UTC) + timedelta(hours=1)
        assert await store.sweep(later, sessions.living, not_recorded) == 1
        assert not half.exists()
        assert await sessions.find(begun.id) is not None
