"""Fixtures that start what live tests talk to, once per session."""

from __future__ import annotations

import asyncio
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import psycopg
import pytest

from contract import large_tables
from in_process.blob_places import BlobPlace, Folder, Prefix
from live.ceph import CephServer
from live.estate import Estate
from live.memory import folder_in_memory
from live.postgres import PostgresCluster
from live.s3 import CREDENTIALS, MotoServer, S3Server, storage_url
from live.scheduling import ByFileAndEngine
from live.server import MoorageServer
from moorage.adapters.s3 import S3BlobStore
from moorage.config import load_settings
from moorage.domain.object_storage import S3Location
from moorage.store.migrate import migrate
from moorage.testing.clock import START
from moorage.wiring import open_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from xdist.remote import Producer

LARGE = os.environ.get("TESTS_ON") == "postgres+ceph"
"""Whether every test in process is to run where an estate has outgrown one machine."""

_POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
ENGINES = [_POSTGRES] if LARGE else ["sqlite", _POSTGRES]

_LARGE = pytest.param("postgres", "ceph", marks=[pytest.mark.postgres, pytest.mark.s3])
_SMALL = [
    ("sqlite", "files"),
    pytest.param("postgres", "files", marks=pytest.mark.postgres),
]
ON_CEPH_TOO = pytest.mark.parametrize(
    ("engine", "blobs"), [_LARGE] if LARGE else [*_SMALL, _LARGE], indirect=True
)
"""For tests of what is stored: they run beside the others on PostgreSQL and Ceph."""

S3_SERVERS: dict[str, type[S3Server]] = {"moto": MotoServer, "ceph": CephServer}


def pytest_configure() -> None:
    """Keep the folders of tests where nothing waits for a disk, and count no seconds.

    Servers under test have their data elsewhere; they do wait.
    """
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder_in_memory())
    hypothesis.settings.register_profile(
        "busy machine",
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("busy machine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Producer
) -> ByFileAndEngine:
    """Spread tests over processes so that few start what others started already."""
    return ByFileAndEngine(config, log)


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
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def durable_postgres_cluster() -> Iterator[PostgresCluster]:
    """Run one whose commits take as long as an operator's."""
    with running_cluster(durable=True) as cluster:
        yield cluster


@contextmanager
def running_cluster(*, durable: bool = False) -> Iterator[PostgresCluster]:
    """Run a private PostgreSQL."""
    cluster = PostgresCluster(durable=durable)
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
    """Give the URL of an empty database, one that a test may try to break."""
    if engine == "sqlite":
        return lambda: None
    cluster: PostgresCluster = request.getfixturevalue("durable_postgres_cluster")
    return cluster.create_database


@pytest.fixture(scope="session")
def migrated_template(postgres_cluster: PostgresCluster) -> str:
    """Make the database that others are copies of: nobody is connected to it then."""
    url = postgres_cluster.create_database()
    database = open_database(load_settings({"database_url": url}, {}))
    migrate(database, START)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, database.close()).result()
    return url


@pytest.fixture(scope="session")
def large_postgres(
    postgres_cluster: PostgresCluster, migrated_template: str
) -> Iterator[psycopg.Connection]:
    """Connect to a database that takes itself for that of a large estate."""
    url = postgres_cluster.create_database(migrated_template)
    large_tables.fill(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET jit = off")
        yield connection


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Give the URL of a migrated database for one test; SQLite's needs none."""
    if engine == "sqlite":
        yield None
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    url = cluster.create_database(request.getfixturevalue("migrated_template"))
    yield url
    cluster.drop_database(url)


@pytest.fixture(scope="session")
def s3_servers() -> Iterator[dict[str, S3Server]]:
    """Keep the object stores that the session started, and their credentials."""
    kept: dict[str, S3Server] = {}
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in CREDENTIALS.items():
            patch.setenv(variable, value)
        yield kept
    for server in kept.values():
        server.stop()


def started(servers: dict[str, S3Server], name: str) -> S3Server:
    """Share an object store with all that want the same."""
    if name not in servers:
        servers[name] = S3_SERVERS[name]()
        servers[name].start()
    return servers[name]


@pytest.fixture(
    scope="session", params=["moto", pytest.param("ceph", marks=pytest.mark.s3)]
)
def s3_server(
    request: pytest.FixtureRequest, s3_servers: dict[str, S3Server]
) -> S3Server:
    """Share an object store, with credentials where everybody looks."""
    return started(s3_servers, request.param)


@pytest.fixture
def s3_url(s3_server: S3Server) -> str:
    """Name a place of the object store that is empty."""
    return storage_url(s3_server)


@pytest.fixture(scope="session")
def blobs(request: pytest.FixtureRequest) -> str:
    """Name what keeps blobs: a folder, unless the test or the run says otherwise."""
    return getattr(request, "param", "ceph" if LARGE else "files")


@pytest.fixture
def blob_place(blobs: str, request: pytest.FixtureRequest, tmp_path: Path) -> BlobPlace:
    """Give the blobs of one test a place of their own."""
    if blobs == "files":
        return Folder(tmp_path / "blobs")
    server = started(request.getfixturevalue("s3_servers"), blobs)
    return Prefix(server, storage_url(server))


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
def new_storage(request: pytest.FixtureRequest) -> Callable[[], Mapping[str, str]]:
    """Give settings that lead to a place for blobs: the data folder, or Ceph."""
    if not LARGE:
        return dict
    ceph = started(request.getfixturevalue("s3_servers"), "ceph")
    return lambda: {"MOORAGE_STORAGE_URL": storage_url(ceph)}


@pytest.fixture(scope="session")
def sqlite_server() -> Iterator[MoorageServer]:
    """Run the server that all tests on SQLite share."""
    with running_server(None) as shared:
        yield shared


@pytest.fixture(scope="session")
def postgres_server(
    postgres_cluster: PostgresCluster, new_storage: Callable[[], Mapping[str, str]]
) -> Iterator[MoorageServer]:
    """Run the server that all tests on PostgreSQL share."""
    with running_server(postgres_cluster.create_database(), new_storage()) as shared:
        yield shared


@pytest.fixture(scope="session")
def server(engine: str, request: pytest.FixtureRequest) -> MoorageServer:
    """Share one server per engine among all tests that leave it running."""
    shared: MoorageServer = request.getfixturevalue(f"{engine}_server")
    return shared


@pytest.fixture
def own_server(
    new_database_url: Callable[[], str | None],
    new_storage: Callable[[], Mapping[str, str]],
) -> Iterator[MoorageServer]:
    """Run a server for one test, which may kill it."""
    with running_server(new_database_url(), new_storage()) as own:
        yield own


@pytest.fixture(scope="session")
def estate(server: MoorageServer) -> Iterator[Estate]:
    """Set up people and projects on the shared server."""
    made = Estate(server)
    yield made
    made.close()
