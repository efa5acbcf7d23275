"""What every blob store does, as a suite that each adapter's test inherits."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator

import pytest

from moorage.domain.digest import Digest
from moorage.domain.errors import (
    BlobUnknownError,
    UploadBusyError,
    UploadInvalidError,
)
from moorage.ports.blobs import AppendInterrupted, BlobKey, BlobStore

BIG = bytes(range(256)) * 12_289  # three pieces and a bit, of no round length


async def chunked(content: bytes, size: int = 70_000) -> AsyncIterator[bytes]:
    """Yield bytes as a network would: in pieces, then none."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def collect(pieces: AsyncIterator[bytes]) -> bytes:
    """Read to the end."""
    return b"".join([piece async for piece in pieces])


async def stored(store: BlobStore, content: bytes) -> BlobKey:
    """Upload bytes in one go and return their key."""
    upload_id = new_upload_id()
    length = await store.append(upload_id, 0, chunked(content))
    key = BlobKey(Digest.of(content), upload_id)
    await store.commit(upload_id, length, key)
    return key


def new_upload_id() -> str:
    """Return an id that no other upload has."""
    return uuid.uuid4().hex


class BlobStoreContract:
    """Subclass it and provide a ``store`` fixture."""

    @pytest.mark.parametrize("content", [b"", b"x", BIG], ids=["empty", "byte", "big"])
    async def test_what_was_committed_reads_back(
        self, store: BlobStore, content: bytes
    ) -> None:
        """Any length, empty included."""
        key = await stored(store, content)
        assert await collect(store.read(key, 0, len(content))) == content

    @pytest.mark.parametrize(
        ("start", "length"), [(0, 1), (5, 1_048_576), (1_048_575, 2), (7, 0)]
    )
    async def test_a_range_reads_back(
        self, store: BlobStore, start: int, length: int
    ) -> None:
        """Ranges need not respect pieces."""
        key = await stored(store, BIG)
        found = await collect(store.read(key, start, length))
        assert found == BIG[start : start + length]

    async def test_an_upload_is_continued_where_it_ended(
        self, store: BlobStore
    ) -> None:
        """Several appends make one blob, and the hasher sees all of it in order."""
        upload_id, hasher = new_upload_id(), hashlib.sha256()
        half = len(BIG) // 2
        assert await store.append(upload_id, 0, chunked(BIG[:half]), hasher) == half
        length = await store.append(upload_id, half, chunked(BIG[half:]), hasher)
        assert length == len(BIG)
        assert hasher.hexdigest() == hashlib.sha256(BIG).hexdigest()
        assert await collect(store.staged(upload_id, length)) == BIG

    async def test_what_lies_beyond_the_offset_is_forgotten(
        self, store: BlobStore
    ) -> None:
        """Bytes that the database never heard of do not count."""
        upload_id = new_upload_id()
        await store.append(upload_id, 0, chunked(b"abandoned"))
        assert await store.append(upload_id, 3, chunked(b"!")) == 4
        assert await collect(store.staged(upload_id, 4)) == b"aba!"

    async def test_a_commit_takes_no_more_than_its_length(
        self, store: BlobStore
    ) -> None:
        """Nor fewer bytes."""
        upload_id = new_upload_id()
        await store.append(upload_id, 0, chunked(b"0123456789"))
        key = BlobKey(Digest.of(b"0123"), upload_id)
        await store.commit(upload_id, 4, key)
        assert await collect(store.read(key, 0, 4)) == b"0123"
        with pytest.raises(BlobUnknownError):
            await collect(store.read(key, 0, 5))

    async def test_a_commit_may_be_repeated(self, store: BlobStore) -> None:
        """As after a crash between the bytes and the row."""
        key = await stored(store, b"twice")
        await store.commit(key.generation, 5, key)
        assert await collect(store.read(key, 0, 5)) == b"twice"

    async def test_an_upload_that_lost_bytes_does_not_go_on(
        self, store: BlobStore
    ) -> None:
        """An offset beyond the bytes is refused by every call."""
        upload_id = new_upload_id()
        await store.append(upload_id, 0, chunked(b"abc"))
        key = BlobKey(Digest.of(b"abcd"), upload_id)
        with pytest.raises(UploadInvalidError):
            await store.append(upload_id, 4, chunked(b"x"))
        with pytest.raises(UploadInvalidError):
            await store.commit(upload_id, 4, key)
        with pytest.raises(UploadInvalidError):
            await collect(store.staged(upload_id, 4))
        with pytest.raises(UploadInvalidError):
            await store.append(new_upload_id(), 4, chunked(b"x"))

    async def test_a_source_that_fails_leaves_what_came_before(
        self, store: BlobStore
    ) -> None:
        """A client that goes away may come back."""
        upload_id = new_upload_id()

        async def broken() -> AsyncIterator[bytes]:
            yield b"before"
            raise ConnectionError

        with pytest.raises(AppendInterrupted) as caught:
            await store.append(upload_id, 0, broken())
        assert caught.value.offset == 6
        assert isinstance(caught.value.__cause__, ConnectionError)
        assert await store.append(upload_id, 6, chunked(b" after")) == 12
        assert await collect(store.staged(upload_id, 12)) == b"before after"

    async def test_two_writers_never_share_an_upload(self, store: BlobStore) -> None:
        """The second is refused while the first writes, and welcome afterwards."""
        upload_id = new_upload_id()
        async with store.writing(upload_id):
            await store.append(upload_id, 0, chunked(b"first"))
            with pytest.raises(UploadBusyError):
                async with store.writing(upload_id):
                    pass
            async with store.writing(new_upload_id()):
                pass
        async with store.writing(upload_id):
            assert await store.append(upload_id, 5, chunked(b"!")) == 6

    async def test_same_bytes_of_two_uploads_are_two_objects(
        self, store: BlobStore
    ) -> None:
        """Deleting the older generation leaves the younger alone."""
        older, younger = await stored(store, b"same"), await stored(store, b"same")
        await store.delete([older])
        with pytest.raises(BlobUnknownError):
            await collect(store.read(older, 0, 4))
        assert await collect(store.read(younger, 0, 4)) == b"same"

    async def test_deleting_what_is_gone_is_no_error(self, store: BlobStore) -> None:
        """Each step of a collection may be repeated."""
        key = await stored(store, b"gone")
        await store.delete([key])
        await store.delete([key, BlobKey(Digest.of(b"never"), new_upload_id())])
        await store.discard(new_upload_id())

    async def test_a_discarded_upload_is_gone(self, store: BlobStore) -> None:
        """And its bytes with it."""
        upload_id = new_upload_id()
        await store.append(upload_id, 0, chunked(b"abc"))
        await store.discard(upload_id)
        with pytest.raises(UploadInvalidError):
            await collect(store.staged(upload_id, 3))

    async def test_an_unknown_object_is_unknown(self, store: BlobStore) -> None:
        """Reading what was never stored says so before the first byte."""
        key = BlobKey(Digest.of(b"nothing"), new_upload_id())
        with pytest.raises(BlobUnknownError):
            await collect(store.read(key, 0, 7))
