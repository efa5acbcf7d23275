"""Starting and stopping what is measured, each in its own folder and processes."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from bench import machine
from bench.client import Connection, Endpoint
from bench.errors import BenchmarkError
from bench.registry import Registry, StaticFiles
from live.ceph import CephServer
from live.network import free_port
from live.postgres import PostgresCluster
from live.s3 import CREDENTIALS, storage_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_IDLE_SECONDS = 1.5
_ROOT = Path(__file__).resolve().parent.parent

MOORAGE = "Moorage"
MOORAGE_POSTGRES = "with PostgreSQL"
MOORAGE_S3 = "with PostgreSQL and S3"
DOCKER_REGISTRY = "docker-registry"
NGINX = "nginx"
BEHIND_NGINX = "Moorage behind nginx"
COPY = "durable copy"
BARE = "bare server"

_REGISTRY_CONFIG = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
  cache: {{blobdescriptor: inmemory}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}", secret: benchmark}}
"""

_NGINX_CONFIG = """\
{user}
daemon off;
worker_processes auto;
pid {folder}/pid;
error_log {folder}/errors warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=20000;
  default_type application/octet-stream;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {site}
}}
"""
_STATIC_FILES = "server {{ listen 127.0.0.1:{port}; root {folder}/files; }}"
_SITE = _ROOT / "deploy" / "nginx" / "files.conf"

_AS_MOORAGE = ["--interface", "asgi", "--runtime-mode", "st", "--loop", "uvloop"]

_Started: TypeAlias = tuple[tuple[int], float, float]
"""The process, the seconds that it took to start, and its memory at rest in MB."""


class _Startable(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


Server = TypeVar("Server", bound=_Startable)


class Role(Enum):
    """What a subject can be asked to do."""

    PULL = "pull"
    DOWNLOAD = "download large blobs"
    PUSH = "push"
    LIST = "list"
    GITLAB = "GitLab API"
    COPY = "copy"
    RECEIVE = "receive and forget"
    COLLECT = "collect"
    COLLECT_ONLINE = "collect while serving"


@dataclass(slots=True)
class Subject:
    """Something that is measured: a server, or what the machine itself can do."""

    name: str
    roles: frozenset[Role]
    folder: Path
    registry: Registry | None = None
    pids: tuple[int, ...] = ()  # the roots of all process trees that serve it
    start_seconds: float | None = None
    idle_memory_mb: float | None = None
    private_token: str = ""
    database_url: str = ""
    prepared: set[str] = field(default_factory=set)

    @property
    def is_local(self) -> bool:
        """Whether the benchmark started it, and can reach its storage."""
        return bool(self.pids)

    def once(self, key: str, fill: Callable[[], None]) -> None:
        """Fill the subject with the content of that name, unless it has it."""
        if key not in self.prepared:
            fill()
            self.prepared.add(key)

    def get_registry(self) -> Registry:
        """Return the registry of a subject that has one.

        Raises:
            BenchmarkError: It has none.
        """
        if self.registry is None:
            raise BenchmarkError(f"{self.name} is no registry")
        return self.registry


_ALL = frozenset({Role.PULL, Role.DOWNLOAD, Role.PUSH, Role.LIST})


@contextmanager
def moorage(folder: Path) -> Iterator[Subject]:
    """Run Moorage as installed: defaults, with authentication."""
    with _moorage(MOORAGE, folder, {}) as subject:
        subject.roles |= {Role.COLLECT, Role.COLLECT_ONLINE}
        yield subject


@contextmanager
def moorage_on_postgres(folder: Path) -> Iterator[Subject]:
    """Run Moorage on a PostgreSQL of its own, which waits for the disk."""
    with _started(PostgresCluster(durable=True)) as cluster:
        settings = {"MOORAGE_DATABASE_URL": cluster.create_database()}
        with _moorage(MOORAGE_POSTGRES, folder, settings) as subject:
            subject.pids += (cluster.pid,)
            yield subject


@contextmanager
def moorage_on_s3(folder: Path) -> Iterator[Subject]:
    """Run Moorage on a PostgreSQL and a Ceph object gateway of its own."""
    with ExitStack() as stack:
        cluster = stack.enter_context(_started(PostgresCluster(durable=True)))
        gateway = stack.enter_context(_started(CephServer()))
        settings = {
            "MOORAGE_DATABASE_URL": cluster.create_database(),
            "MOORAGE_STORAGE_URL": storage_url(gateway),
            **CREDENTIALS,
        }
        with _moorage(MOORAGE_S3, folder, settings) as subject:
            subject.pids += (cluster.pid, *gateway.pids)
            yield subject


@contextmanager
def _started(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def _moorage(name: str, folder: Path, settings: dict[str, str]) -> Iterator[Subject]:
    port, token = free_port(), f"glpat-{secrets.token_hex(10)}"
    environment = {
        name: text for name, text in os.environ.items() if "MOORAGE" not in name
    } | {
        "MOORAGE_DATA_DIR": str(folder / "data"),
        "MOORAGE_LISTEN": f"127.0.0.1:{port}",
        "MOORAGE_ROOT_TOKEN": token,
        **settings,
    }
    command = [str(_ROOT / ".venv/bin/moorage"), "serve"]
    endpoint = Endpoint("127.0.0.1", port)
    with _running(command, folder, environment, endpoint, "/-/readiness") as started:
        yield Subject(
            name,
            _ALL | {Role.GITLAB},
            folder,
            Registry(endpoint, ("root", token)),
            *started,
            private_token=token,
            database_url=settings.get("MOORAGE_DATABASE_URL", ""),
        )


@contextmanager
def docker_registry(folder: Path) -> Iterator[Subject]:
    """Run Debian's ``docker-registry``: files, memory cache, no log, no login."""
    port = free_port()
    config = folder / "config.yml"
    config.write_text(_REGISTRY_CONFIG.format(folder=folder, port=port))
    environment = {
        name: text for name, text in os.environ.items() if "REGISTRY" not in name
    }
    command = [program("docker-registry"), "serve", str(config)]
    endpoint = Endpoint("127.0.0.1", port)
    with _running(command, folder, environment, endpoint, "/v2/") as started:
        roles = _ALL | {Role.COLLECT}
        yield Subject(DOCKER_REGISTRY, roles, folder, Registry(endpoint), *started)


@contextmanager
def nginx(folder: Path) -> Iterator[Subject]:
    """Run nginx over static files: the limit of what pulling can cost."""
    port = free_port()
    (folder / "files").mkdir()
    (folder / "files" / "ready").write_text("ready\n")
    site = _STATIC_FILES.format(folder=folder, port=port)
    with _nginx(folder, port, site, "/ready") as started:
        files = StaticFiles(Endpoint("127.0.0.1", port), folder / "files")
        yield Subject(
            NGINX, frozenset({Role.PULL, Role.DOWNLOAD}), folder, files, *started
        )


@contextmanager
def moorage_behind_nginx(folder: Path) -> Iterator[Subject]:
    """Run Moorage with the nginx of ``deploy/`` before it, which sends the files."""
    settings = {
        "MOORAGE_TRUSTED_PROXIES": "127.0.0.1",
        "MOORAGE_ACCEL_REDIRECT": "/moorage-files",
    }
    front, port = folder / "nginx", free_port()
    front.mkdir()
    with _moorage(BEHIND_NGINX, folder, settings) as subject:
        registry = subject.get_registry()
        site = _SITE.read_text("utf-8")
        for ours, theirs in (
            (registry.endpoint.authority, "127.0.0.1:5000"),
            (f"listen 127.0.0.1:{port};", "listen 80;"),
            (f"alias {folder}/data/blobs/;", "alias /srv/moorage/;"),
        ):
            site = site.replace(theirs, ours)
        with _nginx(front, port, site, "/-/readiness") as ((pid,), _, _):
            subject.registry = registry.at(Endpoint("127.0.0.1", port))
            subject.roles = frozenset({Role.DOWNLOAD})
            subject.pids += (pid,)
            yield subject


def _nginx(
    folder: Path, port: int, site: str, ready_path: str
) -> AbstractContextManager[_Started]:
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(_NGINX_CONFIG.format(folder=folder, user=user, site=site))
    command = [program("nginx"), "-c", str(config), "-e", str(folder / "errors")]
    endpoint = Endpoint("127.0.0.1", port)
    return _running(command, folder, dict(os.environ), endpoint, ready_path)


@contextmanager
def bare_server(folder: Path) -> Iterator[Subject]:
    """Run Moorage's HTTP server over nothing: the limit of what receiving can cost."""
    port = free_port()
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    command = [str(_ROOT / ".venv/bin/granian"), "bench.bare:app", *_AS_MOORAGE]
    command += ["--no-ws", "--workers", str(os.cpu_count() or 1), "--port", str(port)]
    endpoint = Endpoint("127.0.0.1", port)
    with _running(command, folder, environment, endpoint, "/v2/") as started:
        roles = frozenset({Role.RECEIVE})
        yield Subject(BARE, roles, folder, Registry(endpoint), *started)


@contextmanager
def durable_copy(folder: Path) -> Iterator[Subject]:
    """Stand for the limit of storing: hash, write and fsync by this program."""
    yield Subject(COPY, frozenset({Role.COPY}), folder)


def external(text: str, folder: Path) -> Subject:
    """Read ``name=URL[,user:password]``: a registry that already runs somewhere.

    Raises:
        BenchmarkError: The text is not of that form.
    """
    name, equals, rest = text.partition("=")
    url, comma, login = rest.partition(",")
    user, colon, password = login.partition(":")
    if not (name and equals and url) or (comma and not colon):
        raise BenchmarkError(f"--target wants name=URL[,user:password], not {text}")
    credentials = (user, password) if comma else None
    return Subject(name, _ALL, folder, Registry(Endpoint.parse(url), credentials))


LOCAL = {
    MOORAGE: moorage,
    MOORAGE_POSTGRES: moorage_on_postgres,
    MOORAGE_S3: moorage_on_s3,
    DOCKER_REGISTRY: docker_registry,
    NGINX: nginx,
    BEHIND_NGINX: moorage_behind_nginx,
    COPY: durable_copy,
    BARE: bare_server,
}


def program(name: str) -> str:
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")
    if path is None:
        raise BenchmarkError(f"{name} is not installed (apt-get install {name})")
    return path


@contextmanager
def _running(
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    endpoint: Endpoint,
    ready_path: str,
) -> Iterator[_Started]:
    """Run a server; give its process id, its start time and its idle memory."""
    log = folder / "log"
    began = time.perf_counter()
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise BenchmarkError(f"cannot start {command[0]}: {error}") from error
        try:
            _wait_until_ready(process, endpoint, ready_path, log)
            start_seconds = time.perf_counter() - began
            time.sleep(_IDLE_SECONDS)
            idle_mb = machine.proportional_memory_mb((process.pid,))
            yield (process.pid,), start_seconds, idle_mb
            if process.poll() is not None:
                raise BenchmarkError(f"{command[0]} died:\n{_tail(log)}")
        finally:
            _stop(process)


def _wait_until_ready(
    process: subprocess.Popen[bytes], endpoint: Endpoint, path: str, log: Path
) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: {endpoint.authority}\r\n\r\n".encode()
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with Connection(endpoint) as connection:
                if connection.exchange(request).status == 200:
                    return
        except (BenchmarkError, OSError):
            pass
        time.sleep(0.02)
    raise BenchmarkError(f"{process.args!r} did not become ready:\n{_tail(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):  # the session is ours, leftovers included
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
