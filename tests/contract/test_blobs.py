import errno
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from live.memory import folder_in_memory
from moorage.adapters.files import FileBlobStore
from moorage.adapters.memory import MemoryBlobStore
from moorage.domain.digest import Digest
from moorage.domain.errors import UploadBusyError, UploadInvalidError
from moorage.domain.uploads import StagedBytes
from moorage.ports.blobs import BlobKey, BlobStore
from moorage.testing.blobs import (
    BlobStoreContract,
    chunked,
    collect,
    new_upload_id,
    not_recorded,
    stored,
)


class TestFileBlobStore(BlobStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> BlobStore:
        return FileBlobStore(tmp_path, patience_seconds=0)

    async def test_a_blob_is_one_file_named_by_digest_and_generation(
        self, tmp_path: Path
    ) -> None:
        key = await stored(FileBlobStore(tmp_path), b"x")
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        digest = key.digest
        name = f"{digest.hex}.{key.generation}"
        assert files == [tmp_path / "sha256" / digest.hex[:2] / name]

    async def test_a_sweep_removes_old_bytes_that_no_session_names(
        self, tmp_path: Path
    ) -> None:
        store = FileBlobStore(tmp_path)
        lost, living = new_upload_id(), new_upload_id()
        for upload_id in (lost, living):
            await store.append(upload_id, StagedBytes(), chunked(b"bytes"))

        async def name(upload_ids: Sequence[str]) -> set[str]:
            return {living} & set(upload_ids)

        later = datetime.now(UTC) + timedelta(hours=1)
        assert await store.sweep(later, name, not_recorded) == 1
        assert [path.name for path in (tmp_path / "uploads").iterdir()] == [living]

    async def test_what_a_power_cut_left_of_a_commit_is_found_and_removed(
        self, tmp_path: Path
    ) -> None:
        store, keys = FileBlobStore(tmp_path), list[BlobKey]()
        for content in (b"lost", b"recorded"):
            upload_id = new_upload_id()
            staged = await store.append(upload_id, StagedBytes(), chunked(content))
            keys.append(BlobKey(Digest.of(content, "sha512"), upload_id))
            await store.commit(upload_id, staged, keys[-1])

        async def nobody(_upload_ids: Sequence[str]) -> set[str]:
            return set()

        async def recorded(key: BlobKey) -> bool:
            return key == keys[1]

        later = datetime.now(UTC) + timedelta(hours=1)
        assert await store.sweep(later, nobody, recorded) == 2
        left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
        assert left == [f"{keys[1].digest.hex}.{keys[1].generation}"]

    async def test_bytes_that_became_an_object_are_not_changed(
        self, store: BlobStore
    ) -> None:
        upload_id = new_upload_id()
        staged = await store.append(upload_id, StagedBytes(), chunked(b"bytes"))
        await store.commit(upload_id, staged, BlobKey(Digest.of(b"bytes"), upload_id))
        with pytest.raises(UploadInvalidError):
            await store.append(upload_id, StagedBytes(), chunked(b"other"))

    async def test_a_commit_does_without_links_where_there_are_none(
        self, store: BlobStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_source: str, _target: str) -> None:
            raise OSError(errno.EOPNOTSUPP, "no hard links")

        monkeypatch.setattr(os, "link", refuse)  # no such file system is at hand
        key = await stored(store, b"bytes")
        assert await collect(store.read(key, 0, 5)) == b"bytes"

    async def test_a_second_writer_is_refused_while_the_first_writes(
        self, store: BlobStore
    ) -> None:
        upload_id = new_upload_id()
        async with store.writing(upload_id):
            with pytest.raises(UploadBusyError):
                async with store.writing(upload_id):
                    pass


class TestFileBlobStoreInMemory(BlobStoreContract):
    """On a file system that cannot tell whether reading waits for the disk."""

    @pytest.fixture
    def store(self) -> Iterator[BlobStore]:
        with TemporaryDirectory(dir=folder_in_memory()) as folder:
            yield FileBlobStore(Path(folder), patience_seconds=0)


class TestMemoryBlobStore(BlobStoreContract):
    @pytest.fixture
    def store(self) -> BlobStore:
        return MemoryBlobStore()
