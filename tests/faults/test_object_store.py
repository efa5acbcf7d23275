"""An object store that fails: nothing acknowledged is lost, nothing hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from live.faulty import Fault, FaultyProxy
from live.s3 import S3Server, object_names
from moorage.adapters.s3 import S3BlobStore
from moorage.domain.digest import Digest
from moorage.domain.errors import BlobUnknownError, UnavailableError
from moorage.domain.object_storage import S3Location
from moorage.ports.blobs import BlobKey
from moorage.testing.blobs import (
    NOTHING,
    chunked,
    collect,
    new_upload_id,
    not_recorded,
)

SLOW_READERS = 200
PATIENCE_SECONDS = 20

CONTENT = bytes(range(251)) * 40_001  # more than one part, and no round length


@pytest.fixture
def fault(request: pytest.FixtureRequest) -> Fault:
    chosen: Fault = getattr(request, "param", "slow down")
    return chosen


@pytest.fixture
async def proxy(s3_server: S3Server, fault: Fault) -> AsyncIterator[FaultyProxy]:
    async with FaultyProxy(s3_server.endpoint, fault) as made:
        yield made


@pytest.fixture
async def store(proxy: FaultyProxy, s3_url: str) -> AsyncIterator[S3BlobStore]:
    location = replace(S3Location.parse(s3_url), endpoint=proxy.endpoint)
    made = S3BlobStore(location, answer_seconds=3)
    yield made
    await made.close()


async def none_of_them(_upload_ids: Sequence[str]) -> set[str]:
    return set()


@pytest.mark.parametrize("fault", get_args(Fault), indirect=True)
async def test_every_request_may_fail_once(
    store: S3BlobStore, proxy: FaultyProxy, s3_server: S3Server, s3_url: str
) -> None:
    upload_id = new_upload_id()
    staged = await store.append(upload_id, NOTHING, chunked(CONTENT))
    assert await collect(store.staged(upload_id, staged)) == CONTENT
    key = BlobKey(Digest.of(CONTENT), upload_id)
    await store.commit(upload_id, staged, key)
    await store.discard(upload_id, staged)
    found = await collect(store.read(key, 1, len(CONTENT) - 2))
    assert found == CONTENT[1:-1]
    await store.delete([key])
    with pytest.raises(BlobUnknownError):
        await collect(store.read(key, 0, 1))
    assert proxy.failures > 5
    await store.sweep(
        datetime.now(UTC) + timedelta(hours=1), none_of_them, not_recorded
    )
    assert object_names(s3_server, s3_url) == []


async def test_a_store_that_is_down_is_unavailable_and_loses_nothing(
    store: S3BlobStore, proxy: FaultyProxy
) -> None:
    upload_id = new_upload_id()
    half = len(CONTENT) // 2
    staged = await store.append(upload_id, NOTHING, chunked(CONTENT[:half]))
    proxy.down = True
    with pytest.raises(UnavailableError):
        await store.append(upload_id, staged, chunked(CONTENT[half:]))
    proxy.down = False
    staged = await store.append(upload_id, staged, chunked(CONTENT[half:]))
    assert await collect(store.staged(upload_id, staged)) == CONTENT


async def test_slow_readers_keep_nobody_out(s3_store: S3BlobStore) -> None:
    upload_id = new_upload_id()
    staged = await s3_store.append(upload_id, NOTHING, chunked(CONTENT))
    key = BlobKey(Digest.of(CONTENT), upload_id)
    await s3_store.commit(upload_id, staged, key)
    slow = [s3_store.read(key, 0, len(CONTENT)) for _ in range(SLOW_READERS)]
    async with asyncio.timeout(PATIENCE_SECONDS):
        for pieces in slow:
            assert await anext(pieces)
        assert await collect(s3_store.read(key, 0, len(CONTENT))) == CONTENT
