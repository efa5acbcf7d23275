"""Large layers and slow clients: the memory of the server stays flat."""

from __future__ import annotations

import hashlib
import shutil
import socket
import tempfile
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import pytest

from conftest import running_server, started
from live.images import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    an_image,
    as_json,
    descriptor,
)
from live.s3 import storage_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live.registry import RegistryClient
    from live.server import MoorageServer

pytestmark = [pytest.mark.clients, pytest.mark.alone, pytest.mark.timeout(600)]

MIB = 1024 * 1024
LAYER_MIB = 5 * 1024
FREE_MIB = 12 * 1024
ALLOWED_GROWTH_BYTES = 64 * MIB
REPOSITORY = "root/large"
SLOW_READERS = 200
PATIENCE = 30
SIPS = 8
SIP_BYTES = 64 * 1024
ALLOWED_BYTES_PER_READER = 3 * MIB


class MemoryWatch:
    """Samples the server's memory while a block runs."""

    def __init__(self, server: MoorageServer) -> None:
        self._server = server
        self._before = server.rss_bytes()
        self._peak = self._before
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    @property
    def growth_bytes(self) -> int:
        return self._peak - self._before

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(0.05):
            self._peak = max(self._peak, self._server.rss_bytes())


def pieces(hashed: hashlib._Hash) -> Iterator[bytes]:
    """Make the layer piece by piece, each piece another one, and hash it."""
    filling = bytes(range(256)) * (MIB // 256 - 1)
    for number in range(LAYER_MIB):
        piece = number.to_bytes(256, "big") + filling
        hashed.update(piece)
        yield piece


def push_large_image(registry: RegistryClient) -> str:
    """Push an image of one large layer and return the layer's digest."""
    hashed = hashlib.sha256()
    location = registry.start_upload(REPOSITORY)
    location = registry.append(REPOSITORY, location, pieces(hashed))
    digest = f"sha256:{hashed.hexdigest()}"
    registry.finish(REPOSITORY, location, digest)
    config = registry.push_blob(REPOSITORY, b"{}")
    layer = {"mediaType": OCI_LAYER, "digest": digest, "size": LAYER_MIB * MIB}
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {**descriptor(b"{}", OCI_CONFIG), "digest": config},
        "layers": [layer],
    }
    registry.put_manifest(REPOSITORY, "v1", as_json(manifest), OCI_MANIFEST)
    return digest


def warm_up(registry: RegistryClient) -> None:
    """Let every worker load what it loads once."""
    for number in range(10):
        padding = bytes(8 * MIB)
        image = an_image(f"{number}", layers=[number.to_bytes(4, "big") + padding])
        registry.push("root/small", "v1", image)
        registry.pull("root/small", "v1")


def read_slowly(lines: list[socket.socket]) -> None:
    """Take a little from each, several times, as bad lines do."""
    for _ in range(SIPS):
        for line in lines:
            line.recv(SIP_BYTES)
        time.sleep(0.5)


@pytest.fixture
def server() -> Iterator[MoorageServer]:
    """Run a server of its own; the bytes of a layer meet no database."""
    with running_server(None) as own:
        yield own


@pytest.mark.skipif(
    shutil.disk_usage(tempfile.gettempdir()).free < FREE_MIB * MIB,
    reason=f"a layer of {LAYER_MIB} MiB needs {FREE_MIB} MiB of disk",
)
def test_five_gigabytes_are_pushed_and_pulled_in_little_memory(
    server: MoorageServer,
) -> None:
    with server.registry() as registry:
        warm_up(registry)
        with MemoryWatch(server) as pushing:
            digest = push_large_image(registry)
        with MemoryWatch(server) as pulling:
            hashed = hashlib.sha256()
            for piece in registry.stream_blob(REPOSITORY, digest):
                hashed.update(piece)
    assert f"sha256:{hashed.hexdigest()}" == digest
    assert pushing.growth_bytes < ALLOWED_GROWTH_BYTES
    assert pulling.growth_bytes < ALLOWED_GROWTH_BYTES


@pytest.fixture(params=["folder", pytest.param("ceph", marks=pytest.mark.s3)])
def place(request: pytest.FixtureRequest) -> Iterator[MoorageServer]:
    """Run a server of its own that keeps its blobs in one place or the other."""
    settings = {}
    if request.param == "ceph":
        ceph = started(request.getfixturevalue("s3_servers"), "ceph")
        settings["MOORAGE_STORAGE_URL"] = storage_url(ceph)
    with running_server(None, settings) as own:
        yield own


def test_two_hundred_slow_readers_take_little_memory(place: MoorageServer) -> None:
    with place.registry() as registry:
        warm_up(registry)
        digest = registry.push_blob(REPOSITORY, bytes(64 * MIB))
        path = f"/v2/{REPOSITORY}/blobs/{digest}"
        authorization = registry.authorization(REPOSITORY, "pull")["Authorization"]
        request = (
            f"GET {path} HTTP/1.1\r\nHost: registry\r\n"
            f"Authorization: {authorization}\r\n\r\n"
        ).encode()
        with ExitStack() as stack, MemoryWatch(place) as reading:
            lines = [
                stack.enter_context(
                    socket.create_connection(("127.0.0.1", place.port), PATIENCE)
                )
                for _ in range(SLOW_READERS)
            ]
            for line in lines:
                line.sendall(request)
            read_slowly(lines)
            registry.pull("root/small", "v1")
        assert reading.growth_bytes < SLOW_READERS * ALLOWED_BYTES_PER_READER
