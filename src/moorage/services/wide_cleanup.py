"""Bulk deletion over all repositories of a project or below a group.

One job looks up the repositories when its turn comes, and has each cleaned up by a job
of its own: what became of its tags is seen, cancelled and undone there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from moorage.domain.access import Principal
from moorage.domain.cleanup import BulkDelete
from moorage.domain.errors import CleanupTooSoonError
from moorage.domain.jobs import Job, JobKind, NewJob
from moorage.domain.patterns import Pattern
from moorage.domain.projects import Namespace, Project
from moorage.domain.repositories import Repository, RepositoryOwner
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.ports.signals import JobSignal
from moorage.services.cleanup import Arguments, Cleanup
from moorage.services.jobs import JobRun
from moorage.store import jobs, projects, repository_lists

_ALL = 1 << 31
"""More repositories than there are."""

Owner: TypeAlias = Project | Namespace


@dataclass(frozen=True, slots=True)
class Choice:
    """Which repositories: those of an owner whose whole path a pattern matches."""

    project_id: int | None
    group_id: int | None
    pattern: str | None

    @classmethod
    def of(cls, owner: Owner, pattern: Pattern | None) -> Choice:
        """Choose from a project or from all projects below a group."""
        text = None if pattern is None else pattern.text
        if isinstance(owner, Project):
            return cls(owner.id, None, text)
        return cls(None, owner.id, text)

    def find(self, tx: Tx) -> list[Repository]:
        """Return the repositories that there are now, oldest first.

        Those of archived projects are left out: nothing is deleted there.
        """
        if self.project_id is not None:
            owner = RepositoryOwner.project(self.project_id)
        else:
            owner = RepositoryOwner.namespace(self.group_id or 0)
        found = repository_lists.list_page(tx, owner, 0, _ALL)
        archived = projects.archived(tx, (each.project_id for each in found))
        found = [each for each in found if each.project_id not in archived]
        if self.pattern is None:
            return found
        pattern = Pattern.parse(self.pattern)
        return [each for each in found if pattern.matches(each.path)]


class WideCleanup:
    """Bulk deletion of many repositories; who may is checked before, and per job."""

    def __init__(
        self, database: Database, clock: Clock, signal: JobSignal, cleanup: Cleanup
    ) -> None:
        self._database = database
        self._clock = clock
        self._signal = signal
        self._cleanup = cleanup

    async def find(self, choice: Choice) -> list[Repository]:
        """Return the repositories that a call is about."""
        return await self._database.read(choice.find)

    async def schedule(
        self, choice: Choice, rules: BulkDelete, principal: Principal
    ) -> int:
        """Have tags deleted by rules in each repository; return the job."""
        now = self._clock.now()
        arguments = {
            "rules": asdict(Arguments.from_rules(rules, principal)),
            **asdict(choice),
        }
        job = NewJob(
            kind=JobKind.DELETE_TAGS_WIDELY, arguments=arguments, actor=principal.actor
        )
        job_id = await self._database.write(lambda tx: jobs.enqueue(tx, job, now=now))
        self._signal.notify()
        return job_id

    async def run(self, run: JobRun) -> Mapping[str, Any]:
        """Queue a job per repository, all in one transaction.

        Repositories within the interval after their last bulk delete are passed over.
        The handler of ``JobKind.DELETE_TAGS_WIDELY``.
        """
        result = await run.write(lambda tx: self._fan_out(tx, run.job))
        self._signal.notify()
        return result

    def _fan_out(self, tx: Tx, job: Job) -> Mapping[str, Any]:
        if job.result is not None:
            # An attempt that got this far was cut off before it could say so.
            return job.result
        now = self._clock.now()
        given = dict(job.arguments)
        arguments = Arguments(**given.pop("rules"))
        found = Choice(**given).find(tx)
        job_ids, too_soon = [], []
        for repository in found:
            try:
                job_id = self._cleanup.enqueue(
                    tx, repository, arguments, job.actor, now
                )
            except CleanupTooSoonError:
                too_soon.append(repository.id)
            else:
                job_ids.append(job_id)
        result = {
            "repositories": len(found),
            "scheduled": len(job_ids),
            "job_ids": job_ids,
            "too_soon_repository_ids": too_soon,
        }
        jobs.set_progress(tx, job.id, len(job_ids), len(found))
        jobs.set_result(tx, job.id, result)
        return result
