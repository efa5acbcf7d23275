"""Everything at once, with leases of seconds and collection running all the time."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import running_server
from live.images import Image, a_layer, an_image, an_index, digest_of
from live.registry import RegistryClient, expect
from live.server import MoorageServer

SECONDS = float(os.environ.get("MOORAGE_TEST_SOAK_SECONDS", "45"))
"""How long clients go on; the whole soak: ``MOORAGE_TEST_SOAK_SECONDS=900``."""

CLIENTS = 16
SETTINGS = {"MOORAGE_GC_LEASE": "15s", "MOORAGE_UNDO_WINDOW": "15s"}
REPOSITORIES = ("root/soak/one", "root/soak/two")
LAYERS = [a_layer(f"shared {number}") for number in range(12)]


@pytest.fixture
def server(
    new_database_url: Callable[[], str | None],
) -> Iterator[MoorageServer]:
    with running_server(new_database_url(), SETTINGS) as own:
        yield own


class Client:
    """One of those who push, retag, mount, delete and pull."""

    def __init__(self, registry: RegistryClient, number: int) -> None:
        self.registry = registry
        self.number = number
        self.random = random.Random(number)  # noqa: S311 (what to do next)
        self.pushed: dict[tuple[str, str], str] = {}
        self.done = 0

    def run(self, until: float) -> None:
        actions = (self.push, self.push, self.push_index, self.retag, self.delete)
        while time.monotonic() < until:
            self.random.choice(actions)()
            self.pull()
            self.done += 1

    def place(self) -> tuple[str, str]:
        tag = f"t{self.number}-{self.random.randrange(4)}"
        return self.random.choice(REPOSITORIES), tag

    def image(self) -> Image:
        layers = self.random.sample(LAYERS, 3)
        return an_image(f"{self.random.randrange(6)}", layers=layers)

    def push(self) -> None:
        repository, tag = self.place()
        image = self.image()
        self.bring(repository, image)
        self.put(repository, tag, image.manifest, image.media_type)

    def push_index(self) -> None:
        repository, tag = self.place()
        index = an_index(self.image(), self.image())
        for image in index.images:
            self.bring(repository, image)
            self.registry.put_manifest(
                repository, image.digest, image.manifest, image.media_type
            )
        self.put(repository, tag, index.manifest, index.media_type)

    def put(self, repository: str, tag: str, manifest: bytes, media_type: str) -> None:
        self.registry.put_manifest(repository, tag, manifest, media_type)
        self.pushed[repository, tag] = digest_of(manifest)

    def bring(self, repository: str, image: Image) -> None:
        """See that the blobs are there: by looking, by mounting, or by upload."""
        for blob in image.blobs:
            digest = digest_of(blob)
            headers = self.registry.authorization(repository, "pull", "push")
            path = f"/v2/{repository}/blobs"
            if self.registry.http.head(f"{path}/{digest}", headers=headers).is_success:
                continue
            (other,) = set(REPOSITORIES) - {repository}
            mounted = self.registry.http.post(
                f"{path}/uploads/?mount={digest}&from={other}", headers=headers
            )
            if expect(mounted, 201, 202).status_code == 202:
                self.registry.push_blob(repository, blob)

    def retag(self) -> None:
        """Tag again what another tag of ours points to."""
        if not self.pushed:
            return
        (repository, tag), digest = self.random.choice(list(self.pushed.items()))
        found = expect(self.registry.manifest(repository, tag), 200)
        assert digest_of(found.content) == digest
        new = f"t{self.number}-{self.random.randrange(4)}"
        self.put(repository, new, found.content, found.headers["Content-Type"])

    def delete(self) -> None:
        if not self.pushed:
            return
        repository, tag = self.random.choice(list(self.pushed))
        del self.pushed[repository, tag]
        expect(self.registry.delete(repository, "manifests", tag), 202)

    def pull(self) -> None:
        """Pull what is ours; nobody else moves it."""
        if not self.pushed:
            return
        (repository, tag), digest = self.random.choice(list(self.pushed.items()))
        assert self.registry.pull(repository, tag) == digest


@pytest.mark.alone
@pytest.mark.timeout(SECONDS + 360)
def test_nobody_fails_and_nothing_is_left_behind(server: MoorageServer) -> None:
    with server.registry() as first:
        for repository in REPOSITORIES:
            first.push(repository, "begin", an_image("begin", layers=LAYERS))
    until = time.monotonic() + SECONDS

    def work(number: int) -> Client:
        with server.registry() as registry:
            client = Client(registry, number)
            client.run(until)
            return client

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = list(pool.map(work, range(CLIENTS)))
    assert all(client.done > 0 for client in clients)
    with server.registry() as registry:
        for client in clients:
            for (repository, tag), digest in client.pushed.items():
                assert registry.pull(repository, tag) == digest
        clear(registry)
    wait_until_empty(server.data_dir / "blobs")


def clear(registry: RegistryClient) -> None:
    for repository in REPOSITORIES:
        for tag in registry.tags(repository):
            expect(registry.delete(repository, "manifests", tag), 202)


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def wait_until_empty(folder: Path) -> None:
    """Collection has the leases, its own pause, and time to spare.

    A refused mount begins an upload that nobody here goes on with: without a byte.
    """
    until = time.monotonic() + 240
    while left := [
        path for path in folder.rglob("*") if path.is_file() and size_of(path)
    ]:
        assert time.monotonic() < until, left[:5]
        time.sleep(1)
