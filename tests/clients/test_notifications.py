"""A running server tells a webhook of what clients do."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from live.hooks import Listener, listening
from live.images import an_image, digest_of
from live.server import MoorageServer
from live.waiting import eventually

pytestmark = pytest.mark.clients


def told(listener: Listener) -> set[tuple[str, str, str]]:
    return {
        (event["action"], event["request"]["method"], event["target"]["digest"])
        for event in listener.events
    }


def test_a_push_and_a_pull_are_told_of_although_the_first_call_fails() -> None:
    image = an_image()
    expected = {("push", "PUT", digest_of(blob)) for blob in image.blobs}
    expected |= {("push", "PUT", image.digest), ("pull", "GET", image.digest)}
    with (
        listening(503) as listener,
        tempfile.TemporaryDirectory(prefix="moorage-test-") as folder,
    ):
        settings = {"MOORAGE_NOTIFICATIONS": listener.url}
        server = MoorageServer(Path(folder), settings=settings)
        server.start()
        try:
            with server.registry() as registry:
                registry.push("root/app", "v1", image)
                registry.manifest("root/app", "v1")
            eventually(lambda: told(listener), expected)
        finally:
            server.stop()
