"""What a load balancer is told of a server whose parts fail, or that is to stop."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from in_process.blob_places import BlobPlace, Prefix
from in_process.front_ends import registry, services, settings
from in_process.registry import ROOT_TOKEN, Registry
from live.faulty import FaultyProxy
from live.postgres import PostgresCluster
from live.s3 import S3Server
from moorage.http import app
from moorage.services import health
from moorage.wiring import Services

__all__ = ["registry", "services", "settings"]

READY = {"status": "ok"}
PATHS = [
    "/v2/root/app/tags/list",
    "/jwt/auth?service=container_registry",
    f"/api/v4/user?private_token={ROOT_TOKEN}",
    "/gitlab/v1/",
]


async def readiness(registry: Registry) -> httpx.Response:
    return await registry.send("GET", "/-/readiness", auth=None)


def assert_failed(answer: httpx.Response, message: str) -> None:
    assert answer.status_code == 503
    assert answer.json() == {"status": "failed", "message": message}


async def test_a_server_that_is_to_stop_says_so_and_serves_on(
    services: Services, registry: Registry
) -> None:
    answer = await readiness(registry)
    assert (answer.status_code, answer.json()) == (200, READY)
    assert "Connection" not in answer.headers
    services.health.announce_stop()
    assert_failed(await readiness(registry), "the server is about to stop")
    answer = await registry.send("GET", "/v2/")
    assert (answer.status_code, answer.headers["Connection"]) == (200, "close")
    assert (await registry.send("GET", "/-/liveness")).status_code == 200


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
class TestDatabase:
    @pytest.fixture
    def frozen(
        self, registry: Registry, postgres_cluster: PostgresCluster
    ) -> Iterator[Registry]:
        postgres_cluster.freeze()
        yield registry
        postgres_cluster.thaw()

    async def test_one_that_hangs_is_noticed_in_seconds(
        self,
        frozen: Registry,
        postgres_cluster: PostgresCluster,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(health, "ANSWER_SECONDS", 0.3)  # or it takes seconds
        begun = time.monotonic()
        assert_failed(await readiness(frozen), "the database does not answer")
        assert time.monotonic() - begun < 2
        postgres_cluster.thaw()
        monkeypatch.undo()
        assert (await readiness(frozen)).json() == READY

    @pytest.mark.parametrize("path", PATHS)
    async def test_clients_are_told_to_try_again(
        self, frozen: Registry, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        monkeypatch.setattr(app, "REQUEST_SECONDS", 0.3)  # or it takes half a minute
        answer = await frozen.send("GET", path)
        assert answer.status_code == 503, answer.text


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
class TestBlobStore:
    @pytest.fixture
    async def proxy(self, s3_server: S3Server) -> AsyncIterator[FaultyProxy]:
        async with FaultyProxy(s3_server.endpoint, None) as made:
            made.down = True
            yield made

    @pytest.fixture
    def blob_place(
        self, s3_server: S3Server, s3_url: str, proxy: FaultyProxy
    ) -> BlobPlace:
        port, behind = (one.endpoint.rpartition(":")[2] for one in (proxy, s3_server))
        return Prefix(s3_server, s3_url.replace(behind, port))

    async def test_it_is_asked_seldom(
        self, registry: Registry, proxy: FaultyProxy
    ) -> None:
        for _ in range(3):
            assert (await readiness(registry)).json() == READY
        proxy.fault = "denied"
        assert (await readiness(registry)).json() == READY
        assert proxy.failures == 0

    async def test_one_that_refuses_is_noticed(
        self, registry: Registry, proxy: FaultyProxy
    ) -> None:
        proxy.fault = "denied"
        message = "the object store does not answer"
        assert_failed(await readiness(registry), message)
        answer = await registry.send("POST", "/v2/root/app/blobs/uploads/")
        assert answer.status_code == 202
        proxy.fault = None
        assert (await readiness(registry)).json() == READY

    async def test_one_that_hangs_is_noticed_in_seconds(
        self,
        registry: Registry,
        proxy: FaultyProxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(health, "ANSWER_SECONDS", 0.3)  # or it takes seconds
        proxy.fault = "stall"
        begun = time.monotonic()
        assert_failed(await readiness(registry), "the blob store does not answer")
        assert time.monotonic() - begun < 2
