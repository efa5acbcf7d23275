"""What the handlers of jobs are given, and what callers see of jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias, TypeVar

from moorage.domain.access import Ability, Principal, Role, may
from moorage.domain.errors import (
    ForbiddenError,
    GroupUnknownError,
    JobUnknownError,
    UnauthenticatedError,
)
from moorage.domain.jobs import (
    Job,
    JobFinishedError,
    JobItem,
    JobState,
    undoable_until,
)
from moorage.domain.projects import Project
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services.identity import Identity
from moorage.services.rights import group_for
from moorage.store import job_items, jobs, projects

LEASE = timedelta(seconds=60)
"""How long a job of a worker that died waits before another takes it."""

Result = TypeVar("Result")


class JobLostError(Exception):
    """The job was cancelled or taken over: stop, without a word."""


@dataclass(frozen=True, slots=True)
class JobRun:
    """One attempt at a job, by the worker ``owner``."""

    job: Job
    owner: str
    database: Database
    clock: Clock

    async def write(
        self, body: Callable[[Tx], Result], *, durable: bool = True
    ) -> Result:
        """Run a body in a transaction, if the job is still this worker's.

        A step need not be ``durable``: whatever of it a loss of power takes, the job's
        progress goes with it.

        Raises:
            JobLostError: It is not, and the body was not run.
        """
        lease_until = self.clock.now() + LEASE

        def held(tx: Tx) -> Result:
            if not jobs.hold(tx, self.job.id, self.owner, lease_until=lease_until):
                raise JobLostError(self.job.id)
            return body(tx)

        # Begun means done: a transaction that nobody waits for any more still ends.
        return await asyncio.shield(self.database.write(held, durable=durable))


Run: TypeAlias = Callable[[JobRun], Awaitable[Mapping[str, Any]]]
Follow: TypeAlias = Callable[[Tx, Job], None]


def ignore(_tx: Tx, _job: Job) -> None:
    """Follow nothing."""


@dataclass(frozen=True, slots=True)
class Handler:
    """How a kind of job is done.

    ``run`` may be cut off anywhere and is then called again; its result is shown to
    the caller. ``follow`` sees the job, in its new state, in the transaction that puts
    it back, gives it up or cancels it.
    """

    run: Run
    follow: Follow = ignore


class Jobs:
    """Jobs as those see them who may administer what the jobs work on."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        identity: Identity,
        handlers: Mapping[str, Handler],
        *,
        undo_window: timedelta = timedelta(0),
    ) -> None:
        self._database = database
        self._clock = clock
        self._identity = identity
        self._handlers = handlers
        self._undo_window = undo_window

    def undoable_until(self, job: Job) -> datetime | None:
        """Say until when all that a job removed is kept; ``None`` if nothing is."""
        return undoable_until(job, self._undo_window)

    async def get(self, principal: Principal, job_id: int) -> Job:
        """Return a job.

        Raises:
            UnauthenticatedError: Nobody signed in.
            JobUnknownError: No such job, for this caller.
            ForbiddenError: They see the project but may not administer its images.
        """
        if principal.anonymous:
            raise UnauthenticatedError
        found = await self._database.quick(lambda tx: _find(tx, job_id))
        if found is None:
            raise JobUnknownError
        job, project = found
        group_id = job.arguments.get("group_id")
        if project is not None:
            await self._check(principal, project)
        elif group_id is not None:
            await self._check_group(principal, group_id)
        elif not principal.admin:
            raise JobUnknownError
        return job

    async def _check(self, principal: Principal, project: Project) -> None:
        access = await self._identity.project_access(principal, project)
        if not may(principal, Ability.READ_IMAGE, access):
            raise JobUnknownError
        if not may(principal, Ability.ADMIN_IMAGE, access):
            raise ForbiddenError

    async def _check_group(self, principal: Principal, group_id: int) -> None:
        now = self._clock.now()
        try:
            seen = await self._database.read(
                lambda tx: group_for(tx, principal, group_id, now)
            )
        except GroupUnknownError:
            raise JobUnknownError from None
        if principal.admin:
            return
        if seen.level < Role.REPORTER:
            raise JobUnknownError
        if seen.level < Role.MAINTAINER:
            raise ForbiddenError

    async def list_items(
        self, principal: Principal, job_id: int, *, offset: int, limit: int
    ) -> tuple[list[JobItem], int]:
        """Return some of a job's items in the order of their removal, and how many.

        Raises as ``get`` does.
        """
        job = await self.get(principal, job_id)

        def body(tx: Tx) -> tuple[list[JobItem], int]:
            items = job_items.list_page(tx, job.id, after=offset, limit=limit)
            return items, job_items.count(tx, job.id)

        return await self._database.read(body)

    async def cancel(self, principal: Principal, job_id: int) -> Job:
        """Keep a job from doing any more; what is done stays done.

        Raises as ``get`` does, and:
            JobFinishedError: It has ended.
        """
        job = await self.get(principal, job_id)
        follow = (
            self._handlers[job.kind].follow if job.kind in self._handlers else ignore
        )
        now = self._clock.now()

        def body(tx: Tx) -> Job:
            if not jobs.cancel(tx, job.id, now=now):
                raise JobFinishedError
            cancelled = replace(job, state=JobState.CANCELLED, finished_at=now)
            follow(tx, cancelled)
            return jobs.find(tx, job.id) or cancelled

        return await self._database.write(body)


def _find(tx: Tx, job_id: int) -> tuple[Job, Project | None] | None:
    job = jobs.find(tx, job_id)
    if job is None:
        return None
    project_id = job.arguments.get("project_id")
    return job, None if project_id is None else projects.find(tx, project_id)
