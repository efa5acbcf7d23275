"""Work that others are in the way of: slow readers, and an upload of five gigabytes."""

from __future__ import annotations

import hashlib
import threading
import time
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

from bench import load, machine
from bench.client import Connection
from bench.images import FreshBlob
from bench.registry import closing, expect, located, repository_scope
from bench.servers import Role, Subject
from bench.works import MB, TAG, Scale, Unit, Work

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from bench.load import Outcome
    from bench.pulls import BlobStock, ImageStock

_READERS = 200
_SIP_BYTES = 64 << 10
_SIP_SECONDS = 0.5
_LOOK_SECONDS = 1.0
_MOST_LOOKS = 30
_CALM_CORES = 0.3
_PIECE_BYTES = 100 * MB
_PIECES = 50


class ManifestBeside(Work):
    """GET of a manifest by one client, while something else goes on."""

    unit = Unit.REQUESTS
    roles = frozenset({Role.PULL})

    def __init__(self, scale: Scale, stock: ImageStock, what: str) -> None:
        super().__init__(f"manifest GET by tag, 1 client, {what}", scale)
        self._stock = stock

    def prepare(self, subject: Subject) -> None:
        """Push the image."""
        self._stock.fill(subject)

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Repeat the GET, with the others there before it and after it."""
        registry = subject.get_registry()
        scope = repository_scope(self._stock.repository)
        request = registry.request("GET", self._stock.path(TAG), scope)

        def turn(connection: Connection) -> float:
            expect(connection.exchange(request), 200, "manifest GET")
            return 1

        with self.others(subject):
            return load.run_for(registry.endpoint, turn, clients=1, seconds=seconds)

    @abstractmethod
    def others(self, subject: Subject) -> AbstractContextManager[None]:
        """Let the others do their work meanwhile."""


class ManifestAlone(ManifestBeside):
    """Nothing else goes on: what the others' rows are to be compared with."""

    def __init__(self, scale: Scale, stock: ImageStock) -> None:
        super().__init__(scale, stock, "alone")

    @contextmanager
    def others(self, subject: Subject) -> Iterator[None]:
        """Let nobody do anything."""
        del subject
        yield


class ManifestBesideReaders(ManifestBeside):
    """Two hundred clients download, each as slowly as a bad line does."""

    def __init__(self, scale: Scale, stock: ImageStock, large: BlobStock) -> None:
        super().__init__(scale, stock, f"beside {_READERS} slow readers")
        self._large = large

    def prepare(self, subject: Subject) -> None:
        """Push the image, and the blob that is read slowly."""
        super().prepare(subject)
        self._large.fill(subject)

    @contextmanager
    def others(self, subject: Subject) -> Iterator[None]:
        """Have all of them ask, then sip."""
        registry, ended = subject.get_registry(), threading.Event()
        scope = repository_scope(self._large.repository)
        request = registry.request("GET", self._large.path, scope)
        with ExitStack() as stack:
            lines = [
                stack.enter_context(registry.endpoint.connect())
                for _ in range(_READERS)
            ]
            for line in lines:
                line.sendall(request)
            pool = stack.enter_context(ThreadPoolExecutor(1))
            sipping = pool.submit(_sip, lines, ended)
            try:
                _wait_until_calm()  # at first the buffers of all lines fill up
                yield
            finally:
                ended.set()
            sipping.result()


def _wait_until_calm() -> None:
    """Wait for all of the machine: others may still be closing their lines."""
    for _ in range(_MOST_LOOKS):
        before = machine.busy_seconds()
        time.sleep(_LOOK_SECONDS)
        if machine.busy_seconds() - before < _CALM_CORES * _LOOK_SECONDS:
            return


def _sip(lines: list[socket.socket], ended: threading.Event) -> None:
    while not ended.wait(_SIP_SECONDS):
        for line in lines:
            line.recv(_SIP_BYTES)


class ManifestBesideUpload(ManifestBeside):
    """Five gigabytes are uploaded in one PATCH; it is measured until they are there."""

    def __init__(self, scale: Scale, stock: ImageStock) -> None:
        super().__init__(scale, stock, "beside an upload of 5 GB")
        self._piece = FreshBlob(_PIECE_BYTES)
        self._repository = scale.repository("huge")
        self.is_single = True
        self.stored_bytes = _PIECES * _PIECE_BYTES

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Repeat the GET for as long as the upload takes."""
        del seconds
        self._piece.renew()
        whole = hashlib.sha256()
        for _ in range(_PIECES):
            whole.update(self._piece.data)
        digest = f"sha256:{whole.hexdigest()}"
        with ThreadPoolExecutor(1) as pool:
            uploading = pool.submit(self._upload, subject, digest)
            parts = []
            while not uploading.done():
                parts.append(super().run(subject, 1.0))
            uploading.result()
        return load.joined(parts)

    @contextmanager
    def others(self, subject: Subject) -> Iterator[None]:
        """Leave them to ``run``: they take their own time."""
        del subject
        yield

    def suits(self, subject: Subject) -> bool:
        """Say whether it takes uploads, too."""
        return super().suits(subject) and Role.PUSH in subject.roles

    def _upload(self, subject: Subject, digest: str) -> None:
        registry, scope = subject.get_registry(), repository_scope(self._repository)
        view, size = memoryview(self._piece.data), _PIECES * _PIECE_BYTES
        with Connection(registry.endpoint) as connection:
            location = registry.start_upload(connection, self._repository)
            request = registry.request("PATCH", location, scope, length=size)
            answer = connection.exchange(request, view, times=_PIECES)
            location = located(expect(answer, 202, "blob PATCH"))
            path = closing(location, digest)
            request = registry.request("PUT", path, scope, length=0)
            expect(connection.exchange(request), 201, "blob PUT")
