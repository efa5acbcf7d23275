"""Blobs in a folder of the local file system.

A commit is: truncate to the length, give the file its second name, fsync it and that
name's folder. The first name stays until the upload is discarded, so that what a crash
or a power cut leaves of a commit can be found.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import TypeVar

from moorage.adapters.file_sessions import FileSessions
from moorage.adapters.folder import FILE_MODE, TRANSLATED, Folder, OpenFile, lock
from moorage.adapters.linux import begin_writeback
from moorage.domain.digest import HEX_LENGTH, Hasher
from moorage.domain.errors import (
    BlobUnknownError,
    UnavailableError,
    UploadInvalidError,
)
from moorage.domain.uploads import StagedBytes
from moorage.ports.blobs import AppendInterrupted, BlobKey, Living, Recorded
from moorage.ports.upload_sessions import Sessions

PIECE_BYTES = 1 << 20
"""Bytes moved per trip to a thread: smaller ones cost more in trips than in work."""

WAITING_BYTES = 4 << 20
"""Bytes that gather while a thread is busy; then the client waits for it."""

SENT_BYTES = 8 << 20
"""Bytes that the disk is given at a time while an upload arrives."""

CACHED_BYTES = 128 << 10
"""Bytes sent at a time of a file that the kernel has in memory, which costs no trip.

The server keeps up to ten pieces for a client that is slow to take them.
"""

INLINE_BYTES = 64 << 10
"""Pieces up to this are moved on the event loop: a trip would cost more."""

THREADS = 16

DELETING_THREADS = 4
"""Threads that delete files: a file system deletes several at a time faster."""

DELETED_TOGETHER = 100
"""Files below which it is not worth while to divide them."""

SWEEP_BATCH = 500

DOUBLE = "~double"
"""Behind the name of a file: one that is becoming its double."""

WITHOUT_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""How a file system says that it has no hard links: a commit there copies the file."""

Result = TypeVar("Result")


class FileBlobStore:
    """A blob store in a folder, for any number of processes of one machine."""

    sessions: Sessions | None

    def __init__(self, root: Path, *, patience_seconds: float = 3) -> None:
        self._folder = Folder(root)
        self._patience_seconds = patience_seconds
        self._threads = ThreadPoolExecutor(THREADS, "moorage-files")
        self.sessions = FileSessions(self._folder, patience_seconds)
        with TRANSLATED:
            _make_folder(Path(self._folder.uploads))
            for algorithm in HEX_LENGTH:
                _make_folder(root / algorithm)

    @asynccontextmanager
    async def writing(self, upload_id: str) -> AsyncIterator[None]:
        """Hold the staged file's lock; the file is made if it is not there."""
        with TRANSLATED:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            fd = os.open(self._folder.staged(upload_id), flags, FILE_MODE)
        try:
            await lock(fd, self._patience_seconds)
            yield
        finally:
            os.close(fd)

    async def append(
        self,
        upload_id: str,
        staged: StagedBytes,
        chunks: AsyncIterator[bytes],
        hasher: Hasher | None = None,
    ) -> StagedBytes:
        """Write to the staged file, hashing as it goes."""
        with TRANSLATED, self._open_staged(upload_id, staged.length) as fd:
            writer = _Writer(fd, staged.length, hasher, self._in_thread)
            try:
                async for chunk in chunks:
                    await writer.add(chunk)
            except BaseException as error:
                await writer.finish()
                if isinstance(error, Exception):
                    raise AppendInterrupted(StagedBytes(writer.offset)) from error
                raise
            await writer.finish()
            return StagedBytes(writer.offset)

    @contextmanager
    def _open_staged(self, upload_id: str, offset: int) -> Iterator[int]:
        flags = os.O_RDWR | (os.O_CREAT if offset == 0 else 0)
        with OpenFile(self._folder.staged(upload_id), flags) as fd:
            if os.fstat(fd).st_nlink > 1:
                raise UploadInvalidError("the upload was being stored")
            _cut(fd, offset)
            os.lseek(fd, offset, os.SEEK_SET)
            yield fd

    async def staged(self, upload_id: str, staged: StagedBytes) -> AsyncIterator[bytes]:
        """Read a staged file from its start."""
        with TRANSLATED, OpenFile(self._folder.staged(upload_id), os.O_RDONLY) as fd:
            _check_length(fd, staged.length)
            async for piece in self._pieces(fd, 0, staged.length):
                yield piece

    async def commit(self, upload_id: str, staged: StagedBytes, key: BlobKey) -> None:
        """Link, then fsync the file and its folder."""
        source, target = self._folder.staged(upload_id), self._folder.name(key)
        folder = os.path.dirname(target)
        with TRANSLATED:
            try:
                fds = _open_both(source, folder)
            except FileNotFoundError:
                if os.path.exists(target):
                    return
                await self._in_thread(_make_folder, Path(folder))
                fds = _open_both(source, folder)
            await self._in_thread(_name_too, fds, staged.length, source, target)

    async def discard(self, upload_id: str, staged: StagedBytes) -> None:  # noqa: ARG002 (the port's)
        """Remove the staged file."""
        with TRANSLATED, suppress(FileNotFoundError):
            os.unlink(self._folder.staged(upload_id))

    async def sweep(self, before: datetime, living: Living, recorded: Recorded) -> int:
        """Remove old staged files of uploads that are over."""
        count = 0
        with TRANSLATED:
            names = await self._in_thread(self._folder.list_older, before)
        for start in range(0, len(names), SWEEP_BATCH):
            batch = names[start : start + SWEEP_BATCH]
            alive = set(await living(batch))
            for name in batch:
                if name not in alive:
                    await self._remove(name, recorded)
                    count += 1
        return count

    async def _remove(self, upload_id: str, recorded: Recorded) -> None:
        with TRANSLATED:
            key = await self._in_thread(self._folder.committed, upload_id)
        if key is not None and not await recorded(key):
            await self.delete([key])
        await self.discard(upload_id, StagedBytes())

    async def read(self, key: BlobKey, start: int, length: int) -> AsyncIterator[bytes]:
        """Read a range of a finished blob."""
        try:
            with TRANSLATED, OpenFile(self._folder.name(key), os.O_RDONLY) as fd:
                _check_length(fd, start + length)
                async for piece in self._pieces(fd, start, length):
                    yield piece
        except UploadInvalidError:
            raise BlobUnknownError(digest=str(key.digest)) from None

    async def _pieces(self, fd: int, start: int, length: int) -> AsyncIterator[bytes]:
        position, end = start, start + length
        while position < end:
            left = end - position
            piece = _read_from_memory(fd, min(CACHED_BYTES, left), position)
            if piece is None:
                size = min(PIECE_BYTES, left)
                piece = await self._in_thread(os.pread, fd, size, position)
            if not piece:
                raise UnavailableError("a stored file is shorter than it was")
            position += len(piece)
            yield piece

    def local_path(self, key: BlobKey) -> Path | None:
        """Return the blob's file."""
        return Path(self._folder.name(key))

    async def signed_url(self, key: BlobKey, lifetime: timedelta) -> str | None:  # noqa: ARG002 (the port's)
        """Files have no addresses."""
        return None

    async def delete(self, keys: Sequence[BlobKey]) -> None:
        """Unlink files, then fsync each folder once; in several threads where many."""
        ordered = sorted(keys, key=lambda key: key.digest.hex)
        size = max(DELETED_TOGETHER, ceil(len(ordered) / DELETING_THREADS))
        lots = [ordered[at : at + size] for at in range(0, len(ordered), size)]
        await asyncio.gather(*(self._in_thread(self._delete, lot) for lot in lots))

    def _delete(self, keys: Sequence[BlobKey]) -> None:
        paths = [self._folder.name(key) for key in keys]
        with TRANSLATED:
            for key in keys:
                # What a crash left of its upload could bring the object back.
                _unlink(self._folder.staged(key.generation))
            for path in paths:
                _unlink(path)
            for folder in {os.path.dirname(path) for path in paths}:
                with suppress(FileNotFoundError):
                    _sync_folder(folder)

    async def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False)

    async def _in_thread(
        self, function: Callable[..., Result], *arguments: object
    ) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)


class _Writer:
    """Collects chunks into pieces; hashes and writes one while the next arrives.

    Of a large upload the disk gets what is there while the rest arrives: who makes the
    whole durable at the end has little left to wait for.
    """

    def __init__(
        self,
        fd: int,
        offset: int,
        hasher: Hasher | None,
        in_thread: Callable[..., object],
    ) -> None:
        self._fd = fd
        self._hasher = hasher
        self._in_thread = in_thread
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._flight: asyncio.Task[None] | None = None
        self._sent = offset
        self.offset = offset

    async def add(self, chunk: bytes) -> None:
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        if self._waiting_bytes < PIECE_BYTES:
            return
        is_busy = self._flight is not None and not self._flight.done()
        if not is_busy or self._waiting_bytes >= WAITING_BYTES:
            await self._land()
            self._flight = asyncio.ensure_future(self._launch(self._take()))

    async def finish(self) -> None:
        await self._land()
        if self._waiting_bytes > INLINE_BYTES:
            await self._launch(self._take())
        elif self._waiting:
            self._absorb(self._take())

    def _take(self) -> list[bytes]:
        pieces, self._waiting, self._waiting_bytes = self._waiting, [], 0
        return pieces

    async def _launch(self, pieces: list[bytes]) -> None:
        await self._in_thread(self._absorb, pieces)  # type: ignore[misc]

    async def _land(self) -> None:
        if self._flight is not None:
            # A cancelled request must not close the file under the thread.
            await asyncio.shield(self._flight)
            self._flight = None

    def _absorb(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            _write_all(self._fd, piece)
            self.offset += len(piece)
            if self._hasher is not None:
                self._hasher.update(piece)
        if self.offset - self._sent >= SENT_BYTES:
            begin_writeback(self._fd, self._sent, self.offset - self._sent)
            self._sent = self.offset


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _read_from_memory(fd: int, size: int, position: int) -> bytes | None:
    """Read what the kernel has in its cache, without ever waiting for the disk.

    Returns:
        At most so many bytes; None if there are none, or a file system cannot tell.
    """
    buffer = bytearray(size)
    try:
        count = os.preadv(fd, [buffer], position, os.RWF_NOWAIT)
    except OSError:
        return None
    return bytes(memoryview(buffer)[:count])


def _check_length(fd: int, length: int) -> int:
    found = os.fstat(fd).st_size
    if found < length:
        raise UploadInvalidError("the upload is shorter than it was")
    return found


def _cut(fd: int, length: int) -> None:
    """Forget what lies beyond a length."""
    if _check_length(fd, length) > length:
        os.ftruncate(fd, length)


def _open_both(path: str, folder: str) -> tuple[int, int]:
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return fd, os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except BaseException:
        os.close(fd)
        raise


def _name_too(fds: tuple[int, int], length: int, source: str, target: str) -> None:
    """Give an open file a second name in an open folder, durably; close both.

    It does what may block and no more: each call lets the event loop in and then waits
    for it.
    """
    fd, folder_fd = fds
    try:
        _cut(fd, length)
        # Before the bytes are safe: both then go to a file system's journal at once.
        # Until there is a row nobody looks for the name.
        _link(source, target)
        os.fsync(fd)
        os.fsync(folder_fd)
    finally:
        os.close(fd)
        os.close(folder_fd)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        pass  # a commit before this one got as far
    except OSError as error:
        if error.errno not in WITHOUT_LINKS:
            raise
        _copy(source, target)


def _copy(source: str, target: str) -> None:
    """Give a file a double, which is whole as soon as it has its name."""
    if os.path.exists(target):
        return
    double = source + DOUBLE
    shutil.copyfile(source, double)
    with OpenFile(double, os.O_RDWR) as fd:
        os.fsync(fd)
    os.rename(double, target)


def _make_folder(path: Path) -> None:
    if path.is_dir():
        return
    path.mkdir(parents=True, exist_ok=True)
    _sync_folder(path.parent)


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _sync_folder(path: Path | str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
