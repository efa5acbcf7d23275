"""Blobs in an S3-compatible object store.

::

    <prefix>uploads/<upload id>/<part>                       bytes of unfinished uploads
    <prefix><algorithm>/<first two hex>/<hex>.<generation>   a finished blob

An append stores parts: objects under names that nobody else chooses. The list of them
is the upload's state, which goes into the session's row: which writer's parts are the
upload is decided there, and any replica can go on. A commit lets the server make one
object of the parts. What a few bytes come to is kept in the state itself.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from moorage.adapters.s3_bucket import (
    ANSWER_SECONDS,
    ObjectMissingError,
    S3Bucket,
    Source,
    end,
)
from moorage.domain.digest import Hasher
from moorage.domain.errors import (
    BlobUnknownError,
    UnavailableError,
    UploadInvalidError,
)
from moorage.domain.object_storage import S3Location
from moorage.domain.uploads import StagedBytes
from moorage.ports.blobs import AppendInterrupted, BlobKey, Living, Recorded
from moorage.ports.upload_sessions import Sessions

SMALLEST_PART_BYTES = 5 << 20
"""Every part of an object but its last has at least so many bytes.

Source: Amazon S3 user guide, "Amazon S3 multipart upload limits".
"""

PART_BYTES = 8 << 20
LATER_PART_BYTES = 64 << 20
SMALL_PARTS = 1000
"""From here on parts are large, so that 10,000 of them hold half a terabyte."""

TAIL_BYTES = 32 << 10
"""Bytes up to this are kept in the state, not in an object of their own."""

PARTS_IN_FLIGHT = 2
"""Parts of one upload that are under way while the next is received."""

HASHED_INLINE_BYTES = 64 << 10


class _Part(msgspec.Struct, frozen=True, array_like=True):
    """The first ``size`` bytes of an object; ``whole`` if it has no more."""

    name: str
    size: int
    whole: bool = True


class _State(msgspec.Struct, omit_defaults=True):
    """What an upload consists of: its parts, then the tail.

    Every part but the last has ``SMALLEST_PART_BYTES``; where the last is smaller
    there is no tail. ``replaced`` are parts of the state before this one that are no
    longer needed.
    """

    parts: list[_Part] = []
    tail: bytes = b""
    replaced: list[str] = []

    @classmethod
    def load(cls, staged: StagedBytes) -> _State:
        """Read the first bytes of what is staged.

        Raises:
            UploadInvalidError: There are fewer.
        """
        state = msgspec.json.decode(staged.state or "{}", type=cls)
        left, kept = staged.length, list[_Part]()
        for part in state.parts:
            if left == 0:
                break
            size = min(part.size, left)
            whole = part.whole and size == part.size
            kept.append(_Part(part.name, size, whole))
            left -= size
        if left > len(state.tail):
            raise UploadInvalidError("the upload is shorter than it was")
        dropped = [part.name for part in state.parts[len(kept) :]]
        return cls(kept, state.tail[:left], state.replaced + dropped)

    def dump(self) -> StagedBytes:
        """Write the state."""
        length = sum(part.size for part in self.parts) + len(self.tail)
        return StagedBytes(length, msgspec.json.encode(self).decode())


class S3BlobStore:
    """A blob store in a bucket, for any number of replicas."""

    sessions: Sessions | None = None

    def __init__(
        self, location: S3Location, *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._bucket = S3Bucket(location, answer_seconds)
        self._prefix = location.prefix

    @asynccontextmanager
    async def writing(self, upload_id: str) -> AsyncIterator[None]:  # noqa: ARG002 (the port's)
        """Admit every writer: each one stores parts of its own."""
        yield

    async def append(
        self,
        upload_id: str,
        staged: StagedBytes,
        chunks: AsyncIterator[bytes],
        hasher: Hasher | None = None,
    ) -> StagedBytes:
        """Store parts, hashing as the bytes come in."""
        folder = self._folder(upload_id)
        writer = _PartWriter(self._bucket, folder, _State.load(staged), hasher)
        try:
            async for chunk in _marked(chunks):
                await writer.add(chunk)
            return await writer.finish() or staged
        except _SourceFailed as failure:
            stored = await writer.finish() or staged
            raise AppendInterrupted(stored) from failure.__cause__
        finally:
            await writer.close()

    async def staged(self, upload_id: str, staged: StagedBytes) -> AsyncIterator[bytes]:
        """Read one part after another."""
        state, folder = _State.load(staged), self._folder(upload_id)
        try:
            for part in state.parts:
                async for piece in self._bucket.read(folder + part.name, 0, part.size):
                    yield piece
        except ObjectMissingError:
            raise UploadInvalidError("the bytes are gone") from None
        if state.tail:
            yield state.tail

    async def commit(self, upload_id: str, staged: StagedBytes, key: BlobKey) -> None:
        """Let the server make one object of the parts.

        The parts stay until the upload is discarded.
        """
        state, target = _State.load(staged), self._name(key)
        try:
            await self._assemble(self._folder(upload_id), state, target)
        except (ObjectMissingError, UnavailableError) as error:
            # Done before, or just now by an answer that was lost?
            if await self._bucket.size(target) == staged.length:
                return
            if isinstance(error, UnavailableError):
                raise
            raise UploadInvalidError("the bytes are gone") from error

    async def _assemble(self, folder: str, state: _State, target: str) -> None:
        parts, tail = state.parts, state.tail
        if not parts:
            await self._bucket.put(target, tail)
        elif len(parts) == 1 and parts[0].whole and not tail:
            await self._bucket.copy(folder + parts[0].name, target)
        else:
            sources = [Source(folder + part.name, part.size) for part in parts]
            await self._bucket.assemble(target, sources, tail)

    async def discard(self, upload_id: str, staged: StagedBytes) -> None:
        """Remove the parts."""
        state = msgspec.json.decode(staged.state or "{}", type=_State)
        names = [*(part.name for part in state.parts), *state.replaced]
        folder = self._folder(upload_id)
        await self._bucket.delete([folder + name for name in names])

    async def sweep(self, before: datetime, living: Living, recorded: Recorded) -> int:  # noqa: ARG002 (the port's)
        """Remove old parts of uploads that are over, and multiparts given up."""
        count = await self._bucket.abort_older(self._prefix, before)
        folder = f"{self._prefix}uploads/"
        async for page in self._bucket.pages(folder):
            found = defaultdict[str, list[str]](list)
            for name, stored_at in page:
                if stored_at < before:
                    found[name.removeprefix(folder).partition("/")[0]].append(name)
            alive = await living(list(found))
            dead = [upload_id for upload_id in found if upload_id not in alive]
            names = [name for upload_id in dead for name in found[upload_id]]
            await self._bucket.delete(names)
            count += len(names)
        return count

    async def read(self, key: BlobKey, start: int, length: int) -> AsyncIterator[bytes]:
        """Read a range of a finished blob."""
        try:
            async for piece in self._bucket.read(self._name(key), start, length):
                yield piece
        except ObjectMissingError:
            raise BlobUnknownError(digest=str(key.digest)) from None

    def local_path(self, key: BlobKey) -> Path | None:  # noqa: ARG002 (the port's)
        """There are no files."""
        return None

    async def signed_url(self, key: BlobKey, lifetime: timedelta) -> str | None:
        """Sign an address of the object."""
        return await self._bucket.sign(self._name(key), int(lifetime.total_seconds()))

    async def delete(self, keys: Sequence[BlobKey]) -> None:
        """Remove many objects with one call."""
        await self._bucket.delete([self._name(key) for key in keys])

    async def close(self) -> None:
        """Let go of the connections."""
        await self._bucket.close()

    def _folder(self, upload_id: str) -> str:
        return f"{self._prefix}uploads/{upload_id}/"

    def _name(self, key: BlobKey) -> str:
        digest = key.digest
        name = f"{digest.hex}.{key.generation}"
        return f"{self._prefix}{digest.algorithm}/{digest.hex[:2]}/{name}"


class _SourceFailed(Exception):  # noqa: N818 (the source's, not the store's)
    """Where the bytes come from failed; the cause says how."""


async def _marked(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except Exception as error:
        raise _SourceFailed from error


class _PartWriter:
    """Collects chunks into parts; stores some while the next is received."""

    def __init__(
        self, bucket: S3Bucket, folder: str, state: _State, hasher: Hasher | None
    ) -> None:
        self._bucket = bucket
        self._folder = folder
        self._state = state
        self._hasher = hasher
        self._nonce = secrets.token_hex(6)
        self._touched = False
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._unhashed: list[bytes] = []
        self._unhashed_bytes = 0
        self._hashing: asyncio.Task[None] | None = None
        self._flights: deque[asyncio.Task[None]] = deque()

    async def add(self, chunk: bytes) -> None:
        """Take in the next bytes."""
        if not self._touched:
            self._touched = True
            await self._resume()
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        self._unhashed.append(chunk)
        self._unhashed_bytes += len(chunk)
        if self._unhashed_bytes >= 1 << 20:
            await self._hash()
        if self._waiting_bytes >= self._part_bytes:
            await self._launch()

    @property
    def _part_bytes(self) -> int:
        few = len(self._state.parts) < SMALL_PARTS
        return PART_BYTES if few else LATER_PART_BYTES

    async def _resume(self) -> None:
        """Take back what cannot stay as it is when more bytes follow."""
        state = self._state
        # Whoever gave us this state has it in the session: what it replaced may go.
        await self._bucket.delete([self._folder + name for name in state.replaced])
        state.replaced = []
        if state.parts and state.parts[-1].size < SMALLEST_PART_BYTES:
            last = state.parts.pop()
            state.replaced = [last.name]
            try:
                pieces = self._bucket.read(self._folder + last.name, 0, last.size)
                self._waiting = [piece async for piece in pieces]
            except ObjectMissingError:
                raise UploadInvalidError("the bytes are gone") from None
            self._waiting_bytes = last.size
        elif state.tail:
            self._waiting, self._waiting_bytes = [state.tail], len(state.tail)
            state.tail = b""

    async def finish(self) -> StagedBytes | None:
        """Store the rest; return what there is now, or none if nothing was added."""
        if not self._touched:
            return None
        await self._hash(wait=True)
        if self._waiting_bytes > TAIL_BYTES:
            await self._launch()
        else:
            self._state.tail = b"".join(self._waiting)
        while self._flights:
            await self._flights.popleft()
        return self._state.dump()

    async def close(self) -> None:
        """Leave nothing running."""
        flights = list(self._flights)
        if self._hashing is not None:
            flights.append(self._hashing)
        await end(flights)

    async def _launch(self) -> None:
        if len(self._flights) >= PARTS_IN_FLIGHT:
            await self._flights.popleft()
        content = b"".join(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        name = f"{self._nonce}-{len(self._state.parts)}"
        self._state.parts.append(_Part(name, len(content)))
        put = self._bucket.put(self._folder + name, content)
        self._flights.append(asyncio.create_task(put))

    async def _hash(self, *, wait: bool = False) -> None:
        """Hash what has come in, in a thread, while more arrives."""
        if self._hashing is not None:
            await self._hashing
            self._hashing = None
        pieces, size = self._unhashed, self._unhashed_bytes
        self._unhashed, self._unhashed_bytes = [], 0
        if self._hasher is None:
            return
        if size <= HASHED_INLINE_BYTES:
            _update(self._hasher, pieces)
            return
        work = asyncio.to_thread(_update, self._hasher, pieces)
        self._hashing = asyncio.create_task(work)
        if wait:
            await self._hashing


def _update(hasher: Hasher, pieces: Sequence[bytes]) -> None:
    for piece in pieces:
        hasher.update(piece)
