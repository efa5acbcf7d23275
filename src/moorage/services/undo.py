"""Taking destruction back: a tag, what a job removed, a repository; and ending that.

To restore is to point a tag at its manifest again, which is kept until the undo window
has passed. Collection may come first: then the image is gone, and that is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from moorage.domain.access import Principal
from moorage.domain.digest import Digest
from moorage.domain.errors import (
    ForbiddenError,
    RepositoryUnknownError,
    TagUnknownError,
)
from moorage.domain.history import (
    Cause,
    ImageGoneError,
    NeverTaggedError,
    RepositoryPresentError,
    TagPresentError,
)
from moorage.domain.jobs import (
    ItemOutcome,
    Job,
    JobItem,
    JobKind,
    NewJob,
    check_undoable,
)
from moorage.domain.manifest import TagDate
from moorage.domain.repositories import Repository, TagDetail
from moorage.domain.sizes import reach
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.ports.signals import JobSignal
from moorage.services import guards
from moorage.services.jobs import JobRun
from moorage.services.standing import may_administer
from moorage.store import (
    history,
    job_items,
    jobs,
    manifests,
    projects,
    repositories,
    sizes,
    tags,
)
from moorage.store.job_items import Planned
from moorage.store.times import from_us, to_us

BATCH = 5_000
"""Tags or manifests per transaction: others may write in between."""

_PRESENT = "It is there again."
_GONE = "Its image is gone."


class Undo:
    """Restores what was removed; who may is checked before, and again by the jobs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signal: JobSignal,
        *,
        undo_window: timedelta = timedelta(0),
        tag_date: TagDate = TagDate.CREATED,
    ) -> None:
        self._database = database
        self._clock = clock
        self._signal = signal
        self._undo_window = undo_window
        self._tag_date = tag_date

    async def restore_tag(
        self,
        repository_id: int,
        name: str,
        digest: Digest | None,
        principal: Principal,
    ) -> TagDetail:
        """Point a tag at what it pointed to before: the last image, or a given one.

        Raises:
            TagUnknownError: There never was such a tag.
            TagPresentError: It is there, and no digest is given.
            NeverTaggedError: It never pointed to this digest.
            ImageGoneError: The image was collected.
            ProtectedTagError, ImmutableTagError: A rule keeps the caller from it.
        """
        now = self._clock.now()
        cause = Cause(principal.actor, now, now + self._undo_window, restores=True)

        def body(tx: Tx) -> TagDetail:
            repository = repositories.find(tx, repository_id)
            if repository is not None:
                guards.check_tags(tx, principal, repository, [name], now)
            wanted = digest or _last_digest(tx, repository_id, name)
            if not history.pointed(tx, repository_id, name, wanted):
                raise NeverTaggedError
            facts = manifests.show_one(tx, repository_id, wanted)
            if facts is None:
                raise ImageGoneError
            tags.put(
                tx,
                repository_id,
                name,
                facts.id,
                digest=wanted,
                created_at=self._tag_date.of(facts.created_at, facts.pushed_at),
                total_bytes=facts.total_bytes,
                pushed_at=facts.pushed_at,
                cause=cause,
            )
            found = tags.find_detail(tx, repository_id, name)
            if found is None:
                raise TagUnknownError(tag=name)
            return found

        return await self._database.write(body)

    async def find_restorable(self, project_id: int, repository_id: int) -> Repository:
        """Return a repository of a project, deleted or not.

        Raises:
            RepositoryUnknownError: The project never had one of this id.
        """

        def body(tx: Tx) -> Repository | None:
            found = repositories.find(tx, repository_id)
            return found or repositories.find_deleted(tx, repository_id)

        found = await self._database.quick(body)
        if found is None or found.project_id != project_id:
            raise RepositoryUnknownError(id=repository_id)
        return found

    async def undo(self, job: Job, principal: Principal) -> int:
        """Have restored what a job removed; return the job that does it.

        Raises:
            JobUnfinishedError: It waits or runs.
            JobNotUndoableError: It removed nothing, or too long ago.
            RepositoryPresentError: It deleted a repository whose name is taken again.
        """
        check_undoable(job, self._undo_window, self._clock.now())
        return await self._schedule(
            job.repository_id or 0,
            int(job.arguments["project_id"]),
            {"removed_by": job.id},
            principal,
        )

    async def restore(
        self,
        repository: Repository,
        principal: Principal,
        *,
        at: datetime | None = None,
        removed_by: int | None = None,
    ) -> int:
        """Have the tags of a repository restored, and itself; return the job.

        Those that were there at a time, or that a job removed, or else all that were
        removed within the undo window. What is there again stays as it is.

        Raises:
            RepositoryPresentError: It was deleted, and its name is taken again.
        """
        what = {
            "at_us": None if at is None else to_us(at),
            "removed_by": removed_by,
        }
        return await self._schedule(
            repository.id, repository.project_id, what, principal
        )

    async def _schedule(
        self,
        repository_id: int,
        project_id: int,
        what: Mapping[str, int | None],
        principal: Principal,
    ) -> int:
        now = self._clock.now()
        given = {name: value for name, value in what.items() if value is not None}
        job = NewJob(
            kind=JobKind.RESTORE_TAGS,
            arguments={
                "project_id": project_id,
                "account_id": principal.account_id,
                **given,
            },
            actor=principal.actor,
            repository_id=repository_id,
            dedup_key=_key(JobKind.RESTORE_TAGS, repository_id, principal, given),
        )

        def body(tx: Tx) -> int:
            # Told at once where that is possible; the job looks again.
            _place_of(tx, repository_id)
            return jobs.enqueue(tx, job, now=now)

        job_id = await self._database.write(body)
        self._signal.notify()
        return job_id

    async def run_restore(self, run: JobRun) -> Mapping[str, Any]:
        """Bring back the repository, choose its tags once, point them one by one.

        The handler of ``JobKind.RESTORE_TAGS``.

        Raises:
            ForbiddenError: Who asked for it may no longer administer the images.
        """
        job, now = run.job, self._clock.now()
        if job.result is not None:
            # An attempt before this one found nothing. What was removed since stays so.
            return job.result
        total = await run.write(lambda tx: _begin(tx, job, now))
        if not total:
            total = await self._choose_once(run, now)
        for after in range(0, total, BATCH):
            await self._restore_some(run, after, total)
        skipped = await self._database.read(
            lambda tx: job_items.count_skipped(tx, job.id)
        )
        return {"restored": total - skipped, "skipped": skipped}

    async def _choose_once(self, run: JobRun, now: datetime) -> int:
        """Store what is to be restored; return how many tags."""
        job = run.job
        packed = await self._database.read(
            lambda tx: job_items.pack(self._choose(tx, job, now))
        )

        def body(tx: Tx) -> None:
            job_items.add(tx, job.id, packed, ItemOutcome.RESTORED)
            jobs.set_progress(tx, job.id, 0, packed.total)
            if not packed.total:
                jobs.set_result(tx, job.id, {"restored": 0, "skipped": 0})

        await run.write(body)
        return packed.total

    def _choose(self, tx: Tx, job: Job, now: datetime) -> list[Planned]:
        repository_id = job.repository_id or 0
        at_us, removed_by = (job.arguments.get(key) for key in ("at_us", "removed_by"))
        if removed_by is not None:
            return history.removed_by(tx, repository_id, removed_by)
        if at_us is not None:
            return history.missing(tx, repository_id, from_us(at_us))
        return history.removed_since(tx, repository_id, now - self._undo_window)

    async def _restore_some(self, run: JobRun, after: int, total: int) -> None:
        job, now = run.job, self._clock.now()
        repository_id = job.repository_id or 0
        cause = Cause(job.actor, now, now + self._undo_window, job.id, restores=True)

        def body(tx: Tx) -> None:
            items = job_items.list_page(tx, job.id, after=after, limit=BATCH)
            waiting = [item for item in items if item.outcome is ItemOutcome.PLANNED]
            if not waiting:
                return
            done = tags.restore_many(
                *(tx, repository_id, _wanted(waiting)), date=self._tag_date, cause=cause
            )
            restored, gone = set(done.names), set(done.gone)
            left = [item for item in waiting if item.name not in restored]
            lost = [item.position for item in left if item.name in gone]
            present = [item.position for item in left if item.name not in gone]
            job_items.skip(tx, job.id, lost, reason=_GONE)
            job_items.skip(tx, job.id, present, reason=_PRESENT)
            jobs.set_progress(tx, job.id, after + len(items), total)

        await run.write(body, durable=False)

    async def purge(self, repository: Repository, principal: Principal) -> int:
        """Have the undo window ended for what was deleted so far; return the job."""
        now = self._clock.now()
        job = NewJob(
            kind=JobKind.PURGE,
            arguments={
                "project_id": repository.project_id,
                "account_id": principal.account_id,
            },
            actor=principal.actor,
            repository_id=repository.id,
            dedup_key=_key(JobKind.PURGE, repository.id, principal, {}),
        )
        job_id = await self._database.write(lambda tx: jobs.enqueue(tx, job, now=now))
        self._signal.notify()
        return job_id

    async def run_purge(self, run: JobRun) -> Mapping[str, Any]:
        """Let go of what was deleted and nothing reaches, with all that it alone kept.

        The handler of ``JobKind.PURGE``.

        Raises:
            ForbiddenError: Who asked for it may no longer administer the images.
        """
        job, now = run.job, self._clock.now()
        repository_id = job.repository_id or 0

        def look(tx: Tx) -> list[int]:
            graph = sizes.keeping(tx, repository_id)
            alive = reach(
                [*tags.list_manifest_ids(tx, repository_id), *graph.pinned],
                graph.kept_by,
            )
            left = history.left_manifests(tx, repository_id, now=now)
            return sorted(reach(set(left) - alive, graph.kept_by) - alive)

        await run.write(lambda tx: _take_up(tx, job, now))
        leaving = await self._database.read(look)
        purged = 0
        for start in range(0, len(leaving), BATCH):
            purged += await self._let_go(run, leaving, start)
        return {"purged": purged}

    async def _let_go(self, run: JobRun, leaving: list[int], start: int) -> int:
        ids, now = leaving[start : start + BATCH], self._clock.now()

        def body(tx: Tx) -> int:
            jobs.set_progress(tx, run.job.id, start + len(ids), len(leaving))
            return history.let_go(tx, ids, leaving, now=now)

        return await run.write(body)


def _key(
    kind: JobKind, repository_id: int, principal: Principal, given: Mapping[str, int]
) -> str:
    """Name what somebody asks for, until a job begins with it."""
    return f"{kind}:{repository_id}:{principal.account_id}:{given}"


def _begin(tx: Tx, job: Job, now: datetime) -> int:
    """Bring the repository back; return how many tags were chosen to be restored."""
    _take_up(tx, job, now)
    repository_id = job.repository_id or 0
    place = _place_of(tx, repository_id)
    if place is not None:
        repositories.revive(tx, repository_id, *place)
    return job_items.count(tx, job.id)


def _last_digest(tx: Tx, repository_id: int, name: str) -> Digest:
    """Return what a tag that is not there pointed to."""
    if tags.find_detail(tx, repository_id, name) is not None:
        raise TagPresentError
    for event in history.list_of_tag(tx, repository_id, name, offset=0, limit=1):
        if event.previous_digest is not None:
            return Digest.parse(event.previous_digest)
    raise TagUnknownError(tag=name)


def _place_of(tx: Tx, repository_id: int) -> tuple[int, str] | None:
    """Return the namespace and path that a deleted repository comes back to.

    ``None`` for one that was not deleted.
    """
    repository = repositories.find_deleted(tx, repository_id)
    if repository is None:
        return None
    project = projects.find(tx, repository.project_id)
    if project is None:
        raise RepositoryUnknownError(id=repository_id)
    path = f"{project.full_path}/{repository.name}".rstrip("/").lower()
    if repositories.find_by_path(tx, path) is not None:
        raise RepositoryPresentError
    return project.namespace_id, path


def _take_up(tx: Tx, job: Job, now: datetime) -> None:
    """Begin with a job: who asks for the same from now on means what is there then."""
    jobs.release_key(tx, job.id)
    _check_right(tx, job, now)


def _check_right(tx: Tx, job: Job, now: datetime) -> None:
    project_id = int(job.arguments["project_id"])
    if not may_administer(tx, project_id, job.arguments["account_id"], now):
        raise ForbiddenError


def _wanted(items: list[JobItem]) -> dict[str, Digest]:
    return {item.name: Digest.stored(item.digest) for item in items}
