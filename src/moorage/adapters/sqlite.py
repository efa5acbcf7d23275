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
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

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
    parameter=":{}".format,
)

# FULL: an acknowledged commit survives power loss. The busy timeout is long because
# SQLite's lock is not fair between processes. The log goes into the database every
# 64 MB: by default a large transaction would write each page twice at once. The
# connection that writes has room for as much; a reader needs less.
_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = 30000;
PRAGMA foreign_keys = ON;
PRAGMA cache_size = -16384;
PRAGMA mmap_size = 268435456;
PRAGMA wal_autocheckpoint = 16000;
"""

_WRITER_PRAGMAS = "PRAGMA cache_size = -65536"


@cache
def _sql(query: Query) -> str:
    return DIALECT.render(query.text)


def _values(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        name: json.dumps(value) if isinstance(value, list) else value
        for name, value in parameters.items()
    }


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
            row = cursor.fetchone()
            # Running it to its end is what makes a RETURNING statement take effect
            # in full and a read let go of its snapshot.
            cursor.close()
            return cast("Row | None", row)

    def all(self, query: Query, **parameters: Any) -> list[Row]:
        with _TRANSLATED:
            return cast(
                "list[Row]",
                self._connection.execute(_sql(query), _values(parameters)).fetchall(),
            )

    def run(self, query: Query, **parameters: Any) -> int:
        with _TRANSLATED:
            return self._connection.execute(_sql(query), _values(parameters)).rowcount

    def run_many(self, query: Query, rows: Iterable[Mapping[str, Any]]) -> None:
        with _TRANSLATED:
            self._connection.executemany(_sql(query), [_values(row) for row in rows])

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
        return await asyncio.wrap_future(self._writer.submit(body, durable=durable))

    def write_now(self, body: Callable[[Tx], Result]) -> Result:
        """Do the same and block until then."""
        return self._writer.submit(body).result()

    async def close(self) -> None:
        """Commit what waits, then stop the threads."""
        await asyncio.to_thread(self._writer.close)
        self._readers.shutdown()


@dataclass(frozen=True, slots=True)
class _Job:
    body: Callable[[Tx], Any]
    future: Future[Any]
    durable: bool


class _Writer:
    """The one thread that writes, in batches."""

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], lock_path: Path
    ) -> None:
        self._connect = connect
        self._lock_path = lock_path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._run, name="moorage-write", daemon=True
        )
        self._started = threading.Lock()
        self._running = False

    def submit(
        self, body: Callable[[Tx], Result], *, durable: bool = True
    ) -> Future[Result]:
        with self._started:
            if not self._running:
                self._running = True
                self._thread.start()
        future: Future[Result] = Future()
        self._jobs.put(_Job(body, future, durable))
        return future

    def close(self) -> None:
        if self._running:
            self._jobs.put(None)
            self._thread.join()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while (job := self._jobs.get()) is not None:
            with self._turn():
                # What arrived while others wrote comes along.
                batch, last = self._batch(job)
                try:
                    connection = connection or self._open()
                    _commit_together(connection, batch)
                except BaseException as error:  # noqa: BLE001 (goes to those who wait)
                    _fail(batch, error)
            if last:
                break
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = self._connect()
        connection.execute(_WRITER_PRAGMAS)
        return connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait in the kernel for other processes: SQLite would sleep and look again."""
        fd = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

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


def _claimed(jobs: list[_Job]) -> list[_Job]:
    return [job for job in jobs if job.future.set_running_or_notify_cancel()]


def _commit_together(connection: sqlite3.Connection, batch: list[_Job]) -> None:
    tx = _SqliteTx(connection)
    done: list[tuple[Future[Any], Any]] = []
    # In WAL mode NORMAL leaves the log to the operating system until the next FULL.
    mode = "FULL" if any(job.durable for job in batch) else "NORMAL"
    with _TRANSLATED:
        connection.execute(f"PRAGMA synchronous = {mode}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            for job in batch:
                connection.execute("SAVEPOINT body")
                try:
                    done.append((job.future, job.body(tx)))
                except BaseException as error:  # noqa: BLE001 (goes to its caller)
                    connection.execute("ROLLBACK TO body")
                    job.future.set_exception(error)
                connection.execute("RELEASE body")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    for future, result in done:
        future.set_result(result)


def _fail(batch: list[_Job], error: BaseException) -> None:
    for job in batch:
        if not job.future.done():
            job.future.set_exception(error)
