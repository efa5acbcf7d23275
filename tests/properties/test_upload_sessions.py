"""Upload sessions against a model: any order of requests, two processes, restarts."""

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from contract import rows
from moorage.adapters.files import FileBlobStore
from moorage.adapters.memory import MemoryBlobStore
from moorage.adapters.sqlite import SqliteDatabase
from moorage.domain.digest import Digest
from moorage.domain.errors import (
    DigestInvalidError,
    RangeInvalidError,
    SizeInvalidError,
    TooLargeError,
    UploadBusyError,
    UploadUnknownError,
)
from moorage.domain.names import RepositoryName
from moorage.domain.repositories import Repository
from moorage.domain.uploads import Chunk
from moorage.ports.blobs import AppendInterrupted, BlobStore
from moorage.ports.database import Tx
from moorage.ports.query import Query
from moorage.services.pull import Pull
from moorage.services.uploads import Uploads
from moorage.store.migrate import migrate
from moorage.testing.clock import START, FrozenClock

LIMIT = 24
LEASE = timedelta(hours=2)
EXPIRY = timedelta(hours=1)
LIVING = Query(
    "test.living",
    "SELECT id, offset_bytes FROM upload WHERE ended_at_us IS NULL ORDER BY id",
)

DONE = "done"
GONE = UploadUnknownError.__name__
BUSY = UploadBusyError.__name__
OUT_OF_ORDER = RangeInvalidError.__name__
BROKEN_OFF = AppendInterrupted.__name__
WRONG_SIZE = SizeInvalidError.__name__


class HungUpError(Exception):
    """The client went away."""


@dataclass(frozen=True)
class Session:
    """What the model knows of a session; ``content`` is missing when it is over."""

    id: str
    repository: int
    content: bytes | None
    pushed: Digest | None = None


@dataclass(frozen=True)
class Send:
    """A request with a body: PATCH, or with ``algorithm`` the closing PUT."""

    data: bytes
    shift: int | None = 0
    """How far its range is from the right place; ``None``: it has no range."""
    lie: int = 0
    """By how much the range's length differs from the body's."""
    cut: bool = False
    """Whether the client goes away before the end."""
    algorithm: str | None = None
    wrong: bool = False
    """Whether the digest is another one's."""

    def chunk(self, offset: int) -> Chunk:
        if self.shift is None:
            return Chunk(None, None)
        return Chunk(max(0, offset + self.shift), len(self.data) + self.lie)

    def digest(self, before: bytes) -> Digest:
        content = before + self.data + (b"!" if self.wrong else b"")
        return Digest.of(content, self.algorithm or "sha256")

    @property
    def breaks_off(self) -> bool:
        """Whether it is seen: a body that is said to be empty is complete."""
        return self.cut and self.chunk(0).length != 0

    async def body(self) -> AsyncIterator[bytes]:
        for byte in self.data:
            await asyncio.sleep(0)
            yield bytes([byte])
        if self.breaks_off:
            raise HungUpError


@dataclass(frozen=True)
class Cancel:
    """A DELETE."""


Request = Send | Cancel


def expected(  # noqa: PLR0911 (a table of answers, first match first)
    session: Session, request: Request, seen: bytes
) -> tuple[Session, str]:
    """Say what a request does to a session, and how it is answered.

    ``seen`` is the content that the client knew of when it wrote the request.
    """
    content = session.content
    if content is None:
        return session, GONE
    if isinstance(request, Cancel):
        return replace(session, content=None), DONE
    first = request.chunk(len(seen)).first
    if first is not None and first != len(content):
        return session, OUT_OF_ORDER
    grown = content + request.data
    if len(grown) > LIMIT:
        return replace(session, content=None), TooLargeError.__name__
    if request.breaks_off:
        # Who sends a closing request again sends all of its body again.
        kept = grown if request.algorithm is None else content
        return replace(session, content=kept), BROKEN_OFF
    if request.shift is not None and request.lie:
        return session, WRONG_SIZE
    if request.algorithm is None:
        return replace(session, content=grown), DONE
    digest = request.digest(seen)
    if digest != Digest.of(grown, request.algorithm):
        return replace(session, content=None), DigestInvalidError.__name__
    return replace(session, content=None, pushed=digest), DONE


requests = st.one_of(
    st.builds(
        Send,
        data=st.binary(max_size=8),
        shift=st.sampled_from([None, None, 0, 0, 0, -1, 1, 5]),
        lie=st.sampled_from([0, 0, 0, 0, 1]),
        cut=st.sampled_from([False, False, False, True]),
        algorithm=st.sampled_from([None, None, None, "sha256", "sha512"]),
        wrong=st.sampled_from([False, False, False, True]),
    ),
    st.builds(Cancel),
)
processes = st.sampled_from([0, 1])
numbers = st.integers(0, 9)
MOSTLY_LIVING = 8


class UploadSessions(RuleBasedStateMachine):
    """Two processes on one database and one store, and any number of clients."""

    store: BlobStore

    def _open(self, folder: Path) -> None:
        """Make the store."""
        del folder
        self.store = self.memory = MemoryBlobStore()

    def _living(self) -> dict[str, int]:
        """Return sessions, and how far each got."""
        living = self.database.write_now(lambda tx: tx.all(LIVING))
        return {row["id"]: row["offset_bytes"] for row in living}

    def _staged(self) -> dict[str, bytes]:
        """Return the bytes of unfinished uploads."""
        return {name: bytes(content) for name, content in self.memory.uploads.items()}

    def _objects(self) -> list[str]:
        """Return the digests of stored objects, in hex."""
        return [key.digest.hex for key in self.memory.objects]

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(prefix="moorage-test-")
        self.database = SqliteDatabase(Path(self.folder.name) / "moorage.db")
        migrate(self.database, START)
        self.repositories = self.database.write_now(self._two_repositories)
        self.paths = [RepositoryName(found.path) for found in self.repositories]
        self._open(Path(self.folder.name))
        self.clock = FrozenClock()
        self.processes = [self._process(), self._process()]
        self.pull = Pull(self.database, self.store, self.clock, lease=LEASE)
        self.model: dict[str, Session] = {}
        self.progress = dict.fromkeys(self.model, START)
        self.blobs: dict[tuple[int, Digest], bytes] = {}
        for algorithm in ("sha256", "sha512"):
            self.start(process=0, repository=0, algorithm=algorithm)

    @staticmethod
    def _two_repositories(tx: Tx) -> list[Repository]:
        project = rows.a_project(tx, rows.a_group(tx))
        return [rows.a_repository(tx, project, name) for name in ("one", "two")]

    def _process(self) -> Uploads:
        return Uploads(
            self.database, self.store, self.clock, lease=LEASE, max_blob_bytes=LIMIT
        )

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.run_until_complete(self.database.close())
            self.loop.close()
            self.folder.cleanup()

    @rule(
        process=processes,
        repository=st.sampled_from([0, 1]),
        algorithm=st.sampled_from(["sha256", "sha512"]),
    )
    def start(self, process: int, repository: int, algorithm: str) -> None:
        uploads, owner = self.processes[process], self.repositories[repository]
        session = self.loop.run_until_complete(uploads.start(owner.id, algorithm))
        self.model[session.id] = Session(session.id, repository, b"")
        self.progress[session.id] = self.clock.now()

    def _pick(self, which: int) -> Session:
        """Choose a session: a small number one of those that go on, if there is one."""
        known = list(self.model.values())[::-1]
        living = [session for session in known if session.content is not None]
        chosen = living if living and which < MOSTLY_LIVING else known
        return chosen[which % len(chosen)]

    @rule(which=numbers, request=requests, process=processes)
    def one_request(self, which: int, request: Request, process: int) -> None:
        self._answer(self._pick(which), request, process)

    def _answer(self, before: Session, request: Request, process: int) -> None:
        after, answer = expected(before, request, before.content or b"")
        outcome = self.loop.run_until_complete(
            self._send(before, request, self.processes[process])
        )
        assert outcome == answer
        self._now(before, after, outcome)

    @rule(
        which=numbers,
        process=processes,
        data=st.binary(max_size=8),
        algorithm=st.sampled_from(["sha256", "sha512"]),
        cut=st.sampled_from([None, "sha256", "sha512"]),
    )
    def close_well(
        self, which: int, process: int, data: bytes, algorithm: str, cut: str | None
    ) -> None:
        """Finish as a client does that knows where it is; maybe not at once."""
        session = self._pick(which)
        if cut is not None:
            self._answer(session, Send(data, cut=True, algorithm=cut), process)
        self._answer(self.model[session.id], Send(data, algorithm=algorithm), process)

    @rule(which=numbers, both=st.tuples(requests, requests), apart=st.booleans())
    def two_writers(
        self, which: int, both: tuple[Request, Request], *, apart: bool
    ) -> None:
        before = self._pick(which)
        writers = self.processes if apart else [self.processes[0]] * 2

        async def race() -> list[str]:
            return await asyncio.gather(
                *(
                    self._send(before, request, writer)
                    for request, writer in zip(both, writers, strict=True)
                )
            )

        outcome = tuple(self.loop.run_until_complete(race()))
        possible = list(_possible(before, both))
        content = self._living().get(before.id)
        matching = [
            after
            for after, answers in possible
            if answers == outcome
            and (None if after.content is None else len(after.content)) == content
        ]
        assert matching, (outcome, content, possible)
        self._now(before, self._right_one(matching), *outcome)

    def _right_one(self, matching: list[Session]) -> Session:
        """Tell which writer came first, where only the bytes can say it."""
        for after in matching[:-1]:
            content = after.content
            if content is None or self._staged().get(after.id, b"").startswith(content):
                return after
        return matching[-1]

    async def _send(self, session: Session, request: Request, uploads: Uploads) -> str:
        name, seen = self.paths[session.repository], session.content or b""
        try:
            if isinstance(request, Cancel):
                await uploads.cancel(name, session.id)
                return DONE
            chunk, body = request.chunk(len(seen)), request.body()
            if request.algorithm is None:
                await uploads.append(name, session.id, chunk, body)
            else:
                digest = request.digest(seen)
                await uploads.finish(name, session.id, digest, chunk, body)
        except (
            AppendInterrupted,
            DigestInvalidError,
            RangeInvalidError,
            SizeInvalidError,
            TooLargeError,
            UploadBusyError,
            UploadUnknownError,
        ) as error:
            return type(error).__name__
        return DONE

    def _now(self, before: Session, after: Session, *outcomes: str) -> None:
        # A client that sends no bytes, or the wrong number, is there all the same.
        if after != before or not {DONE, BROKEN_OFF, WRONG_SIZE}.isdisjoint(outcomes):
            self.progress[after.id] = self.clock.now()
        self.model[after.id] = after
        if after.pushed is not None and after.pushed != before.pushed:
            content = self._read(after.repository, after.pushed)
            assert Digest.of(content, after.pushed.algorithm) == after.pushed
            self.blobs[after.repository, after.pushed] = content

    def _read(self, repository: int, digest: Digest) -> bytes:
        async def read() -> bytes:
            blob = await self.pull.blob(self.paths[repository], digest)
            pieces = self.pull.read(blob, 0, blob.size_bytes)
            return b"".join([piece async for piece in pieces])

        return self.loop.run_until_complete(read())

    @rule(which=numbers, request=requests, process=processes)
    def another_repository(self, which: int, request: Request, process: int) -> None:
        known = self._pick(which)
        elsewhere = replace(known, repository=1 - known.repository)
        sent = self._send(elsewhere, request, self.processes[process])
        assert self.loop.run_until_complete(sent) == GONE

    @rule(process=processes)
    def restart(self, process: int) -> None:
        self.processes[process] = self._process()

    @rule(minutes=st.sampled_from([1, 20, 50, 70]))
    def time_passes(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @rule(process=processes)
    def expire(self, process: int) -> None:
        self.loop.run_until_complete(self.processes[process].expire(EXPIRY))
        before = self.clock.now() - EXPIRY
        for known in list(self.model.values()):
            if self.progress[known.id] < before:
                self.model[known.id] = replace(known, content=None)

    @invariant()
    def sessions_are_where_the_model_has_them(self) -> None:
        assert self._living() == {
            known.id: len(known.content)
            for known in self.model.values()
            if known.content is not None
        }

    @invariant()
    def nothing_is_left_behind(self) -> None:
        living = {
            known.id for known in self.model.values() if known.content is not None
        }
        assert set(self._staged()) <= living
        assert sorted(self._objects()) == sorted(
            {digest.hex for _, digest in self.blobs}
        )
        for (repository, digest), content in self.blobs.items():
            assert self._read(repository, digest) == content


def _possible(
    before: Session, both: tuple[Request, Request]
) -> "itertools.chain[tuple[Session, tuple[str, str]]]":
    """List how two requests at the same time may end.

    One after the other, in either order; or one alone, the other told that the session
    is busy, has moved on, or is gone.
    """
    seen = before.content or b""
    found: list[tuple[Session, tuple[str, str]]] = []
    for first, second in ((0, 1), (1, 0)):
        middle, answer = expected(before, both[first], seen)
        after, other = expected(middle, both[second], seen)
        moved = GONE if middle.content is None else OUT_OF_ORDER
        for end, late in ((after, other), (middle, BUSY), (middle, moved)):
            answers = {first: answer, second: late}
            found.append((end, (answers[0], answers[1])))
    return itertools.chain(found)


class UploadSessionsInFolder(UploadSessions):
    """The same where the sessions are files."""

    def _open(self, folder: Path) -> None:
        self.store = FileBlobStore(folder, patience_seconds=0)
        self.root = folder

    def _living(self) -> dict[str, int]:
        return {name: len(content) for name, content in self._staged().items()}

    def _staged(self) -> dict[str, bytes]:
        files = (self.root / "uploads").iterdir()
        return {path.name: path.read_bytes() for path in files}

    def _objects(self) -> list[str]:
        return [path.stem for path in self.root.glob("sha*/*/*")]


for machine in (UploadSessions, UploadSessionsInFolder):
    machine.TestCase.settings = settings(
        max_examples=60,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

TestUploadSessions = UploadSessions.TestCase
TestUploadSessionsInFolder = UploadSessionsInFolder.TestCase
