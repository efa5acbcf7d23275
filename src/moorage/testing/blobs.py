"""What every blob store does, as a suite that each adapter's test inherits."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from moorage.domain.digest import Digest
from moorage.domain.errors import (
    BlobUnknownError,
    UploadBusyError,
    UploadInvalidError,
)
from moorage.domain.uploads import StagedBytes
from moorage.ports.blobs import AppendInterrupted, BlobKey, BlobStore

NOTHING = StagedBytes()

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
    staged = await store.append(upload_id, NOTHING, chunked(content))
    key = BlobKey(Digest.of(content), upload_id)
    await store.commit(upload_id, staged, key)
    await store.discard(upload_id, staged)
    return key


def shorter(staged: StagedBytes, length: int) -> StagedBytes:
    """Describe the first bytes of what is staged."""
    return replace(staged, length=length)


def new_upload_id() -> str:
    """Return an id that no other upload has."""
    return uuid.uuid4().hex


async def not_recorded(_key: BlobKey) -> bool:
    """Say that no row names an object."""
    return False


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
        first = await store.append(upload_id, NOTHING, chunked(BIG[:half]), hasher)
        assert first.length == half
        staged = await store.append(upload_id, first, chunked(BIG[half:]), hasher)
        assert staged.length == len(BIG)
        assert hasher.hexdigest() == hashlib.sha256(BIG).hexdigest()
        assert await collect(store.staged(upload_id, staged)) == BIG
        key = BlobKey(Digest.of(BIG), upload_id)
        await store.commit(upload_id, staged, key)
        assert await collect(store.read(key, 0, len(BIG))) == BIG

    async def test_an_upload_arrives_in_many_small_appends(
        self, store: BlobStore
    ) -> None:
        """Of sizes that suit no store."""
        upload_id, staged, content = new_upload_id(), NOTHING, BIG * 3
        for start in range(0, len(content), 700_001):
            piece = content[start : start + 700_001]
            staged = await store.append(upload_id, staged, chunked(piece))
        assert await collect(store.staged(upload_id, staged)) == content
        key = BlobKey(Digest.of(content), upload_id)
        await store.commit(upload_id, staged, key)
        assert await collect(store.read(key, 0, len(content))) == content

    async def test_an_empty_append_changes_nothing(self, store: BlobStore) -> None:
        """As of a closing request without a body."""
        upload_id = new_upload_id()
        staged = await store.append(upload_id, NOTHING, chunked(BIG))
        assert await store.append(upload_id, staged, chunked(b"")) == staged

    async def test_what_lies_beyond_the_offset_is_forgotten(
        self, store: BlobStore
    ) -> None:
        """Bytes that the database never heard of do not count."""
        upload_id = new_upload_id()
        for content in (b"abandoned", BIG):
            staged = await store.append(upload_id, NOTHING, chunked(content))
            kept = shorter(staged, 3)
            staged = await store.append(upload_id, kept, chunked(b"!"))
            assert staged.length == 4
            found = await collect(store.staged(upload_id, staged))
            assert found == content[:3] + b"!"

    async def test_a_commit_takes_no_more_than_its_length(
        self, store: BlobStore
    ) -> None:
        """Nor fewer bytes."""
        for content in (b"0123456789", BIG):
            upload_id, expected = new_upload_id(), content[:4]
            staged = await store.append(upload_id, NOTHING, chunked(content))
            key = BlobKey(Digest.of(expected), upload_id)
            await store.commit(upload_id, shorter(staged, 4), key)
            assert await collect(store.read(key, 0, 4)) == expected
            with pytest.raises(BlobUnknownError):
                await collect(store.read(key, 0, 5))

    async def test_a_commit_may_be_repeated(self, store: BlobStore) -> None:
        """As after a crash between the bytes and the row."""
        for content in (b"twice", BIG):
            upload_id = new_upload_id()
            staged = await store.append(upload_id, NOTHING, chunked(content))
            key = BlobKey(Digest.of(content), upload_id)
            await store.commit(upload_id, staged, key)
            await store.commit(upload_id, staged, key)
            await store.discard(upload_id, staged)
            await store.commit(upload_id, staged, key)
            assert await collect(store.read(key, 0, len(content))) == content

    async def test_an_upload_that_lost_bytes_does_not_go_on(
        self, store: BlobStore
    ) -> None:
        """An offset beyond the bytes is refused by every call."""
        upload_id = new_upload_id()
        staged = await store.append(upload_id, NOTHING, chunked(b"abc"))
        more = replace(staged, length=4)
        key = BlobKey(Digest.of(b"abcd"), upload_id)
        with pytest.raises(UploadInvalidError):
            await store.append(upload_id, more, chunked(b"x"))
        with pytest.raises(UploadInvalidError):
            await store.commit(upload_id, more, key)
        with pytest.raises(UploadInvalidError):
            await collect(store.staged(upload_id, more))
        with pytest.raises(UploadInvalidError):
            await store.append(new_upload_id(), StagedBytes(4), chunked(b"x"))

    async def test_a_source_that_fails_leaves_what_came_before(
        self, store: BlobStore
    ) -> None:
        """A client that goes away may come back."""
        upload_id = new_upload_id()

        async def broken() -> AsyncIterator[bytes]:
            yield b"before"
            raise ConnectionError

        with pytest.raises(AppendInterrupted) as caught:
            await store.append(upload_id, NOTHING, broken())
        staged = caught.value.staged
        assert staged.length == 6
        assert isinstance(caught.value.__cause__, ConnectionError)
        staged = await store.append(upload_id, staged, chunked(b" after"))
        assert staged.length == 12
        assert await collect(store.staged(upload_id, staged)) == b"before after"

    @pytest.mark.parametrize("content", [b"first", BIG], ids=["small", "big"])
    async def test_two_writers_never_mix_their_bytes(
        self, store: BlobStore, content: bytes
    ) -> None:
        """The second is refused, or stores what does the first's no harm."""
        upload_id = new_upload_id()
        async with store.writing(upload_id):
            staged = await store.append(upload_id, NOTHING, chunked(content))
            with suppress(UploadBusyError):
                async with store.writing(upload_id):
                    other = await store.append(upload_id, NOTHING, chunked(b"second"))
                    assert await collect(store.staged(upload_id, other)) == b"second"
            async with store.writing(new_upload_id()):
                pass
        async with store.writing(upload_id):
            staged = await store.append(upload_id, staged, chunked(b"!"))
        assert await collect(store.staged(upload_id, staged)) == content + b"!"

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
        await store.discard(new_upload_id(), NOTHING)

    async def test_a_discarded_upload_is_gone(self, store: BlobStore) -> None:
        """And its bytes with it."""
        upload_id = new_upload_id()
        staged = await store.append(upload_id, NOTHING, chunked(BIG))
        await store.discard(upload_id, staged)
        with pytest.raises(UploadInvalidError):
            await collect(store.staged(upload_id, staged))

    async def test_a_sweep_leaves_what_is_living_or_young(
        self, store: BlobStore
    ) -> None:
        """Bytes go only when they are old and no session names them."""
        upload_id = new_upload_id()
        staged = await store.append(upload_id, NOTHING, chunked(BIG))
        key = await stored(store, BIG)
        now = datetime.now(UTC)

        async def all_of_them(upload_ids: Sequence[str]) -> set[str]:
            return set(upload_ids)

        async def none_of_them(_upload_ids: Sequence[str]) -> set[str]:
            return set()

        await store.sweep(now + timedelta(hours=1), all_of_them, not_recorded)
        await store.sweep(now - timedelta(hours=1), none_of_them, not_recorded)
        assert await collect(store.staged(upload_id, staged)) == BIG
        assert await collect(store.read(key, 0, len(BIG))) == BIG

    async def test_an_unknown_object_is_unknown(self, store: BlobStore) -> None:
        """Reading what was never stored says so before the first byte."""
        key = BlobKey(Digest.of(b"nothing"), new_upload_id())
        with pytest.raises(BlobUnknownError):
            await collect(store.read(key, 0, 7))
