"""Fixtures that start what live tests talk to, once per session."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live.ceph import CephServer
from live.estate import Estate
from live.postgres import PostgresCluster
from live.s3 import CREDENTIALS, MotoServer, S3Server, storage_url
from live.server import MoorageServer
from moorage.adapters.s3 import S3BlobStore
from moorage.domain.object_storage import S3Location

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
S3_SERVERS: dict[str, type[S3Server]] = {"moto": MotoServer, "ceph": CephServer}


@pytest.fixture(scope="session", autouse=True)
def _loopback_bypasses_proxies() -> Iterator[None]:
    """Keep every client from asking a proxy for what runs on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy"):
            others = os.environ.get(name)
            patch.setenv(name, ",".join(filter(None, [others, "127.0.0.1,localhost"])))
        yield


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """Run a private PostgreSQL for the session."""
    cluster = PostgresCluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Name the database that the server under test uses."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def new_database_url(
    engine: str, request: pytest.FixtureRequest
) -> Callable[[], str | None]:
    """Give the URL of a fresh database of the engine; SQLite needs none."""
    if engine == "sqlite":
        return lambda: None
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    return cluster.create_database


@pytest.fixture(
    scope="session", params=["moto", pytest.param("ceph", marks=pytest.mark.s3)]
)
def s3_server(request: pytest.FixtureRequest) -> Iterator[S3Server]:
    """Run an object store for the session, with credentials where everybody looks."""
    server = S3_SERVERS[request.param]()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture
def s3_url(s3_server: S3Server) -> str:
    """Name a place of the object store that is empty."""
    return storage_url(s3_server)


@pytest.fixture
async def s3_store(s3_url: str) -> AsyncIterator[S3BlobStore]:
    """Open a blob store there."""
    store = S3BlobStore(S3Location.parse(s3_url))
    yield store
    await store.close()


@contextmanager
def running_server(
    database_url: str | None, settings: Mapping[str, str] | None = None
) -> Iterator[MoorageServer]:
    """Run a server on a data folder of its own, removed afterwards."""
    # pytest keeps the folders of its last three runs; layers of gigabytes would stay.
    with tempfile.TemporaryDirectory(prefix="moorage-test-") as folder:
        server = MoorageServer(
            Path(folder), database_url=database_url, settings=settings
        )
        try:
            server.start()
            yield server
        except BaseException:
            server.kill9()
            raise
        server.stop()


@pytest.fixture(scope="session")
def server(new_database_url: Callable[[], str | None]) -> Iterator[MoorageServer]:
    """Share one server per engine among all tests that leave it running."""
    with running_server(new_database_url()) as shared:
        yield shared


@pytest.fixture
def own_server(new_database_url: Callable[[], str | None]) -> Iterator[MoorageServer]:
    """Run a server for one test, which may kill it."""
    with running_server(new_database_url()) as own:
        yield own


@pytest.fixture(scope="session")
def estate(server: MoorageServer) -> Iterator[Estate]:
    """Set up people and projects on the shared server."""
    made = Estate(server)
    yield made
    made.close()
