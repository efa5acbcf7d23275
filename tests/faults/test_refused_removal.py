"""An object store that removes nothing: clients are told what became of their bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from in_process.blob_places import BlobPlace, Prefix
from in_process.front_ends import registry, services, settings
from in_process.registry import Registry, codes
from live.faulty import FaultyProxy, is_removal
from live.s3 import S3Server
from moorage.domain.digest import Digest
from moorage.ports.clock import SystemClock
from moorage.services.uploads import Uploads
from moorage.wiring import Services

__all__ = ["registry", "services", "settings"]

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

NAME = "root/app/image"
CONTENT = b"0123456789" * 10_000
DIGEST = Digest.of(CONTENT)


@pytest.fixture
async def proxy(s3_server: S3Server) -> AsyncIterator[FaultyProxy]:
    async with FaultyProxy(s3_server.endpoint, "denied", is_removal) as made:
        made.down = True
        yield made


@pytest.fixture
def blob_place(s3_server: S3Server, s3_url: str, proxy: FaultyProxy) -> BlobPlace:
    port, behind = (one.endpoint.rpartition(":")[2] for one in (proxy, s3_server))
    return Prefix(s3_server, s3_url.replace(behind, port))


@pytest.fixture
async def location(registry: Registry) -> str:
    """Begin an upload whose bytes are all there."""
    made = await registry.start_upload(NAME)
    answer = await registry.send("PATCH", made, content=CONTENT)
    assert answer.status_code == 202, answer.text
    return made


async def expire(services: Services) -> None:
    """Expire what is older than nothing at all."""
    uploads = Uploads(
        services.database, services.store, SystemClock(), lease=timedelta(hours=1)
    )
    await uploads.expire(timedelta(seconds=-1))


async def left_when_removal_works_again(
    services: Services, proxy: FaultyProxy, blob_place: BlobPlace
) -> list[str]:
    assert proxy.failures > 0
    assert any(name.startswith("uploads/") for name in blob_place.names())
    proxy.fault = None
    await expire(services)
    return blob_place.names()


async def test_a_push_whose_row_is_committed_succeeds(
    services: Services,
    registry: Registry,
    location: str,
    proxy: FaultyProxy,
    blob_place: BlobPlace,
) -> None:
    answer = await registry.send("PUT", f"{location}?digest={DIGEST}")
    assert answer.status_code == 201, answer.text
    pulled = await registry.send("GET", answer.headers["Location"])
    assert pulled.content == CONTENT
    left = await left_when_removal_works_again(services, proxy, blob_place)
    assert left == [f"sha256/{DIGEST.hex[:2]}/{DIGEST.hex}.{location[-32:]}"]


async def test_another_digest_is_refused_as_ever(
    services: Services,
    registry: Registry,
    location: str,
    proxy: FaultyProxy,
    blob_place: BlobPlace,
) -> None:
    answer = await registry.send("PUT", f"{location}?digest={Digest.of(b'other')}")
    assert codes(answer) == ["DIGEST_INVALID"]
    assert (await registry.send("GET", location)).status_code == 404
    assert await left_when_removal_works_again(services, proxy, blob_place) == []


async def test_a_cancelled_session_is_gone(
    services: Services,
    registry: Registry,
    location: str,
    proxy: FaultyProxy,
    blob_place: BlobPlace,
) -> None:
    assert (await registry.send("DELETE", location)).status_code == 204
    assert (await registry.send("GET", location)).status_code == 404
    assert await left_when_removal_works_again(services, proxy, blob_place) == []
