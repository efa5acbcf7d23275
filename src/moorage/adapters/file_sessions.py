"""Upload sessions that are files: what goes on is what lies in ``uploads/``.

The file of an upload's bytes is the session. Its length is the offset, its time the
last progress, its name the id, which tells of what repository it is; that nobody else
has the file's lock makes a writer the only one. A process that dies leaves all of it as
it is, and nothing has to be written elsewhere while an upload goes on.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from moorage.adapters.folder import TRANSLATED, Folder, OpenFile, lock
from moorage.domain.digest import Digest
from moorage.domain.errors import UploadInvalidError
from moorage.domain.uploads import StagedBytes, UploadSession
from moorage.ports.database import Tx

_ID = re.compile(r"[0-9a-f]{32}-[0-9]{1,18}-[a-z0-9]{1,16}")


class FileSessions:
    """The sessions of a ``FileBlobStore``."""

    def __init__(self, folder: Folder, patience_seconds: float) -> None:
        self._folder = folder
        self._patience_seconds = patience_seconds

    async def begin(
        self, repository_id: int, algorithm: str, *, now: datetime
    ) -> UploadSession:
        """Make an empty file."""
        upload_id = f"{secrets.token_hex(16)}-{repository_id}-{algorithm}"
        with (
            TRANSLATED,
            OpenFile(self._path(upload_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL) as fd,
        ):
            _touch(fd, now)
        return UploadSession(upload_id, repository_id, algorithm)

    async def find(self, upload_id: str) -> UploadSession | None:
        """Look at a file."""
        if not _ID.fullmatch(upload_id):
            return None
        with suppress(UploadInvalidError), TRANSLATED:
            return _session(upload_id, os.stat(self._path(upload_id)))
        return None

    def writing(self, upload_id: str) -> _Writing:
        """Hold the file's lock; the file is gone if its session ended meanwhile."""
        return _Writing(upload_id, self._open(upload_id), self._patience_seconds)

    def _open(self, upload_id: str) -> int | None:
        if _ID.fullmatch(upload_id):
            with suppress(UploadInvalidError), TRANSLATED:
                return os.open(self._path(upload_id), os.O_RDWR | os.O_CLOEXEC)
        return None

    async def advance(
        self,
        session: UploadSession,
        staged: StagedBytes,  # noqa: ARG002 (the file has them)
        hashed: Digest | None,  # noqa: ARG002 (a power cut may change them)
        *,
        now: datetime,
    ) -> bool:
        """Date the file."""
        with TRANSLATED:
            _touch(self._path(session.id), now)
        return True

    async def close(
        self,
        session: UploadSession,
        staged: StagedBytes,
        digest: Digest,
        *,
        now: datetime,
    ) -> bool:
        """Do nothing: a commit gives the file a second name, which tells."""
        del session, staged, digest, now
        return True

    def finish(self, tx: Tx, upload_id: str) -> bool:  # noqa: ARG002 (the port's)
        """Do nothing: who holds the lock is the only one to end it."""
        return True

    def fulfil(
        self,
        tx: Tx,  # noqa: ARG002 (the port's)
        upload_id: str,  # noqa: ARG002 (the port's)
        digest: Digest,  # noqa: ARG002 (the port's)
        *,
        now: datetime,  # noqa: ARG002 (the port's)
    ) -> bool:
        """Do nothing: who holds the lock is the only one to end it."""
        return True

    async def fulfilled_by(self, upload_id: str) -> Digest | None:  # noqa: ARG002 (the port's)
        """Remember nothing: there is no other machine."""
        return None

    async def forget_fulfilled(self, before: datetime) -> None:
        """Do nothing."""

    async def end(self, upload_id: str, *, now: datetime) -> UploadSession | None:  # noqa: ARG002 (the port's)
        """Tell what it came to; who asks holds the lock, and removes the file."""
        session = await self.find(upload_id)
        if session is None:
            return None
        with TRANSLATED:
            key = await asyncio.to_thread(self._folder.committed, upload_id)
        return replace(session, closing=None if key is None else key.digest)

    async def forget(self, upload_id: str) -> None:
        """Do nothing: the file is gone."""

    async def list_stale(self, before: datetime, limit: int) -> list[UploadSession]:
        """List old files."""
        with TRANSLATED:
            names = await asyncio.to_thread(self._folder.list_older, before)
        found = [await self.find(name) for name in names[:limit]]
        return [session for session in found if session is not None]

    async def is_stale(self, upload_id: str, before: datetime) -> bool:
        """Look at a file's time."""
        with suppress(UploadInvalidError), TRANSLATED:
            return os.stat(self._path(upload_id)).st_mtime < before.timestamp()
        return False

    async def living(self, upload_ids: Sequence[str]) -> set[str]:
        """Look for files."""
        found = [await self.find(upload_id) for upload_id in upload_ids]
        return {session.id for session in found if session is not None}

    def _path(self, upload_id: str) -> str:
        return self._folder.staged(upload_id)


class _Writing:
    """Holds a lock for as long as a block lasts."""

    def __init__(self, upload_id: str, fd: int | None, patience_seconds: float) -> None:
        self._upload_id = upload_id
        self._fd = fd
        self._patience_seconds = patience_seconds

    async def __aenter__(self) -> UploadSession | None:
        if self._fd is None:
            return None
        try:
            await lock(self._fd, self._patience_seconds)
        except BaseException:
            os.close(self._fd)
            raise
        found = os.fstat(self._fd)
        return _session(self._upload_id, found) if found.st_nlink else None

    async def __aexit__(self, *_error: object) -> None:
        if self._fd is not None:
            os.close(self._fd)


def _session(upload_id: str, found: os.stat_result) -> UploadSession:
    _, repository_id, algorithm = upload_id.split("-")
    return UploadSession(upload_id, int(repository_id), algorithm, found.st_size)


def _touch(file: int | str, now: datetime) -> None:
    microseconds = round(now.timestamp() * 1_000_000)
    os.utime(file, ns=(microseconds * 1000, microseconds * 1000))
