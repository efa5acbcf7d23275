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
from contextlib import suppress
from datetime import datetime
from glob import escape
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

        The bytes tell the second name: it may read all of them, and where a power cut
        took some of them, list every folder. It is for what broke off.
        """
        path = self.staged(upload_id)
        with suppress(FileNotFoundError):
            is_linked = os.stat(path).st_nlink > 1
            if not is_linked and _may_have_links(path):
                return None
            for algorithm in HEX_LENGTH:
                key = BlobKey(_digest(path, algorithm), upload_id)
                if os.path.exists(self.name(key)):
                    return key
            return self._search(upload_id) if is_linked else None
        return None

    def _search(self, upload_id: str) -> BlobKey | None:
        for algorithm in HEX_LENGTH:
            for path in (self.root / algorithm).glob(f"*/*.{escape(upload_id)}"):
                return BlobKey(
                    Digest(algorithm, path.name.partition(".")[0]), upload_id
                )
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


class OpenFile:
    """An open file, for as long as a block lasts."""

    def __init__(self, path: str, flags: int) -> None:
        self._path = path
        self._flags = flags
        self._fd = -1

    def __enter__(self) -> int:
        self._fd = os.open(self._path, self._flags | os.O_CLOEXEC, FILE_MODE)
        return self._fd

    def __exit__(self, *_error: object) -> None:
        os.close(self._fd)


async def lock(fd: int, patience_seconds: float) -> None:
    """Get a file's lock, waiting a little for one who gives up.

    Raises:
        UploadBusyError: Nobody did.
    """
    if _locked(fd):
        return
    loop = asyncio.get_running_loop()
    end = loop.time() + patience_seconds
    while not _locked(fd):
        if loop.time() >= end:
            raise UploadBusyError
        await asyncio.sleep(POLL_SECONDS)


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


class _Translated:
    """Turns the system's errors into ours. It is around every call of an upload."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        if not isinstance(error, OSError):
            return
        if isinstance(error, FileNotFoundError):
            raise UploadInvalidError("the bytes are gone") from None
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise UnavailableError("the blob store is full") from error
        raise UnavailableError("the blob store does not answer") from error


TRANSLATED = _Translated()
