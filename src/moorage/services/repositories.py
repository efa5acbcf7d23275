"""Repositories: list, look up, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Flag, auto
from typing import Any

from moorage.domain.access import Principal
from moorage.domain.errors import RepositoryUnknownError
from moorage.domain.events import Occasion, repository_deleted
from moorage.domain.history import Cause
from moorage.domain.jobs import Job, JobKind, JobState, NewJob
from moorage.domain.projects import Project
from moorage.domain.repositories import (
    ALL_REPOSITORIES,
    LastUse,
    Repository,
    RepositoryList,
    RepositoryOwner,
)
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.ports.signals import JobSignal
from moorage.services import guards
from moorage.services.jobs import JobRun
from moorage.store import (
    events,
    holds,
    jobs,
    projects,
    repositories,
    repository_lists,
    tags,
)
from moorage.store.repository_lists import Page

BATCH = 1000
"""Tags that one transaction removes: others may write in between."""

_STATUS = {
    JobState.QUEUED: "delete_scheduled",
    JobState.FAILED: "delete_failed",
    JobState.CANCELLED: None,
}


class Telling(Flag):
    """What a list tells of each repository besides itself."""

    NOTHING = 0
    TAGS = auto()
    DETAILS = auto()


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """Repositories in order; ``total`` counts all pages, if that is not too much.

    ``tags`` has the names of each, ``uses`` the last ones, if they were asked for.
    """

    items: list[Repository]
    total: int | None
    tags: Mapping[int, list[str]] = field(default_factory=dict)
    uses: Mapping[int, LastUse] = field(default_factory=dict)


class Repositories:
    """What callers do to repositories; who may is checked before."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signal: JobSignal,
        *,
        undo_window: timedelta = timedelta(0),
    ) -> None:
        self._database = database
        self._clock = clock
        self._signal = signal
        self._undo_window = undo_window

    async def list_page(
        self,
        owner: RepositoryOwner,
        wanted: RepositoryList = ALL_REPOSITORIES,
        *,
        offset: int,
        limit: int,
        telling: Telling = Telling.NOTHING,
    ) -> RepositoryPage:
        """Return repositories of a project, or of all projects below a group."""

        def body(tx: Tx) -> RepositoryPage:
            page = repository_lists.page(tx, owner, wanted, offset, limit)
            return _page(tx, page, telling)

        return await self._database.read(body)

    async def find_id(self, path: str) -> int:
        """Return the id of the repository of a full path, whoever asks.

        Raises:
            RepositoryUnknownError: There is none.
        """
        found = await self._database.quick(
            lambda tx: repositories.find_by_path(tx, path.lower())
        )
        if found is None:
            raise RepositoryUnknownError(name=path[:300])
        return found.id

    async def get(self, project_id: int, repository_id: int) -> Repository:
        """Return a repository of a project.

        Raises:
            RepositoryUnknownError: The project has none of this id.
        """
        found = await self._database.quick(
            lambda tx: repositories.find(tx, repository_id)
        )
        if found is None or found.project_id != project_id:
            raise RepositoryUnknownError(id=repository_id)
        return found

    async def get_anywhere(self, repository_id: int) -> tuple[Repository, Project]:
        """Return a repository and the project that it belongs to.

        Raises:
            RepositoryUnknownError: There is none of this id.
        """

        def body(tx: Tx) -> tuple[Repository, Project] | None:
            repository = repositories.find(tx, repository_id)
            if repository is None:
                return None
            project = projects.find(tx, repository.project_id)
            return None if project is None else (repository, project)

        found = await self._database.quick(body)
        if found is None:
            raise RepositoryUnknownError(id=repository_id)
        return found

    async def list_tags(self, repository_id: int) -> list[str]:
        """Return all names of tags in byte order."""
        found = await self._database.read(
            lambda tx: tags.list_names_of_many(tx, [repository_id])
        )
        return found[repository_id]

    async def size_bytes(self, repository_id: int) -> int:
        """Add up what the tags reach, each blob once."""
        return await self._database.read(
            lambda tx: repositories.size_bytes(tx, repository_id)
        )

    async def schedule_deletion(
        self, repository: Repository, principal: Principal
    ) -> int:
        """Have a repository deleted; return the job, which may be under way.

        Raises:
            RepositoryUnknownError: It is gone.
            HeldError: Something in it is held.
            ProtectedRepositoryError, ProtectedTagError, ImmutableTagError: A rule
                keeps it.
        """
        now = self._clock.now()
        job = NewJob(
            kind=JobKind.DELETE_REPOSITORY,
            arguments={"project_id": repository.project_id},
            actor=principal.actor,
            repository_id=repository.id,
            dedup_key=f"{JobKind.DELETE_REPOSITORY}:{repository.id}",
        )

        def body(tx: Tx) -> int:
            # Everybody locks the job before the repository.
            job_id = jobs.enqueue(tx, job, now=now)
            found = repositories.find(tx, repository.id)
            if found is None:
                raise RepositoryUnknownError(id=repository.id)
            guards.check_deletion(tx, principal, found, now)
            if found.status != "delete_ongoing":
                repositories.set_status(tx, repository.id, "delete_scheduled")
            # Now that its row is locked: no hold is made any more.
            for hold in holds.list_page(tx, repository.id, offset=0, limit=1, now=now):
                raise hold.refusal(hold.tag or str(hold.digest))
            return job_id

        job_id = await self._database.write(body)
        self._signal.notify()
        return job_id

    async def delete(self, run: JobRun) -> Mapping[str, Any]:
        """Remove all tags, those pushed meanwhile too, then the repository.

        The handler of ``JobKind.DELETE_REPOSITORY``.
        """
        job = run.job
        repository_id = job.repository_id or 0
        left = await run.write(lambda tx: _begin_deletion(tx, repository_id))
        if left is None:
            return {"deleted_tags": job.done}
        done, gone = job.done, False
        while not gone:
            deleted, gone = await self._delete_some(run, repository_id, done, left)
            done, left = done + deleted, max(left - deleted, 0)
        return {"deleted_tags": done}

    async def _delete_some(
        self, run: JobRun, repository_id: int, done: int, left: int
    ) -> tuple[int, bool]:
        job, now = run.job, self._clock.now()
        cause = Cause(job.actor, now, now + self._undo_window, job.id)

        def body(tx: Tx) -> tuple[int, bool]:
            deleted = tags.delete_first(tx, repository_id, BATCH, cause=cause)
            total = done + max(left, deleted)
            jobs.set_progress(tx, job.id, done + deleted, total)
            if repositories.mark_deleted(tx, repository_id, now=now):
                told, by = [repository_deleted()], Occasion(job.actor)
                events.record(tx, repository_id, told, by, at=now)
            return deleted, not _is_left(tx, repository_id)

        return await run.write(body)

    def follow(self, tx: Tx, job: Job) -> None:
        """Show in the repository what becomes of its deletion."""
        if job.repository_id is not None:
            repositories.set_status(tx, job.repository_id, _STATUS[job.state])


def _begin_deletion(tx: Tx, repository_id: int) -> int | None:
    """Return how many tags there are; ``None`` if all is done already."""
    if not _is_left(tx, repository_id):
        return None
    repositories.set_status(tx, repository_id, "delete_ongoing")
    return repositories.count_tags(tx, repository_id)


def _is_left(tx: Tx, repository_id: int) -> bool:
    """Whether it is there, or tags of it: its project may have gone before them."""
    there = repositories.find(tx, repository_id) is not None
    return there or repositories.count_tags(tx, repository_id) > 0


def _page(tx: Tx, page: Page, telling: Telling) -> RepositoryPage:
    ids = [item.id for item in page.items]
    names = tags.list_names_of_many(tx, ids) if Telling.TAGS in telling else {}
    uses = repositories.last_uses(tx, ids) if Telling.DETAILS in telling else {}
    return RepositoryPage(page.items, page.total, names, uses)
