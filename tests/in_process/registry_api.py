"""The management API in process, with a project and somebody of each role in it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx

from contract import rows
from contract.rows import NOW
from in_process.documented import Documented
from moorage.adapters.memory import MemoryBlobStore
from moorage.domain.access import CredentialKind, Role, Visibility
from moorage.domain.jobs import JobKind
from moorage.domain.projects import Scope
from moorage.domain.tokens import hash_secret
from moorage.http.gitlab_v4.app import create
from moorage.http.gitlab_v4.context import Context
from moorage.jobs.worker import Worker
from moorage.ports.signals import LocalSignal
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
from moorage.services.jobs import Handler, Jobs
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
from moorage.store import members, projects, tokens
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from datetime import datetime

    from moorage.domain.accounts import Account
    from moorage.domain.projects import Namespace, Project
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

EXTERNAL_URL = "https://registry.example.com:5000"
HOST = "registry.example.com:5000"

MEMBERS = {
    "guest": Role.GUEST,
    "reporter": Role.REPORTER,
    "developer": Role.DEVELOPER,
    "maintainer": Role.MAINTAINER,
    "owner": Role.OWNER,
}
STRANGERS = ("stranger", "administrator")


@dataclass
class RegistryApi:
    """A group, a private project and its repository; callers are named by role."""

    database: Database
    clock: FrozenClock
    client: httpx.AsyncClient
    worker: Worker
    group: Namespace
    project: Project
    repository: Repository
    accounts: Mapping[str, Account]

    async def call(
        self, method: str, path: str, caller: str = "maintainer", **options: Any
    ) -> httpx.Response:
        """Call a path below ``/api/v4``; nobody signs in as ``anonymous``."""
        headers = dict(options.pop("headers", {}))
        if caller != "anonymous":
            headers["PRIVATE-TOKEN"] = f"token-{caller}"
        return await self.client.request(method, path, headers=headers, **options)

    @property
    def repositories_path(self) -> str:
        return f"/projects/{self.project.id}/registry/repositories"

    @property
    def path(self) -> str:
        return f"{self.repositories_path}/{self.repository.id}"

    async def put_tags(self, created: Mapping[str, datetime]) -> None:
        await self.database.write(
            lambda tx: rows.put_tags(tx, self.repository, created)
        )

    async def put_equal_tags(self, names: Iterable[str]) -> None:
        await self.put_tags(dict.fromkeys(names, NOW))

    async def tag_names(self) -> list[str]:
        return await self.database.read(lambda tx: rows.tag_names(tx, self.repository))

    async def set_visibility(self, visibility: Visibility) -> None:
        await self._update(visibility=visibility)

    async def _update(self, **changes: Any) -> None:
        self.project = replace(self.project, **changes)
        await self.database.write(lambda tx: projects.update(tx, self.project))

    async def archive(self) -> None:
        await self._update(archived_at=NOW)

    async def set_registry_access(self, access: str) -> None:
        await self._update(registry_access=access)

    async def run_jobs(self) -> None:
        while await self.worker.run_one():
            pass


@asynccontextmanager
async def registry_api(
    database: Database,
    interval: timedelta = timedelta(hours=1),
    undo_window: timedelta = timedelta(0),
) -> AsyncIterator[RegistryApi]:
    clock, signal = FrozenClock(NOW), LocalSignal()
    window = {"undo_window": undo_window}
    repositories = Repositories(database, clock, signal, **window)
    cleanup = Cleanup(database, clock, signal, interval=interval, **window)
    wide_cleanup = WideCleanup(database, clock, signal, cleanup)
    undo = Undo(database, clock, signal, undo_window=undo_window)
    collector = Garbage(database, MemoryBlobStore(), clock)
    garbage = GarbageQueue(database, clock, signal, collector)
    handlers: dict[str, Handler] = {
        JobKind.DELETE_REPOSITORY: Handler(repositories.delete, repositories.follow),
        JobKind.DELETE_TAGS: Handler(cleanup.delete),
        JobKind.DELETE_TAGS_WIDELY: Handler(wide_cleanup.run),
        JobKind.RUN_POLICY: Handler(cleanup.run_policy),
        JobKind.RESTORE_TAGS: Handler(undo.run_restore),
        JobKind.PURGE: Handler(undo.run_purge),
        JobKind.COLLECT_GARBAGE: Handler(garbage.collect),
    }
    identity = Identity(database, clock)
    context = Context(
        external_url=EXTERNAL_URL,
        registry_host=HOST,
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
        tags=Tags(database, clock, **window),
        tag_lists=TagLists(database, clock),
        cleanup=cleanup,
        wide_cleanup=wide_cleanup,
        plans=Plans(database, clock, signal),
        policies=Policies(database, clock),
        undo=undo,
        history=History(database),
        jobs=Jobs(database, clock, identity, handlers, **window),
        webhooks=Webhooks(database, clock),
        holds=Holds(database, clock),
        why=Why(database, clock),
        garbage=garbage,
        usage=UsageReports(database, clock),
        quotas=Quotas(database, clock),
    )
    transport = httpx.ASGITransport(Documented(create(context)))
    base_url = f"{EXTERNAL_URL}/api/v4"
    async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
        group, project, repository, accounts = await database.write(_populate)
        yield RegistryApi(
            database,
            clock,
            client,
            Worker(database, clock, handlers, signal, owner="worker"),
            group,
            project,
            repository,
            accounts,
        )


def _populate(
    tx: Tx,
) -> tuple[Namespace, Project, Repository, dict[str, Account]]:
    group = rows.a_group(tx)
    project = rows.a_project(tx, group, "Project")
    accounts = {
        name: rows.an_account(tx, name, admin=name == "administrator")
        for name in (*MEMBERS, *STRANGERS)
    }
    for name, level in MEMBERS.items():
        members.put(tx, Scope(project_id=project.id), accounts[name].id, level, now=NOW)
    for name, account in accounts.items():
        put_token(tx, account, f"token-{name}")
    return group, project, rows.a_repository(tx, project, "image"), accounts


def put_token(tx: Tx, account: Account, secret: str, scope: str = "api") -> None:
    new = tokens.NewToken(
        kind=CredentialKind.PERSONAL,
        secret_hash=hash_secret(secret),
        name=secret,
        scopes=(scope,),
        account_id=account.id,
    )
    tokens.create(tx, new, now=NOW)
