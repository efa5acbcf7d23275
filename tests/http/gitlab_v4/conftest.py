"""The management API in process, on a fresh database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from conftest import LARGE
from in_process.api import ROOT_TOKEN, URL, Api
from in_process.databases import database
from in_process.documented import Documented, hold_to_declarations
from moorage.adapters.memory import MemoryBlobStore
from moorage.http.gitlab_v4.app import create
from moorage.http.gitlab_v4.context import Context
from moorage.ports.signals import LocalSignal
from moorage.services.bootstrap import bootstrap
from moorage.services.cleanup import Cleanup
from moorage.services.deploy_tokens import DeployTokens
from moorage.services.garbage import Garbage
from moorage.services.garbage_queue import GarbageQueue
from moorage.services.group_lists import GroupLists
from moorage.services.groups import Groups
from moorage.services.history import History
from moorage.services.holds import Holds
from moorage.services.identity import Identity
from moorage.services.job_tokens import JobTokens
from moorage.services.jobs import Jobs
from moorage.services.members import Members
from moorage.services.namespaces import Namespaces
from moorage.services.plans import Plans
from moorage.services.policies import Policies
from moorage.services.project_lists import ProjectLists
from moorage.services.projects import Projects
from moorage.services.protection import Protection
from moorage.services.quotas import Quotas
from moorage.services.repositories import Repositories
from moorage.services.sessions import Sessions
from moorage.services.shares import Shares
from moorage.services.tag_lists import TagLists
from moorage.services.tags import Tags
from moorage.services.tokens import Tokens
from moorage.services.transfers import Transfers
from moorage.services.undo import Undo
from moorage.services.usage import UsageReports
from moorage.services.users import Users
from moorage.services.webhooks import Webhooks
from moorage.services.why import Why
from moorage.services.wide_cleanup import WideCleanup
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.ports.database import Database

__all__ = ["database"]


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    hold_to_declarations(monkeypatch)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """Name the engine: SQLite, unless the test or the run says otherwise."""
    return getattr(request, "param", "postgres" if LARGE else "sqlite")


@pytest.fixture
def context(database: Database, clock: FrozenClock) -> Context:
    identity, signal = Identity(database, clock), LocalSignal()
    repositories = Repositories(database, clock, signal)
    cleanup = Cleanup(database, clock, signal, interval=timedelta(hours=1))
    collector = Garbage(database, MemoryBlobStore(), clock)
    garbage = GarbageQueue(database, clock, signal, collector)
    return Context(
        external_url=URL,
        registry_host="registry.example.com:8443",
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
        tags=Tags(database, clock),
        tag_lists=TagLists(database, clock),
        cleanup=cleanup,
        wide_cleanup=WideCleanup(database, clock, signal, cleanup),
        plans=Plans(database, clock, signal),
        policies=Policies(database, clock),
        undo=Undo(database, clock, signal),
        history=History(database),
        jobs=Jobs(database, clock, identity, {}),
        webhooks=Webhooks(database, clock),
        holds=Holds(database, clock),
        why=Why(database, clock),
        garbage=garbage,
        usage=UsageReports(database, clock),
        quotas=Quotas(database, clock),
    )


@pytest.fixture
async def api(
    context: Context, database: Database, clock: FrozenClock
) -> AsyncIterator[Api]:
    await bootstrap(database, clock, ROOT_TOKEN)
    transport = httpx.ASGITransport(Documented(create(context)))
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        yield Api(client, database, clock, context)
