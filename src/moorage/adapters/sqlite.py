"""SQLite: one file, readers beside one writer, commits shared by whoever waits.

Reads run on connections of their own: one for the event loop, one per worker thread.
All writes of a process go through one thread, which puts as many as are waiting into
one transaction, each under a savepoint, and answers them after the commit: an ``fsync``
is paid once for all of them. Processes take turns by a lock of the kernel's, because
SQLite's own way to wait is to sleep and look again.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from moorage.domain.errors import ConflictError, UnavailableError
from moorage.ports.database import Result, Row, Tx
from moorage.ports.query import Columns, Dialect, Query

MAX_BATCH = 256
"""Writes that share one commit at most, so that the first does not wait for ever."""

READ_THREADS = 4


def _rows(parameter: str, columns: Columns) -> str:
    """Spell the tuples of a JSON list as a subquery."""
    extracted = ", ".join(
        f"json_extract(value, '$[{at}]') AS {name}"
        for at, (name, _) in enumerate(columns)
    )
    # Made of the statement files alone, never of a value.
    return (
        f"SELECT {extracted}, key + 1 AS position "  # noqa: S608
        f"FROM json_each(:{parameter})"
    )


DIALECT = Dialect(
    tokens={
        "id": "INTEGER PRIMARY KEY AUTOINCREMENT",
        "int": "INTEGER",
        "text": "TEXT",
        "bytes": "BLOB",
        "strict": "STRICT",
        "clustered": "STRICT, WITHOUT ROWID",
        "for_update": "",
        "skip_locked": "",
        "wake_workers": "SELECT 1",
        "lock_migrations": "SELECT 1",
    },
    lists={
        "texts": "SELECT value FROM json_each(:{})",
        "ints": "SELECT value FROM json_each(:{})",
    },
    rows=_rows,
    each="CROSS JOIN {table} AS {alias} ON {condition}",
    has="INSTR({text}, {part}) > 0",
    parameter=":{}".format,
)

# FULL: an acknowledged commit survives power loss. The busy timeout is long because
# SQLite's lock is not fair between processes. The log goes into the database every
# 64 MB: by default a large transaction would write each page twice at once. The
# connection that writes has room for as much; a reader needs less. What is mapped
# counts as a process's memory, once per connection: the one that writes goes through
# all of the database, and is no slower without.
_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = 30000;
PRAGMA foreign_keys = ON;
PRAGMA cache_size = -16384;
PRAGMA mmap_size = 268435456;
PRAGMA wal_autocheckpoint = 16000;
"""

_WRITER_PRAGMAS = """
PRAGMA cache_size = -65536;
PRAGMA mmap_size = 0;
"""


@cache
def _sql(query: Query) -> str:
    return DIALECT.render(query.text)


def _values(parameters: dict[str, Any]) -> Mapping[str, Any]:
    """Spell lists the way ``json_each`` reads them, in place: no copy per statement."""
    for name, value in parameters.items():
        if isinstance(value, list):
            parameters[name] = json.dumps(value)
    return parameters


class _Translated:
    """Turns SQLite's errors into ours. It is on the path of every read."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        if isinstance(error, sqlite3.IntegrityError):
            raise ConflictError(constraint=str(error)) from error
        if isinstance(error, sqlite3.OperationalError):
            raise UnavailableError("the database does not answer") from error


_TRANSLATED = _Translated()


class _SqliteTx:
    """Statements on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def one(self, query: Query, **parameters: Any) -> Row | None:
        with _TRANSLATED:
            cursor = self._connection.execute(_sql(query), _values(parameters))
            row: Row | None = cursor.fetchone()
            # Running it to its end is what makes a RETURNING statement take effect
            # in full and a read let go of its snapshot.
            cursor.close()
            return row

    def all(self, query: Query, **parameters: Any) -> list[Row]:
        with _TRANSLATED:
            return self._connection.execute(_sql(query), _values(parameters)).fetchall()

    def run(self, query: Query, **parameters: Any) -> int:
        with _TRANSLATED:
            return self._connection.execute(_sql(query), _values(parameters)).rowcount

    def run_many(self, query: Query, rows: Iterable[Mapping[str, Any]]) -> None:
        with _TRANSLATED:
            self._connection.executemany(
                _sql(query), [_values(dict(row)) for row in rows]
            )

    def script(self, text: str) -> None:
        with _TRANSLATED:
            for statement in DIALECT.render(text).split(";"):
                self._connection.execute(statement)


class SqliteDatabase:
    """The database in one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = _Writer(self._connect, path.with_name(f"{path.name}-writer"))
        self._readers = ThreadPoolExecutor(READ_THREADS, "moorage-read")
        self._local = threading.local()
        self._loop_tx: Tx | None = None

    def _connect(self) -> sqlite3.Connection:
        with _TRANSLATED:
            connection = sqlite3.connect(
                self.path,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=512,
            )
            connection.row_factory = sqlite3.Row
            connection.executescript(_PRAGMAS)
            return connection

    async def quick(self, body: Callable[[Tx], Result]) -> Result:
        """Run point reads right here on the event loop."""
        if self._loop_tx is None:
            self._loop_tx = _SqliteTx(self._connect())
        return body(self._loop_tx)

    async def read(self, body: Callable[[Tx], Result]) -> Result:
        """Run reads in one snapshot on a worker thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, body)

    def _read(self, body: Callable[[Tx], Result]) -> Result:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        with _TRANSLATED:
            connection.execute("BEGIN")
            try:
                return body(_SqliteTx(connection))
            finally:
                connection.execute("COMMIT")

    async def write(
        self, body: Callable[[Tx], Result], *, durable: bool = True
    ) -> Result:
        """Hand the body to the writer thread and wait for its commit."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._writer.submit(_Job(body, durable, future, loop))
        return await future

    def write_now(self, body: Callable[[Tx], Result]) -> Result:
        """Do the same and block until then."""
        future: Future[Result] = Future()
        self._writer.submit(_Job(body, durable=True, future=future))
        return future.result()

    async def close(self) -> None:
        """Commit what waits, then stop the threads."""
        await asyncio.to_thread(self._writer.close)
        self._readers.shutdown()


@dataclass(slots=True)
class _Job:
    """A body, what came of it, and who waits for that: on a loop, or blocked."""

    body: Callable[[Tx], Any]
    durable: bool
    future: asyncio.Future[Any] | Future[Any]
    loop: asyncio.AbstractEventLoop | None = None
    result: Any = None
    error: BaseException | None = None

    def run(self, tx: Tx) -> None:
        try:
            self.result = self.body(tx)
        except BaseException as error:  # noqa: BLE001 (goes to its caller)
            self.error = error

    def tell(self) -> None:
        if self.future.done():
            return  # the caller gave up
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class _Writer:
    """The one thread that writes, in batches."""

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], lock_path: Path
    ) -> None:
        self._connect = connect
        self._lock_path = lock_path
        self._lock_fd = -1
        self._mode = ""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._run, name="moorage-write", daemon=True
        )
        self._started = threading.Lock()
        self._running = False

    def submit(self, job: _Job) -> None:
        with self._started:
            if not self._running:
                self._running = True
                self._thread.start()
        self._jobs.put(job)

    def close(self) -> None:
        if self._running:
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while (job := self._jobs.get()) is not None:
            batch, last = [job], False
            try:
                with self._turn():
                    # What arrived while others wrote comes along.
                    batch, last = self._batch(job)
                    connection = connection or self._open()
                    self._commit_together(connection, batch)
            except BaseException as error:  # noqa: BLE001 (goes to those who wait)
                _fail(batch, error)
            _tell(batch)
            if last:
                break
        if connection is not None:
            connection.close()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)

    def _open(self) -> sqlite3.Connection:
        connection = self._connect()
        connection.executescript(_WRITER_PRAGMAS)
        return connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait in the kernel for other processes: SQLite would sleep and look again."""
        try:
            if self._lock_fd < 0:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
                self._lock_fd = os.open(self._lock_path, flags, 0o640)
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
        except OSError as error:
            raise UnavailableError("the database cannot be locked") from error
        try:
            yield
        finally:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    def _batch(self, first: _Job) -> tuple[list[_Job], bool]:
        """Take what waits; from here on its callers can no longer give up."""
        batch = _claimed([first])
        while len(batch) < MAX_BATCH:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
            if job is None:
                return batch, True
            batch += _claimed([job])
        return batch, False

    def _commit_together(
        self, connection: sqlite3.Connection, batch: list[_Job]
    ) -> None:
        # In WAL mode NORMAL leaves the log to the operating system until the next FULL.
        mode = "FULL" if any(job.durable for job in batch) else "NORMAL"
        with _TRANSLATED:
            if mode != self._mode:
                connection.execute(f"PRAGMA synchronous = {mode}")
                self._mode = mode
            connection.execute("BEGIN IMMEDIATE")
            try:
                if _run_all(connection, batch):
                    connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")


def _claimed(jobs: list[_Job]) -> list[_Job]:
    return [job for job in jobs if not job.future.cancelled()]


def _run_all(connection: sqlite3.Connection, batch: list[_Job]) -> bool:
    """Run each body, and undo what a failing one did; say if there is any to commit."""
    tx = _SqliteTx(connection)
    if len(batch) == 1:
        # Every statement lets the other threads in, and waits for them: one that is
        # alone needs no savepoint.
        batch[0].run(tx)
        return batch[0].error is None
    for job in batch:
        connection.execute("SAVEPOINT body")
        job.run(tx)
        if job.error is not None:
            connection.execute("ROLLBACK TO body")
        connection.execute("RELEASE body")
    return True


def _fail(batch: list[_Job], error: BaseException) -> None:
    for job in batch:
        job.error = job.error or error


def _tell(batch: list[_Job]) -> None:
    """Answer those who wait; a loop is woken once for all of its own."""
    for loop in {job.loop for job in batch}:
        jobs = [job for job in batch if job.loop is loop]
        if loop is None:
            _tell_all(jobs)
        else:
            with suppress(RuntimeError):  # it has been closed: nobody waits
                loop.call_soon_threadsafe(_tell_all, jobs)


def _tell_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.tell()
