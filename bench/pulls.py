"""Work that reads images: manifests, blobs, whole images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench import load
from bench.client import Connection
from bench.images import FreshBlob, Image, digest_of
from bench.registry import expect, repository_scope
from bench.servers import Role, Subject
from bench.works import (
    CONNECTIONS,
    MB,
    TAG,
    Scale,
    Unit,
    Work,
    check_content,
    clients_text,
    fill_in_parallel,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.load import Outcome

_SMALL_BLOB_BYTES = 4096
_SMALL_BLOB_CONNECTIONS = 8
_LAYER_BYTES = 64 << 10
_LARGE_BLOB_BYTES = 100 * MB


class ImageStock:
    """The image that is pulled, put on every subject at most once."""

    def __init__(self, scale: Scale) -> None:
        self.repository = scale.repository("pulled")
        self.image = Image.build(layers=8, layer_bytes=_LAYER_BYTES)

    def fill(self, subject: Subject) -> None:
        """Push the image and check that it comes back unchanged."""
        subject.once("pulled image", lambda: self._push(subject))

    def _push(self, subject: Subject) -> None:
        registry = subject.get_registry()
        with Connection(registry.endpoint) as connection:
            registry.push_image(connection, self.repository, TAG, self.image)
            for path in [self.path(TAG), self.path(self.image.digest)]:
                check_content(registry, connection, path, self.image.digest)
            for digest in self.image.blobs:
                path = f"/v2/{self.repository}/blobs/{digest}"
                check_content(registry, connection, path, digest)

    def path(self, reference: str) -> str:
        """Return the path of the manifest by tag or digest."""
        return f"/v2/{self.repository}/manifests/{reference}"


class ManifestGet(Work):
    """GET the manifest of an image."""

    unit = Unit.REQUESTS
    roles = frozenset({Role.PULL})

    def __init__(
        self, how: str, scale: Scale, stock: ImageStock, reference: str
    ) -> None:
        super().__init__(f"manifest GET {how}, {CONNECTIONS} connections", scale, 8)
        self._stock = stock
        self._path = stock.path(reference)

    def prepare(self, subject: Subject) -> None:
        """Push the image."""
        self._stock.fill(subject)

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Repeat the GET on 32 connections."""
        registry = subject.get_registry()
        return load.run_wrk(
            registry.endpoint,
            [self._path],
            registry.headers(repository_scope(self._stock.repository)),
            connections=CONNECTIONS,
            seconds=seconds,
            least_bytes=len(self._stock.image.manifest),
        )


class ManifestHead(Work):
    """HEAD of a manifest by tag."""

    unit = Unit.REQUESTS
    roles = frozenset({Role.PULL})

    def __init__(self, scale: Scale, stock: ImageStock) -> None:
        super().__init__("manifest HEAD by tag, 32 connections", scale, 8)
        self._stock = stock

    def prepare(self, subject: Subject) -> None:
        """Push the image."""
        self._stock.fill(subject)

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Repeat the HEAD on 32 connections."""
        registry = subject.get_registry()
        scope = repository_scope(self._stock.repository)
        request = registry.request("HEAD", self._stock.path(TAG), scope)
        return load.run_heads(
            registry.endpoint, request, connections=CONNECTIONS, seconds=seconds
        )


class ImagePull(Work):
    """A whole image of eight layers: HEAD and GET its manifest, then every blob."""

    unit = Unit.IMAGES
    roles = frozenset({Role.PULL})

    def __init__(self, scale: Scale, stock: ImageStock, clients: int) -> None:
        super().__init__(f"8-layer image pull, {clients_text(clients)}", scale, 6)
        self._stock = stock
        self._clients = clients

    def prepare(self, subject: Subject) -> None:
        """Push the image."""
        self._stock.fill(subject)

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Pull until time is up."""
        registry, image = subject.get_registry(), self._stock.image
        repository = self._stock.repository
        scope = repository_scope(repository)
        head = registry.request("HEAD", self._stock.path(TAG), scope)
        manifest = registry.request("GET", self._stock.path(image.digest), scope)
        blobs = [
            (
                registry.request("GET", f"/v2/{repository}/blobs/{digest}", scope),
                len(data),
            )
            for digest, data in image.blobs.items()
        ]

        def turn(connection: Connection) -> float:
            expect(connection.exchange(head), 200, "manifest HEAD")
            answer = expect(connection.exchange(manifest), 200, "manifest GET")
            whole(answer, len(image.manifest))
            for request, size in blobs:
                answer = connection.exchange(request, keep=False)
                whole(expect(answer, 200, "blob GET"), size)
            return 1

        clients = self._clients
        return load.run_for(registry.endpoint, turn, clients=clients, seconds=seconds)


class BlobStock:
    """The large blob that is downloaded, put on every subject at most once."""

    def __init__(self, scale: Scale) -> None:
        self.repository = scale.repository("large")
        self.blob = FreshBlob(_LARGE_BLOB_BYTES)

    @property
    def path(self) -> str:
        """The path of the blob."""
        return f"/v2/{self.repository}/blobs/{self.blob.digest}"

    def fill(self, subject: Subject) -> None:
        """Push the blob and check that it comes back unchanged."""
        subject.once("large blob", lambda: self._push(subject))

    def _push(self, subject: Subject) -> None:
        registry = subject.get_registry()
        with Connection(registry.endpoint) as connection:
            registry.push_blob(connection, self.repository, bytes(self.blob.data))
            check_content(registry, connection, self.path, self.blob.digest)


class BlobGet(Work):
    """GET of a large blob."""

    unit = Unit.BYTES
    roles = frozenset({Role.DOWNLOAD})

    def __init__(self, scale: Scale, stock: BlobStock, clients: int) -> None:
        super().__init__(f"blob GET, 100 MB, {clients_text(clients)}", scale, 1)
        self._stock = stock
        self._clients = clients

    def prepare(self, subject: Subject) -> None:
        """Push the blob."""
        self._stock.fill(subject)

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Download until time is up."""
        registry = subject.get_registry()
        scope = repository_scope(self._stock.repository)
        request = registry.request("GET", self._stock.path, scope)

        def turn(connection: Connection) -> float:
            answer = expect(connection.exchange(request, keep=False), 200, "blob GET")
            return whole(answer, _LARGE_BLOB_BYTES)

        clients = self._clients
        return load.run_for(registry.endpoint, turn, clients=clients, seconds=seconds)


class SmallBlobGet(Work):
    """GET of many blobs of 4 KB, one after the other."""

    unit = Unit.REQUESTS
    roles = frozenset({Role.PULL})

    def __init__(self, scale: Scale) -> None:
        title = f"blob GET, {scale.small_blobs:,} of 4 KB, 8 connections"
        super().__init__(title, scale, 6)
        self._repository = scale.repository("small")
        blobs = [os.urandom(_SMALL_BLOB_BYTES) for _ in range(scale.small_blobs)]
        self._blobs = blobs
        root = f"/v2/{self._repository}/blobs"
        self._paths = [f"{root}/{digest_of(blob)}" for blob in blobs]

    def prepare(self, subject: Subject) -> None:
        """Push all blobs."""
        registry = subject.get_registry()

        def push(blob: bytes) -> Callable[[Connection], object]:
            return lambda line: registry.push_blob(line, self._repository, blob)

        pushes = [push(blob) for blob in self._blobs]
        subject.once("small blobs", lambda: fill_in_parallel(registry, pushes))

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """GET them in turn on 8 connections."""
        registry = subject.get_registry()
        return load.run_wrk(
            registry.endpoint,
            self._paths,
            registry.headers(repository_scope(self._repository)),
            connections=_SMALL_BLOB_CONNECTIONS,
            seconds=seconds,
            least_bytes=_SMALL_BLOB_BYTES,
        )
