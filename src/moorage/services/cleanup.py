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
from moorage.domain.cleanup import BulkDelete, Decision, Rules, TagFacts, plan
from moorage.domain.digest import Digest
from moorage.domain.errors import CleanupTooSoonError, ForbiddenError
from moorage.domain.events import Occasion, tags_deleted
from moorage.domain.history import Cause
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
from moorage.store import events, jobs, plans, repositories, tags, traits

BATCH = 1000
"""Tags that one transaction removes: others may write in between."""

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
        total = await self._plan_once(run, repository_id, arguments)
        await self._work_off(run, repository_id, total)
        outcomes = await self._database.read(
            lambda tx: jobs.count_outcomes(tx, run.job.id)
        )
        return {
            "deleted": outcomes.get(ItemOutcome.DELETED, 0),
            "skipped": outcomes.get(ItemOutcome.SKIPPED, 0),
        }

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
        total = await self._database.read(lambda tx: jobs.count_items(tx, job_id))
        if total:
            return total
        plan_id = arguments.plan_id
        if plan_id is not None:
            return await run.write(lambda tx: _take_over(tx, plan_id, job_id))
        now = self._clock.now()

        def look(tx: Tx) -> tuple[list[TagFacts], Rules, TagGuard]:
            rules = _rules(tx, arguments)
            facts = traits.list_facts(tx, repository_id, rules, now=now)
            return facts, rules, _guard(tx, arguments, now)

        facts, rules, guard = await self._database.read(look)
        decisions = plan(facts, rules, now, guard)
        planned = [_item(decision) for decision in decisions if decision.delete]

        def body(tx: Tx) -> None:
            jobs.add_items(tx, job_id, planned)
            jobs.set_progress(tx, job_id, 0, len(planned))
            if arguments.policy_id is not None:
                repositories.mark_policy_started(tx, repository_id, now=now)

        await run.write(body)
        return len(planned)

    async def _work_off(self, run: JobRun, repository_id: int, total: int) -> None:
        for after in range(0, total, BATCH):
            await self._delete_some(run, repository_id, after, total)

    async def _delete_some(
        self, run: JobRun, repository_id: int, after: int, total: int
    ) -> None:
        job, now = run.job, self._clock.now()
        arguments = Arguments.of(job)
        cause = Cause(job.actor, now, now + self._undo_window, job.id)

        def body(tx: Tx) -> None:
            items = jobs.list_items(tx, job.id, after=after, limit=BATCH)
            waiting = [item for item in items if item.outcome is ItemOutcome.PLANNED]
            if not waiting:
                return
            guard = _guard(tx, arguments, now)
            free = [item for item in waiting if guard.allows_deletion(item.name)]
            deleted = tags.delete_many(tx, repository_id, _seen(free), cause=cause)
            jobs.settle_items(tx, job.id, waiting, deleted, ItemOutcome.DELETED)
            jobs.skip_items(tx, job.id, waiting, reason=_MOVED)
            jobs.set_progress(tx, job.id, after + len(items), total)
            gone = tags_deleted(deleted)
            events.record(tx, repository_id, gone, Occasion(job.actor), at=now)

        await run.write(body)


def _rules(tx: Tx, arguments: Arguments) -> Rules:
    if arguments.policy_id is None:
        return arguments.rules
    return policies.rules_of(tx, arguments.policy_id, arguments.project_id)


def _guard(tx: Tx, arguments: Arguments, now: datetime) -> TagGuard:
    return guards.of_job(tx, arguments.project_id, arguments.account_id, now)


def _take_over(tx: Tx, plan_id: int, job_id: int) -> int:
    """Make the deletions of a stored plan those of a job; return how many."""
    plans.add_to_job(tx, plan_id, job_id)
    total = jobs.count_items(tx, job_id)
    jobs.set_progress(tx, job_id, 0, total)
    return total


def _item(decision: Decision) -> tuple[str, str, str]:
    return decision.tag.name, str(decision.tag.digest), decision.reason


def _seen(items: list[JobItem]) -> dict[str, Digest]:
    return {item.name: Digest.parse(item.digest) for item in items}
