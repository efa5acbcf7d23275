"""A disk that has no room for a while: the client's next attempt succeeds."""

from __future__ import annotations

import errno
import os

import pytest

from in_process.front_ends import registry, services, settings
from in_process.registry import Registry
from moorage.domain.digest import Digest

__all__ = ["registry", "services", "settings"]

pytestmark = pytest.mark.parametrize(
    ("engine", "blobs"), [("sqlite", "files")], indirect=True
)

NAME = "root/app/image"
CONTENT = b"0123456789" * 10_000
DIGEST = Digest.of(CONTENT)


def write_some(fd: int, data: bytes) -> None:
    os.write(fd, data[:1000])
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_closing_request_is_sent_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = f"{await registry.start_upload(NAME)}?digest={DIGEST}"
    with monkeypatch.context() as patch:
        patch.setattr("moorage.adapters.files._write_all", write_some)
        answer = await registry.send("PUT", location, content=CONTENT)
    assert answer.status_code == 503
    answer = await registry.send("PUT", location, content=CONTENT)
    assert answer.status_code == 201, answer.text
    pulled = await registry.send("GET", answer.headers["Location"])
    assert pulled.content == CONTENT
