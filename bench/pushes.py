"""Work that writes: large blobs in every form of upload, and whole images."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import TYPE_CHECKING

from bench import load
from bench.client import Connection
from bench.images import FreshBlob, Image, digest_of
from bench.ledger import Ledger
from bench.load import Outcome
from bench.registry import closing, expect, located, repository_scope
from bench.servers import Role, Subject
from bench.works import MB, TAG, Scale, Unit, Work, clients_text

if TYPE_CHECKING:
    from pathlib import Path

    from bench.registry import Registry

_PUSHED_LAYER_BYTES = 16 << 10
_COPY_PIECE_BYTES = 1 << 20


class UploadForm(Enum):
    """In which requests the bytes of a blob travel."""

    PUT = "POST, PUT"
    PATCH = "POST, PATCH, PUT"
    CHUNKED = "POST, chunked PATCH, PUT"


class BlobPut(Work):
    """Upload of a large blob that the server does not have yet."""

    unit = Unit.BYTES
    roles = frozenset({Role.PUSH, Role.COPY, Role.RECEIVE})

    def __init__(
        self, scale: Scale, form: UploadForm, blob: FreshBlob, uploads: int
    ) -> None:
        size = blob.size_bytes // MB
        super().__init__(f"blob PUT, {size:,} MB, {form.value}", scale, 1.5)
        self._repository = scale.repository("uploaded")
        self._form = form
        self._blob = blob
        self._uploads = uploads
        self.stored_bytes = uploads * blob.size_bytes

    def prepare(self, subject: Subject) -> None:
        """Need nothing: every upload is new."""

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Upload a fixed number of blobs, whatever time it takes."""
        del seconds
        outcome = Outcome()
        for _ in range(self._uploads):
            self._blob.renew()
            if Role.COPY in subject.roles:
                target = subject.folder / self._blob.digest
                with load.stopwatch(outcome):
                    _copy_durably(self._blob.data, target)
                target.unlink()
            else:
                self._upload(subject.get_registry(), outcome)
            outcome.amount += self._blob.size_bytes
        return outcome

    def _upload(self, registry: Registry, outcome: Outcome) -> None:
        view, size = memoryview(self._blob.data), self._blob.size_bytes
        scope = repository_scope(self._repository)
        with Connection(registry.endpoint) as connection, load.stopwatch(outcome):
            location = registry.start_upload(connection, self._repository)
            if self._form is UploadForm.PUT:
                path = closing(location, self._blob.digest)
                request = registry.request("PUT", path, scope, length=size)
                expect(connection.exchange(request, view), 201, "blob PUT")
                return
            if self._form is UploadForm.PATCH:
                request = registry.request("PATCH", location, scope, length=size)
                answer = connection.exchange(request, view)
            else:
                request = registry.request("PATCH", location, scope, is_chunked=True)
                answer = connection.exchange_chunked(request, view)
            location = located(expect(answer, 202, "blob PATCH"))
            path = closing(location, self._blob.digest)
            request = registry.request("PUT", path, scope, length=0)
            expect(connection.exchange(request), 201, "blob PUT")


class ImagePush(Work):
    """Whole small images, all of it new, pushed the way that Docker pushes.

    The limit is what no durable push can do without: see ``_keep_image``.
    """

    unit = Unit.IMAGES
    roles = frozenset({Role.PUSH, Role.COPY, Role.RECEIVE})

    def __init__(self, scale: Scale, clients: int) -> None:
        super().__init__(f"small image push, {clients_text(clients)}", scale, 4)
        self._clients = clients
        images = clients * scale.images_per_client
        self.stored_bytes = images * 3 * _PUSHED_LAYER_BYTES

    def prepare(self, subject: Subject) -> None:
        """Make the repositories known, so that their creation is not measured."""
        if Role.COPY in subject.roles:
            return
        registry = subject.get_registry()
        with Connection(registry.endpoint) as connection:
            for number in range(self._clients):
                image = Image.build(3, _PUSHED_LAYER_BYTES)
                registry.push_image(connection, self._repository(number), TAG, image)

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Let every client push its share of images to its own repository."""
        del seconds
        if Role.COPY in subject.roles:
            return self._copy(subject.folder)
        registry = subject.get_registry()
        shares = [
            [
                self.turn(registry, self._repository(number))
                for _ in range(self.scale.images_per_client)
            ]
            for number in range(self._clients)
        ]
        return load.run_once(registry.endpoint, shares)

    def _repository(self, number: int) -> str:
        return self.scale.repository(f"pushed-{number}")

    def _copy(self, folder: Path) -> Outcome:
        shares = [
            [
                Image.build(3, _PUSHED_LAYER_BYTES)
                for _ in range(self.scale.images_per_client)
            ]
            for _ in range(self._clients)
        ]
        outcome = Outcome(amount=sum(map(len, shares)))
        with Ledger(folder / "ledger") as ledger:

            def client(share: list[Image]) -> None:
                for image in share:
                    _keep_image(image, folder, ledger)

            with ThreadPoolExecutor(self._clients) as pool, load.stopwatch(outcome):
                list(pool.map(client, shares))
        return outcome

    @staticmethod
    def turn(registry: Registry, repository: str) -> load.Turn:
        """Make an image, and the turn that pushes it."""
        image = Image.build(3, _PUSHED_LAYER_BYTES)
        scope, tag = repository_scope(repository), f"build-{image.digest[7:19]}"

        def push(connection: Connection) -> float:
            for digest, data in image.blobs.items():
                path = f"/v2/{repository}/blobs/{digest}"
                head = registry.request("HEAD", path, scope)
                expect(connection.exchange(head), 404, "HEAD of a new blob")
                location = registry.start_upload(connection, repository)
                patch = registry.request("PATCH", location, scope, length=len(data))
                answer = connection.exchange(patch, memoryview(data))
                location = located(expect(answer, 202, "blob PATCH"))
                put = registry.request(
                    "PUT", closing(location, digest), scope, length=0
                )
                expect(connection.exchange(put), 201, "blob PUT")
            registry.push_manifest(connection, repository, tag, image.manifest)
            return 1

        return push


def _keep_image(image: Image, folder: Path, ledger: Ledger) -> None:
    """Store an image as durably as a registry does that answers after each step."""
    for digest, data in image.blobs.items():
        _copy_durably(data, folder / digest)
        ledger.add(digest)
    ledger.add(digest_of(image.manifest), image.manifest)


def _copy_durably(data: bytes | bytearray, target: Path) -> None:
    """Hash and store bytes so that a power cut cannot take them back."""
    view, digest = memoryview(data), hashlib.sha256()
    with target.open("wb", buffering=0) as file:
        for start in range(0, len(view), _COPY_PIECE_BYTES):
            piece = view[start : start + _COPY_PIECE_BYTES]
            digest.update(piece)
            file.write(piece)
        os.fsync(file.fileno())
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
