"""Where the bytes of blobs and uploads lie in a folder, and how their files are held.

::

    <root>/uploads/<upload id>                          bytes of an unfinished upload
    <root>/<algorithm>/<first two hex>/<hex>.<generation>   a finished blob

A finished blob keeps its first name, in ``uploads/``, until the upload is discarded:
by that what broke off can be found.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from moorage.domain.digest import HEX_LENGTH, Digest
from moorage.domain.errors import (
    UnavailableError,
    UploadBusyError,
    UploadInvalidError,
)
from moorage.ports.blobs import BlobKey

FILE_MODE = 0o640

POLL_SECONDS = 0.05
"""Pause between two looks at a lock that another writer holds."""

PROBE = "~probe"
"""Behind the name of a file: another name that is given to it, and taken away."""


class Folder:
    """Names of files below a root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uploads = f"{root}/uploads"

    def staged(self, upload_id: str) -> str:
        """Name the file of an unfinished upload."""
        return f"{self.uploads}/{upload_id}"

    def name(self, key: BlobKey) -> str:
        """Name the file of a finished blob."""
        digest = key.digest
        folder = f"{self.root}/{digest.algorithm}/{digest.hex[:2]}"
        return f"{folder}/{digest.hex}.{key.generation}"

    def committed(self, upload_id: str) -> BlobKey | None:
        """Return what a commit made of an upload that was not discarded since.

        The bytes tell the second name: it may read all of them.
        """
        path = self.staged(upload_id)
        with suppress(FileNotFoundError):
            if os.stat(path).st_nlink == 1 and _may_have_links(path):
                return None
            for algorithm in HEX_LENGTH:
                key = BlobKey(_digest(path, algorithm), upload_id)
                if os.path.exists(self.name(key)):
                    return key
        return None

    def list_older(self, before: datetime) -> list[str]:
        """List what nobody has changed in ``uploads/`` since a time."""
        latest, found = before.timestamp(), list[str]()
        with os.scandir(self.uploads) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if entry.is_file() and entry.stat().st_mtime < latest:
                        found.append(entry.name)
        return found


@contextmanager
def opened(path: str, flags: int) -> Iterator[int]:
    """Have a file open."""
    fd = os.open(path, flags | os.O_CLOEXEC, FILE_MODE)
    try:
        yield fd
    finally:
        os.close(fd)


@asynccontextmanager
async def held(fd: int, patience_seconds: float) -> AsyncIterator[None]:
    """Hold a file's lock, waiting a little for one who gives up; close it in the end.

    Raises:
        UploadBusyError: Nobody did.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + patience_seconds
    try:
        while not _locked(fd):
            if loop.time() >= end:
                raise UploadBusyError
            await asyncio.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(fd)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _may_have_links(path: str) -> bool:
    """Say whether a commit would have left the file a second name, not a copy."""
    probe = path + PROBE
    try:
        os.link(path, probe)
    except FileExistsError:
        return True
    except OSError:
        return False
    os.unlink(probe)
    return True


def _digest(path: str, algorithm: str) -> Digest:
    with open(path, "rb") as file:
        return Digest(algorithm, hashlib.file_digest(file, algorithm).hexdigest())


@contextmanager
def translated() -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except FileNotFoundError:
        raise UploadInvalidError("the bytes are gone") from None
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise UnavailableError("the blob store is full") from error
        raise UnavailableError("the blob store does not answer") from error
