"""What commands that change things share: whom they act as, and following a job."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from moorage.cli.settings import settings_from
from moorage.domain.access import Principal
from moorage.domain.errors import (
    ForbiddenError,
    RepositoryUnknownError,
    UserUnknownError,
)
from moorage.domain.jobs import Job, JobState
from moorage.domain.names import RepositoryName
from moorage.domain.repositories import Repository
from moorage.http.gitlab_v4.registry_entities import JobEntity, job_entity
from moorage.observe.logs import configure_logs
from moorage.ports.database import Tx
from moorage.services.standing import may_administer, principal_of
from moorage.store import accounts, repositories
from moorage.wiring import Services, build, open_database

LOOK_SECONDS = 0.2
"""How often a command looks how far its job is."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at the command line, who acts as an account of the registry."""

    services: Services
    principal: Principal

    async def repository(self, path: str) -> Repository:
        """Look a repository up by its full name.

        Raises:
            RepositoryUnknownError: There is none.
            ForbiddenError: The account may not administer its images.
        """
        name, now = RepositoryName.parse(path), self.services.clock.now()

        def body(tx: Tx) -> Repository:
            found = repositories.find_by_path(tx, name)
            if found is None:
                raise RepositoryUnknownError(name=name)
            account_id = self.principal.account_id
            if not may_administer(tx, found.project_id, account_id, now):
                raise ForbiddenError
            return found

        return await self.services.database.read(body)

    async def follow(self, job_id: int, *, quiet: bool) -> Job:
        """Help to work off jobs until one is finished; show how far it is."""
        stop = asyncio.Event()
        work = asyncio.create_task(self.services.worker.run(stop))
        try:
            return await self._watch(job_id, quiet=quiet)
        finally:
            stop.set()
            await work

    async def _watch(self, job_id: int, *, quiet: bool) -> Job:
        console = Console(stderr=True)
        with Progress(console=console, disable=quiet, transient=True) as progress:
            task = progress.add_task("waiting", total=None)
            while True:
                job = await self.services.jobs.get(self.principal, job_id)
                progress.update(
                    task,
                    description=job.state,
                    completed=job.done,
                    total=job.total or None,
                )
                if job.state.final:
                    return job
                await asyncio.sleep(LOOK_SECONDS)


def run_job(
    begin: Callable[[Operator], Awaitable[int]],
    username: str,
    settings: Mapping[str, str],
    config: Path | None,
    *,
    json_output: bool,
) -> None:
    """Begin a job, see it through and say what came of it; exit 1 where it failed."""

    async def body() -> tuple[Job, JobEntity]:
        async with operator(username, settings, config) as chosen:
            job_id = await begin(chosen)
            job = await chosen.follow(job_id, quiet=json_output)
            until = chosen.services.jobs.undoable_until(job)
            return job, job_entity(job, until)

    job, entity = asyncio.run(body())
    sys.stdout.write(f"{json.dumps(entity)}\n" if json_output else _sentence(job))
    if job.state is not JobState.SUCCEEDED:
        sys.exit(1)


def _sentence(job: Job) -> str:
    counts = ", ".join(f"{count} {what}" for what, count in (job.result or {}).items())
    return f"job {job.id} {job.state}: {job.error or counts}\n"


@asynccontextmanager
async def operator(
    username: str, settings: Mapping[str, str], config: Path | None
) -> AsyncIterator[Operator]:
    """Open the registry for somebody who acts as an account.

    Raises:
        UserUnknownError: There is no such account.
    """
    chosen = settings_from(settings, config)
    configure_logs()
    services = await build(chosen, open_database(chosen))
    try:
        account = await services.database.read(
            lambda tx: accounts.find_by_username(tx, username)
        )
        if account is None:
            raise UserUnknownError(username=username)
        yield Operator(services, principal_of(account))
    finally:
        await services.store.close()
        await services.database.close()
