"""``kill -9`` during eight parallel pushes, over and over."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from live.images import Image, an_image, digest_of
from live.waiting import eventually

if TYPE_CHECKING:
    from live.registry import RegistryClient
    from live.server import MoorageServer

pytestmark = [pytest.mark.clients, pytest.mark.alone, pytest.mark.timeout(900)]

PUSHERS = 8
KILLS = {"sqlite": 20, "postgres": 5}
SHARED_LAYER = random.Random("shared").randbytes(50_000)  # noqa: S311 - no secret


@dataclass
class Pusher:
    """One client: what it was told is stored, and what it was at when it died."""

    server: MoorageServer
    repository: str
    random: random.Random
    blobs: set[str] = field(default_factory=set)
    manifests: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)
    unfinished: tuple[str, Image] | None = None
    pushed: int = 0

    def push_until(self, stop: threading.Event) -> None:
        """Push image after image until the server is gone."""
        with self.server.registry() as registry:
            while not stop.is_set():
                try:
                    self._push_another(registry)
                except httpx.TransportError:
                    return

    def finish(self, registry: RegistryClient) -> None:
        """Push again what was cut short, and prove that it is there then."""
        if self.unfinished is not None:
            tag, image = self.unfinished
            self._push(registry, tag, image)
            assert registry.pull(self.repository, tag) == image.digest
            assert tag in registry.tags(self.repository)

    def check(self, registry: RegistryClient) -> None:
        """Prove that all that was acknowledged is there, and nothing half-stored."""
        for digest in self.blobs:
            assert digest_of(registry.blob(self.repository, digest).content) == digest
        for digest in self.manifests:
            assert registry.pull(self.repository, digest) == digest
        listed = registry.tags(self.repository)
        for tag in listed:
            pulled = registry.pull(self.repository, tag)
            assert pulled in self._possible(tag)
        assert set(self.tags) <= set(listed)
        self._check_unfinished(registry)

    def _push_another(self, registry: RegistryClient) -> None:
        self.pushed += 1
        layer = self.random.randbytes(self.random.randint(1_000, 300_000))
        image = an_image(f"{self.pushed}", layers=[SHARED_LAYER, layer])
        # Every other push moves a tag instead of making one.
        tag = "moving" if self.pushed % 2 else f"v{self.pushed}"
        self._push(registry, tag, image)

    def _push(self, registry: RegistryClient, tag: str, image: Image) -> None:
        self.unfinished = (tag, image)
        for blob in image.blobs:
            self.blobs.add(registry.push_blob(self.repository, blob))
        registry.put_manifest(self.repository, tag, image.manifest, image.media_type)
        self.manifests.add(image.digest)
        self.tags[tag] = image.digest
        self.unfinished = None

    def _possible(self, tag: str) -> set[str | None]:
        """Name what a tag may point at: the acknowledged, or the last one begun."""
        possible: set[str | None] = {self.tags.get(tag)}
        if self.unfinished is not None and self.unfinished[0] == tag:
            possible.add(self.unfinished[1].digest)
        return possible

    def _check_unfinished(self, registry: RegistryClient) -> None:
        if self.unfinished is None:
            return
        image = self.unfinished[1]
        for blob in image.blobs:
            answer = registry.blob(self.repository, digest_of(blob))
            assert answer.status_code == 404 or answer.content == blob
        answer = registry.manifest(self.repository, image.digest)
        assert answer.status_code in (200, 404)
        if answer.status_code == 200:
            registry.pull(self.repository, image.digest)


def push_and_kill(server: MoorageServer, pushers: list[Pusher], seconds: float) -> None:
    """Let all push at once, and kill the server some time after the first success."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(pushers)) as threads:
        running = [threads.submit(pusher.push_until, stop) for pusher in pushers]
        eventually(lambda: any(one.manifests for one in pushers), expected=True)
        time.sleep(seconds)
        server.kill9()
        stop.set()
        for one in running:
            one.result()


def test_what_was_acknowledged_survives_and_the_same_pushes_then_succeed(
    own_server: MoorageServer, engine: str
) -> None:
    chance = random.Random("kill")  # noqa: S311 - repeatable, not secret
    acknowledged = 0
    for kill in range(KILLS[engine]):
        pushers = [
            Pusher(own_server, f"root/kill{kill}/app{number}", random.Random(number))  # noqa: S311
            for number in range(PUSHERS)
        ]
        push_and_kill(own_server, pushers, chance.uniform(0.2, 1.2))
        own_server.start()
        with own_server.registry() as registry:
            for pusher in pushers:
                acknowledged += len(pusher.manifests)
                pusher.check(registry)
                pusher.finish(registry)
    assert acknowledged >= KILLS[engine]
