"""Bulk deletion of tags: accept it, plan it once, work the plan off.

The plan is stored before the first tag goes. A run that is cut off goes on with it and
never plans again: rules such as ``keep_n`` applied to what is left would delete more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from moorage.domain.access import Principal
from moorage.domain.cleanup import BulkDelete, Rules, plan
from moorage.domain.digest import Digest
from moorage.domain.errors import CleanupTooSoonError, ForbiddenError
from moorage.domain.events import Occasion, tags_deleted
from moorage.domain.history import Cause, held_until
from moorage.domain.jobs import ItemOutcome, Job, JobItem, JobKind, NewJob
from moorage.domain.patterns import Pattern
from moorage.domain.protection import TagGuard
from moorage.domain.repositories import Repository
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.ports.signals import JobSignal
from moorage.services import guards, policies
from moorage.services.jobs import JobRun
from moorage.services.standing import may_administer
from moorage.store import (
    events,
    job_items,
    jobs,
    plans,
    repositories,
    tags,
    traits,
)
from moorage.store.job_items import Packed, Planned

BATCH = 5_000
"""Tags that one transaction removes: others may write in between.

They lie scattered over some indexes, as that by size: a small batch writes nearly as
many pages of them as a large one.
"""

_MICROSECOND = timedelta(microseconds=1)

_MOVED = "It was moved, removed, held or protected after the plan was made."


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a job's row keeps of who asked, and of the rules or the plan."""

    project_id: int
    account_id: int | None
    delete: str = ""
    keep: str | None = None
    keep_n: int = 0
    older_than_us: int | None = None
    plan_id: int | None = None
    policy_id: int | None = None

    @classmethod
    def of(cls, job: Job) -> Self:
        """Read what ``asdict`` wrote."""
        return cls(**job.arguments)

    @classmethod
    def from_rules(cls, rules: BulkDelete, principal: Principal) -> Self:
        """Keep rules for a job of any project."""
        older_than = rules.older_than
        return cls(
            project_id=0,
            account_id=principal.account_id,
            delete=rules.delete.text,
            keep=None if rules.keep is None else rules.keep.text,
            keep_n=rules.keep_n,
            older_than_us=None if older_than is None else older_than // _MICROSECOND,
        )

    @property
    def rules(self) -> BulkDelete:
        """The rules again."""
        older_than_us = self.older_than_us
        return BulkDelete(
            delete=Pattern.parse(self.delete),
            keep=None if self.keep is None else Pattern.parse(self.keep),
            keep_n=self.keep_n,
            older_than=(
                None if older_than_us is None else older_than_us * _MICROSECOND
            ),
        )


class Cleanup:
    """Bulk deletion, accepted once per interval and repository; zero is no limit."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signal: JobSignal,
        *,
        interval: timedelta = timedelta(hours=1),
        undo_window: timedelta = timedelta(0),
    ) -> None:
        self._database = database
        self._clock = clock
        self._signal = signal
        self._interval = interval
        self._undo_window = undo_window

    async def schedule(
        self, repository: Repository, rules: BulkDelete, principal: Principal
    ) -> int:
        """Have tags deleted by rules; return the job.

        Raises:
            CleanupTooSoonError: Another was accepted within the interval.
        """
        now = self._clock.now()
        arguments = Arguments.from_rules(rules, principal)
        job_id = await self._database.write(
            lambda tx: self.enqueue(tx, repository, arguments, principal.actor, now)
        )
        self._signal.notify()
        return job_id

    def enqueue(
        self,
        tx: Tx,
        repository: Repository,
        arguments: Arguments,
        actor: str,
        now: datetime,
    ) -> int:
        """Do the same in a transaction, for whoever asked.

        Raises:
            CleanupTooSoonError: Another was accepted within the interval.
        """
        job = NewJob(
            kind=JobKind.DELETE_TAGS,
            arguments=asdict(replace(arguments, project_id=repository.project_id)),
            actor=actor,
            repository_id=repository.id,
        )
        if self._interval and not repositories.accept_cleanup(
            tx, repository.id, interval=self._interval, now=now
        ):
            raise CleanupTooSoonError
        return jobs.enqueue(tx, job, now=now)

    async def delete(self, run: JobRun) -> Mapping[str, Any]:
        """Plan, unless that is done, then remove what is planned and has not moved.

        The handler of ``JobKind.DELETE_TAGS``.

        Raises:
            ForbiddenError: Who asked for it may no longer administer the images.
        """
        arguments, repository_id = Arguments.of(run.job), run.job.repository_id or 0
        await self._check_right(arguments)
        return await self._carry_out(run, repository_id, arguments)

    async def run_policy(self, run: JobRun) -> Mapping[str, Any]:
        """Do the same by the rules of a policy, which nobody asked for.

        The handler of ``JobKind.RUN_POLICY``.
        """
        arguments, repository_id = Arguments.of(run.job), run.job.repository_id or 0
        return await self._carry_out(run, repository_id, arguments)

    async def _carry_out(
        self, run: JobRun, repository_id: int, arguments: Arguments
    ) -> Mapping[str, Any]:
        if run.job.result is not None:
            # An attempt before this one found nothing to do. What came since is safe.
            return run.job.result
        total = await self._plan_once(run, repository_id, arguments)
        for after in range(0, total, BATCH):
            await self._delete_some(run, repository_id, after, total)
        skipped = await self._database.read(
            lambda tx: job_items.count_skipped(tx, run.job.id)
        )
        return {"deleted": total - skipped, "skipped": skipped}

    async def _check_right(self, arguments: Arguments) -> None:
        now = self._clock.now()

        def body(tx: Tx) -> bool:
            asked_for = arguments.project_id, arguments.account_id
            return may_administer(tx, *asked_for, now)

        if not await self._database.read(body):
            raise ForbiddenError

    async def _plan_once(
        self, run: JobRun, repository_id: int, arguments: Arguments
    ) -> int:
        """Store the plan, or find it stored; return how many tags are to go."""
        job_id = run.job.id
        total = await self._database.read(lambda tx: job_items.count(tx, job_id))
        if total:
            return total
        now = self._clock.now()

        # All of it on the thread that reads: requests are served meanwhile.
        def look(tx: Tx) -> Packed:
            return job_items.pack(_plan(tx, repository_id, arguments, now))

        packed = await self._database.read(look)

        def body(tx: Tx) -> None:
            job_items.add(tx, job_id, packed, ItemOutcome.DELETED)
            jobs.set_progress(tx, job_id, 0, packed.total)
            if not packed.total:
                jobs.set_result(tx, job_id, {"deleted": 0, "skipped": 0})
            if arguments.policy_id is not None:
                repositories.mark_policy_started(tx, repository_id, now=now)

        await run.write(body)
        return packed.total

    async def _delete_some(
        self, run: JobRun, repository_id: int, after: int, total: int
    ) -> None:
        job, now = run.job, self._clock.now()
        arguments = Arguments.of(job)
        cause = Cause(job.actor, now, held_until(now, self._undo_window), job.id)

        def body(tx: Tx) -> None:
            items = job_items.list_page(tx, job.id, after=after, limit=BATCH)
            waiting = [item for item in items if item.outcome is ItemOutcome.PLANNED]
            if not waiting:
                return
            guard = _guard(tx, arguments, now)
            free = [item for item in waiting if guard.allows_deletion(item.name)]
            deleted = tags.delete_many(tx, repository_id, _seen(free), cause=cause)
            gone = set(deleted)
            left = [item.position for item in waiting if item.name not in gone]
            job_items.skip(tx, job.id, left, reason=_MOVED)
            jobs.set_progress(tx, job.id, after + len(items), total)
            told = tags_deleted(deleted)
            events.record(tx, repository_id, told, Occasion(job.actor), at=now)

        await run.write(body, durable=False)


def _plan(
    tx: Tx, repository_id: int, arguments: Arguments, now: datetime
) -> list[Planned]:
    """Return what goes: by a stored plan, or by rules as things stand.

    In the order in which images came. So those lie together that go together: the tags
    of an image, and next to each other in most indexes.
    """
    if arguments.plan_id is not None:
        ids = tags.tagged_images(tx, repository_id)
        planned = plans.list_deletions(tx, arguments.plan_id)
        return sorted(planned, key=lambda item: ids.get(item[1], 0))
    rules = _rules(tx, arguments)
    facts = traits.list_facts(tx, repository_id, rules, now=now)
    decisions = plan(facts, rules, now, _guard(tx, arguments, now))
    going = [decision for decision in decisions if decision.delete]
    going.sort(key=lambda decision: decision.tag.manifest_id)
    return [
        (decision.tag.name, str(decision.tag.digest), decision.reason)
        for decision in going
    ]


def _rules(tx: Tx, arguments: Arguments) -> Rules:
    if arguments.policy_id is None:
        return arguments.rules
    return policies.rules_of(tx, arguments.policy_id, arguments.project_id)


def _guard(tx: Tx, arguments: Arguments, now: datetime) -> TagGuard:
    return guards.of_job(tx, arguments.project_id, arguments.account_id, now)


def _seen(items: list[JobItem]) -> dict[str, Digest]:
    return {item.name: Digest.stored(item.digest) for item in items}
