"""From settings to running objects: the only module that names an adapter."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGUSR1
from urllib.parse import urlsplit

import structlog

from moorage.adapters.files import FileBlobStore
from moorage.adapters.http_sender import HttpSender
from moorage.adapters.linux import keep_freed_memory
from moorage.adapters.postgres import PostgresDatabase
from moorage.adapters.postgres_signals import PostgresListener
from moorage.adapters.sqlite import SqliteDatabase
from moorage.adapters.sqlite_to_postgres import RELOCATION, SqliteToPostgres
from moorage.config import Settings, SettingsError, load_settings
from moorage.http.app import FrontEnds
from moorage.http.forwarded import Forwarding
from moorage.http.gitlab_v1.app import GitlabV1App
from moorage.http.gitlab_v1.call import Context as GitlabV1Context
from moorage.http.gitlab_v4.app import create as create_api
from moorage.http.gitlab_v4.context import Context as ApiContext
from moorage.http.health import HealthApp
from moorage.http.messages import Receive, Scope, Send
from moorage.http.registry_v2.app import RegistryApp
from moorage.http.registry_v2.call import Context as RegistryContext
from moorage.http.token_auth.app import Context as TokenContext
from moorage.http.token_auth.app import TokenApp
from moorage.jobs.collector import run_collector
from moorage.jobs.deliveries import Deliveries
from moorage.jobs.docker_events import Source
from moorage.jobs.kinds import delivery_handlers, handlers
from moorage.jobs.pace import QueuedDatabase
from moorage.jobs.schedule import run_schedule
from moorage.jobs.supervision import Work, keep_going
from moorage.jobs.upkeep import run_upkeep
from moorage.jobs.uses import run_uses
from moorage.jobs.worker import Worker
from moorage.observe.logs import configure_logs
from moorage.ports.blobs import BlobStore
from moorage.ports.clock import Clock, SystemClock
from moorage.ports.database import Database, Tx
from moorage.ports.signals import JobSignal, Listen, LocalSignal
from moorage.services.authorization import Authorization
from moorage.services.cleanup import Cleanup
from moorage.services.deletion import Deletion
from moorage.services.deploy_tokens import DeployTokens
from moorage.services.garbage import Garbage
from moorage.services.garbage_queue import GarbageQueue
from moorage.services.group_lists import GroupLists
from moorage.services.groups import Groups
from moorage.services.health import Health
from moorage.services.history import History
from moorage.services.holds import Holds
from moorage.services.identity import Identity
from moorage.services.job_tokens import JobTokens
from moorage.services.jobs import Jobs
from moorage.services.members import Members
from moorage.services.namespaces import Namespaces
from moorage.services.notifications import PullNotices
from moorage.services.placement import Placement
from moorage.services.plans import Plans
from moorage.services.policies import Policies
from moorage.services.project_lists import ProjectLists
from moorage.services.projects import Projects
from moorage.services.protection import Protection
from moorage.services.published_tags import PublishedTags
from moorage.services.pull import Pull
from moorage.services.push import Push
from moorage.services.quotas import Quotas
from moorage.services.refresh_tokens import RefreshTokens
from moorage.services.registry_tokens import RegistryTokens
from moorage.services.repositories import Repositories
from moorage.services.retention import Retention
from moorage.services.sessions import Sessions
from moorage.services.shares import Shares
from moorage.services.tag_lists import TagLists
from moorage.services.tag_search import TagSearch
from moorage.services.tags import Tags
from moorage.services.tokens import Tokens
from moorage.services.transfers import Transfers
from moorage.services.undo import Undo
from moorage.services.uploads import Uploads
from moorage.services.usage import UsageReports
from moorage.services.usage_sums import UsageSums
from moorage.services.users import Users
from moorage.services.uses import Uses
from moorage.services.webhooks import Webhooks
from moorage.services.why import Why
from moorage.services.wide_cleanup import WideCleanup
from moorage.store import secrets as secret_store

log = structlog.get_logger()

NEW_OBJECTS = 10_000
"""Between two looks for objects that keep each other and nothing else does."""

KEPT_BYTES = 16 << 20
"""Freed memory that each heap of a process keeps for what comes next."""

LARGEST_KEPT_BYTES = 4 << 20
"""Larger than any chunk of an upload."""

PARENT = "_MOORAGE_PARENT"
"""The variable in which the process that starts others tells them its number: one that
begins late cannot ask for it any more."""

STOP_ANNOUNCED = SIGUSR1
"""What a server process is told before it is told to stop."""

PARENT_SECONDS = 1
"""How often a process looks whether its parent still lives."""

SIGNING_KEY = "registry_token_key"


def open_database(settings: Settings) -> Database:
    """Return the metadata database; nothing is connected yet."""
    url = settings.database
    if url.startswith("sqlite:"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")))
    return PostgresDatabase(url, settings.read_database_url)


def open_store(settings: Settings) -> BlobStore:
    """Return the blob store; a remote one is not connected yet."""
    location = settings.object_storage
    if location is None:
        return FileBlobStore(settings.blob_folder)
    # Its library takes a second to load, which nobody else needs to wait for.
    from moorage.adapters.s3 import S3BlobStore  # noqa: PLC0415

    return S3BlobStore(location)


def rows_to_move(source: Settings, target: Settings) -> SqliteToPostgres:
    """Return what copies metadata from one database to another.

    Raises:
        SettingsError: Not from SQLite to PostgreSQL.
    """
    if not isinstance(found := open_database(source), SqliteDatabase):
        raise SettingsError("Data can be moved from SQLite only.")
    if not target.database.startswith("postgres"):
        raise SettingsError("Data can be moved to PostgreSQL only.")
    return SqliteToPostgres(found.path, target.database)


def listen_to_others(settings: Settings, *signals: JobSignal) -> Listen:
    """Return what wakes workers when another process queues a job."""
    if settings.database.startswith("sqlite:"):
        return _hear_nothing
    return PostgresListener(settings.database, signals).listen


async def _hear_nothing(_stop: asyncio.Event) -> None:
    """SQLite tells nobody: workers look by themselves."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that front ends and workers call, sharing what it stands on."""

    database: Database
    store: BlobStore
    clock: Clock
    front_ends: FrontEnds
    health: Health
    worker: Worker
    messenger: Worker
    listen: Listen
    notices: PullNotices
    queued: QueuedDatabase
    garbage: Garbage
    garbage_queue: GarbageQueue
    uses: Uses
    plans: Plans
    jobs: Jobs
    undo: Undo

    def background(self, stop: asyncio.Event) -> list[asyncio.Task[None]]:
        """Begin all that goes on beside requests, in any number of processes."""
        works: dict[str, Work] = {
            "jobs": lambda: self.worker.run(stop),
            "deliveries": lambda: self.messenger.run(stop),
            "wake-ups": lambda: self.listen(stop),
            "schedule": lambda: run_schedule(self.database, self.clock, stop),
            "collection": lambda: run_collector(self.garbage, self.queued, stop),
            "upkeep": lambda: self._keep_up(stop),
        }
        return [
            asyncio.create_task(keep_going(name, work, stop))
            for name, work in works.items()
        ]

    async def _keep_up(self, stop: asyncio.Event) -> None:
        queued = QueuedDatabase(self.database)
        steps = (
            TagSearch(queued, self.clock).sort_in,
            UsageSums(queued, self.clock).fold,
        )
        await run_upkeep(steps, queued, stop)


async def build(settings: Settings, database: Database) -> Services:
    """Put a server's objects together. The schema must be there."""
    clock: Clock = SystemClock()
    signal = LocalSignal()
    store = open_store(settings)
    identity = Identity(database, clock)
    lease = settings.gc_lease
    uploads = Uploads(
        database, store, clock, lease=lease, max_blob_bytes=settings.max_blob_bytes
    )
    authorization = Authorization(
        database, clock, identity, create_on_push=settings.create_on_push
    )
    signing_key = await _signing_key(database, clock)
    registry_tokens = RegistryTokens(signing_key, clock, settings.token_lifetime)
    undo_window = settings.undo_window
    notices = PullNotices(database, clock)
    repositories = Repositories(database, clock, signal, undo_window=undo_window)
    cleanup = Cleanup(
        database,
        clock,
        signal,
        interval=settings.cleanup_interval,
        undo_window=undo_window,
    )
    queued = QueuedDatabase(database)
    garbage = Garbage(queued, store, clock)
    garbage_queue = GarbageQueue(database, clock, signal, garbage)
    uses = Uses(database, clock)
    undo = Undo(
        database, clock, signal, undo_window=undo_window, tag_date=settings.tag_date
    )
    wide_cleanup = WideCleanup(database, clock, signal, cleanup)
    kinds = handlers(
        repositories,
        cleanup,
        wide_cleanup,
        uploads,
        garbage_queue,
        undo,
        UsageSums(database, clock),
        Retention(clock, undo_window),
        upload_expiry=settings.upload_expiry,
    )
    registry = RegistryApp(
        RegistryContext(
            external_url=settings.public_url,
            max_manifest_bytes=settings.max_manifest_bytes,
            blob_folder=settings.blob_folder,
            accel_redirect=settings.accel_redirect,
            identity=identity,
            authorization=authorization,
            tokens=registry_tokens,
            placement=Placement(database, clock),
            uploads=uploads,
            push=Push(
                database,
                store,
                clock,
                lease=lease,
                undo_window=undo_window,
                sparse_indexes=settings.sparse_indexes,
                sparse_images=settings.sparse_images,
                tag_date=settings.tag_date,
            ),
            pull=Pull(
                database,
                store,
                clock,
                lease=lease,
                redirects=settings.redirect_downloads,
            ),
            deletion=Deletion(database, clock, undo_window=undo_window),
            notices=notices,
            uses=uses,
            quotas=Quotas(database, clock),
        )
    )
    token = TokenApp(
        TokenContext(
            identity=identity,
            authorization=authorization,
            tokens=registry_tokens,
            refresh_tokens=RefreshTokens(signing_key, clock, identity),
        )
    )
    plans = Plans(database, clock, signal)
    jobs = Jobs(database, clock, identity, kinds, undo_window=undo_window)
    api = create_api(
        ApiContext(
            external_url=settings.public_url,
            registry_host=urlsplit(settings.public_url).netloc,
            identity=identity,
            sessions=Sessions(database, clock, identity),
            users=Users(database, clock, identity),
            tokens=Tokens(database, clock),
            deploy_tokens=DeployTokens(database, clock),
            job_tokens=JobTokens(database, clock),
            groups=Groups(database, clock),
            group_lists=GroupLists(database, clock),
            namespaces=Namespaces(database, clock),
            projects=Projects(database, clock),
            project_lists=ProjectLists(database, clock),
            members=Members(database, clock),
            shares=Shares(database, clock),
            transfers=Transfers(database, clock),
            repositories=repositories,
            protection=Protection(database, clock),
            tags=Tags(database, clock, undo_window=undo_window),
            tag_lists=TagLists(database, clock),
            cleanup=cleanup,
            wide_cleanup=wide_cleanup,
            plans=plans,
            policies=Policies(database, clock),
            undo=undo,
            history=History(database),
            jobs=jobs,
            webhooks=Webhooks(database, clock),
            holds=Holds(database, clock),
            why=Why(database, clock),
            garbage=garbage_queue,
            usage=UsageReports(database, clock),
            quotas=Quotas(database, clock),
        )
    )
    messenger = _messenger(settings, database, clock)
    health = Health(database, store)
    return Services(
        database=database,
        store=store,
        clock=clock,
        front_ends=FrontEnds(
            registry,
            token,
            api,
            GitlabV1App(
                GitlabV1Context(
                    external_url=settings.public_url,
                    identity=identity,
                    authorization=authorization,
                    tokens=registry_tokens,
                    published=PublishedTags(database),
                )
            ),
            HealthApp(health),
            _forwarding(settings),
        ),
        health=health,
        worker=Worker(database, clock, kinds, signal, owner=uuid.uuid4().hex),
        messenger=messenger,
        listen=listen_to_others(settings, signal, messenger.signal),
        notices=notices,
        queued=queued,
        garbage=garbage,
        garbage_queue=garbage_queue,
        uses=uses,
        plans=plans,
        jobs=jobs,
        undo=undo,
    )


def _forwarding(settings: Settings) -> Forwarding:
    return Forwarding(
        settings.trusted_proxies,
        has_external_url=settings.external_url is not None,
        scheme=settings.scheme,
    )


def _messenger(settings: Settings, database: Database, clock: Clock) -> Worker:
    """Make the worker that tells webhooks of events.

    It does nothing else: what does not answer holds up no other work.
    """
    source = Source(settings.public_url, str(settings.listen), str(uuid.uuid4()))
    deliveries = Deliveries(database, clock, HttpSender(), source)
    return Worker(
        database,
        clock,
        delivery_handlers(deliveries),
        LocalSignal(),
        owner=uuid.uuid4().hex,
    )


async def _signing_key(database: Database, clock: Clock) -> bytes:
    fresh, now = secrets.token_bytes(32), clock.now()

    def body(tx: Tx) -> bytes:
        # From here on a move to this database would overwrite what is done now.
        secret_store.delete(tx, RELOCATION)
        return secret_store.obtain(tx, SIGNING_KEY, fresh, now=now)

    return await database.write(body)


class Application:
    """One server process as an ASGI application: its lifespan, then its requests."""

    def __init__(self, settings: Settings, *, parent: int | None = None) -> None:
        self._settings = settings
        self._parent = parent
        self._services: Services | None = None
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the beginning and end of the process."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._services is not None:
            await self._services.front_ends(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except Exception as error:
            log.exception("server process cannot start")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def start(self) -> None:
        """Open what requests stand on, and begin to work off jobs."""
        services = await build(self._settings, open_database(self._settings))
        self._services, stop = services, self._stop
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(STOP_ANNOUNCED, services.health.announce_stop)
        uses = keep_going("uses", lambda: run_uses(services.uses, stop), stop)
        self._tasks = [
            *services.background(stop),
            asyncio.create_task(uses),
            asyncio.create_task(self._end_with_parent()),
        ]

    async def _end_with_parent(self) -> None:
        """Serve no longer than the process that started this one and watches it."""
        while self._parent is not None and not self._stop.is_set():
            if os.getppid() != self._parent:
                log.error("server process ends with its parent")
                os.kill(os.getpid(), SIGKILL)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), PARENT_SECONDS)

    async def stop(self) -> None:
        """Put the running job back, and let go of the database."""
        self._stop.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._services is not None:
            await self._services.notices.drain()
            await self._services.store.close()
            await self._services.database.close()


def create_app() -> Application:
    """Make the application of a server process, which reads its environment."""
    configure_logs()
    _look_for_cycles_rarely()
    keep_freed_memory(KEPT_BYTES, LARGEST_KEPT_BYTES)
    return Application(
        load_settings({}, os.environ), parent=int(os.environ.get(PARENT, os.getppid()))
    )


def _look_for_cycles_rarely() -> None:
    """Have Python pass over what is loaded, and look at new objects in larger lots.

    A plan makes half a million objects, no two of which keep each other: looked at as
    often as Python does by itself they take twice as long to make.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
