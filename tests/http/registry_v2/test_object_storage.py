"""Two replicas that share a database and an object store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from in_process.registry import ROOT_TOKEN, Registry, codes
from live.s3 import S3Server, object_names
from moorage.adapters.s3 import S3BlobStore
from moorage.adapters.s3_bucket import S3Bucket
from moorage.config import load_settings
from moorage.domain.digest import Digest
from moorage.domain.errors import UnavailableError
from moorage.ports.clock import SystemClock
from moorage.services.bootstrap import bootstrap
from moorage.store.migrate import migrate
from moorage.wiring import build, open_database

NAME = "root/app"
MEGABYTE = bytes(range(256)) * 4096


@pytest.fixture
def settings() -> dict[str, str]:
    return {}


@pytest.fixture
async def replicas(
    database_url: str | None,
    s3_url: str,
    tmp_path: Path,
    settings: dict[str, str],
) -> AsyncIterator[tuple[Registry, Registry]]:
    given = {"data_dir": str(tmp_path), "storage_url": s3_url, **settings}
    if database_url is not None:
        given["database_url"] = database_url
    chosen = load_settings(given, {})
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            database = open_database(chosen)
            stack.push_async_callback(database.close)
            migrate(database, SystemClock().now())
            await bootstrap(database, SystemClock(), ROOT_TOKEN)
            services = await build(chosen, database)
            stack.push_async_callback(services.store.close)
            registry = Registry(services.front_ends)
            made.append(await stack.enter_async_context(registry))
        yield made[0], made[1]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is read from the object store, and let it be."""
    noted, read = list[str](), S3Bucket.read

    def noting(
        bucket: S3Bucket, name: str, start: int, length: int
    ) -> AsyncIterator[bytes]:
        noted.append(name)
        return read(bucket, name, start, length)

    monkeypatch.setattr(S3Bucket, "read", noting)
    return noted


async def finish(
    replica: Registry, location: str, content: bytes, body: bytes = b""
) -> httpx.Response:
    digest = Digest.of(content)
    return await replica.send("PUT", f"{location}?digest={digest}", content=body)


async def pulled(replica: Registry, content: bytes) -> bytes:
    answer = await replica.send("GET", f"/v2/{NAME}/blobs/{Digest.of(content)}")
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_the_chunks_of_an_upload_go_to_different_replicas(
    replicas: tuple[Registry, Registry], s3_server: S3Server, s3_url: str
) -> None:
    chunks = [MEGABYTE * 6, b"few", MEGABYTE, b"", MEGABYTE * 9, b"!", b"last"]
    content = b"".join(chunks)
    location = await replicas[0].start_upload(NAME)
    for number, chunk in enumerate(chunks[:-1]):
        replica = replicas[number % 2]
        answer = await replica.send("PATCH", location, content=chunk)
        assert answer.status_code == 202, answer.text
    answer = await finish(replicas[1], location, content, chunks[-1])
    assert answer.status_code == 201, answer.text
    assert await pulled(replicas[0], content) == content
    ranged = await replicas[1].send(
        "GET",
        answer.headers["Location"],
        headers={"Range": f"bytes=3-{len(content) - 5}"},
    )
    assert ranged.status_code == 206
    assert ranged.content == content[3:-4]
    digest, upload_id = Digest.of(content), location.rpartition("/")[2]
    names = object_names(s3_server, s3_url)
    assert names == [f"sha256/{digest.hex[:2]}/{digest.hex}.{upload_id}"]


async def test_a_replica_that_closes_an_upload_reads_nothing_of_it_again(
    replicas: tuple[Registry, Registry], reads: list[str]
) -> None:
    content = MEGABYTE * 9
    location = await replicas[0].start_upload(NAME)
    answer = await replicas[0].send("PATCH", location, content=content)
    assert answer.status_code == 202, answer.text
    answer = await finish(replicas[1], location, content)
    assert answer.status_code == 201, answer.text
    assert reads == []
    assert await pulled(replicas[0], content) == content
    assert len(reads) == 1


async def test_a_replica_that_closes_an_upload_refuses_another_digest(
    replicas: tuple[Registry, Registry],
) -> None:
    location = await replicas[0].start_upload(NAME)
    await replicas[0].send("PATCH", location, content=MEGABYTE)
    answer = await finish(replicas[1], location, b"other")
    assert codes(answer) == ["DIGEST_INVALID"]


async def test_a_digest_by_another_algorithm_is_computed(
    replicas: tuple[Registry, Registry],
) -> None:
    digest = Digest.of(MEGABYTE, "sha512")
    location = await replicas[0].start_upload(NAME)
    await replicas[0].send("PATCH", location, content=MEGABYTE)
    answer = await replicas[1].send("PUT", f"{location}?digest={digest}")
    assert answer.status_code == 201, answer.text


async def test_an_image_pushed_to_one_replica_is_pulled_from_the_other(
    replicas: tuple[Registry, Registry],
) -> None:
    layers = (MEGABYTE * 2, b"small")
    digest = await replicas[0].push_image(NAME, "v1", layers)
    answer = await replicas[1].send("GET", f"/v2/{NAME}/manifests/v1")
    assert answer.headers["Docker-Content-Digest"] == str(digest)
    for layer in layers:
        assert await pulled(replicas[1], layer) == layer


async def test_of_two_writers_one_is_told_that_he_was_overtaken(
    replicas: tuple[Registry, Registry],
) -> None:
    location = await replicas[0].start_upload(NAME)
    bodies = [MEGABYTE * 2 + b"one", MEGABYTE * 2 + b"two"]
    answers = await asyncio.gather(
        *(
            replica.send(
                "PATCH",
                location,
                content=body,
                headers={"Content-Range": f"0-{len(body) - 1}"},
            )
            for replica, body in zip(replicas, bodies, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [202, 416]
    won = bodies[[answer.status_code for answer in answers].index(202)]
    answer = await finish(replicas[1], location, won)
    assert answer.status_code == 201, answer.text
    assert await pulled(replicas[0], won) == won


async def test_a_closing_request_sent_twice_at_once_leaves_the_blob(
    replicas: tuple[Registry, Registry], s3_server: S3Server, s3_url: str
) -> None:
    content = MEGABYTE * 11
    location = await replicas[0].start_upload(NAME)
    await replicas[0].send("PATCH", location, content=content)
    answers = await asyncio.gather(
        *(finish(replica, location, content) for replica in replicas)
    )
    assert 201 in {answer.status_code for answer in answers}
    assert await pulled(replicas[0], content) == content
    assert len(object_names(s3_server, s3_url)) == 1


@pytest.mark.parametrize("content", [b"small", MEGABYTE * 11], ids=["small", "large"])
async def test_a_closing_request_that_broke_off_before_its_end_may_come_again(
    replicas: tuple[Registry, Registry],
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    location = await replicas[0].start_upload(NAME)
    with monkeypatch.context() as patch:
        patch.setattr(S3BlobStore, "commit", unavailable)
        answer = await finish(replicas[0], location, content, content)
        assert answer.status_code == 503
    answer = await finish(replicas[1], location, content, content)
    assert answer.status_code == 201, answer.text
    assert await pulled(replicas[0], content) == content


async def unavailable(*_: object) -> None:
    raise UnavailableError


@pytest.mark.parametrize("settings", [{"redirect_downloads": "true"}])
async def test_a_download_is_sent_on_to_the_object_store(
    replicas: tuple[Registry, Registry],
) -> None:
    path = f"/v2/{NAME}/blobs/{await replicas[0].push_blob(NAME, MEGABYTE)}"
    assert (await replicas[1].send("HEAD", path)).status_code == 200
    answer = await replicas[1].send("GET", path)
    assert answer.status_code == 307
    async with httpx.AsyncClient() as client:
        whole = await client.get(answer.headers["Location"])
        part = await client.get(
            answer.headers["Location"], headers={"Range": "bytes=1-3"}
        )
    assert whole.content == MEGABYTE
    assert (part.status_code, part.content) == (206, MEGABYTE[1:4])


@pytest.mark.parametrize(
    "settings",
    [{"redirect_downloads": "10.0.0.0/8, fd00::/8", "trusted_proxies": "127.0.0.1"}],
)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"X-Forwarded-For": "192.0.2.1"}, 200),
        ({"X-Forwarded-For": "10.1.2.3"}, 307),
        ({"X-Forwarded-For": "fd00::1"}, 307),
    ],
)
async def test_clients_in_some_networks_are_sent_on(
    replicas: tuple[Registry, Registry], headers: dict[str, str], status: int
) -> None:
    path = f"/v2/{NAME}/blobs/{await replicas[0].push_blob(NAME, MEGABYTE)}"
    answer = await replicas[1].send("GET", path, headers=headers)
    assert answer.status_code == status
    assert status == 307 or answer.content == MEGABYTE


async def test_a_cancelled_upload_leaves_nothing(
    replicas: tuple[Registry, Registry], s3_server: S3Server, s3_url: str
) -> None:
    location = await replicas[0].start_upload(NAME)
    for replica in (*replicas, replicas[0]):
        await replica.send("PATCH", location, content=MEGABYTE * 3)
    answer = await replicas[1].send("DELETE", location)
    assert answer.status_code == 204
    assert object_names(s3_server, s3_url) == []


async def test_other_bytes_than_promised_leave_nothing(
    replicas: tuple[Registry, Registry], s3_server: S3Server, s3_url: str
) -> None:
    location = await replicas[0].start_upload(NAME)
    await replicas[0].send("PATCH", location, content=MEGABYTE * 3)
    answer = await finish(replicas[1], location, b"promised", MEGABYTE)
    assert answer.status_code == 400
    assert object_names(s3_server, s3_url) == []


async def test_the_same_blob_again_is_kept_once(
    replicas: tuple[Registry, Registry], s3_server: S3Server, s3_url: str
) -> None:
    for replica in replicas:
        await replica.push_blob(NAME, MEGABYTE)
    assert len(object_names(s3_server, s3_url)) == 1


async def test_an_object_store_that_is_down_is_told_of(
    replicas: tuple[Registry, Registry], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = await replicas[0].push_blob(NAME, MEGABYTE)

    async def broken(*_: object) -> AsyncIterator[bytes]:
        raise UnavailableError("the object store does not answer")
        yield

    monkeypatch.setattr(S3Bucket, "read", broken)
    answer = await replicas[1].send("GET", f"/v2/{NAME}/blobs/{digest}")
    assert answer.status_code == 503
    assert codes(answer) == ["UNAVAILABLE"]
