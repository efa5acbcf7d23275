"""Plans: see what rules would delete, keep it, apply exactly that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from moorage.domain.access import ANONYMOUS, Principal
from moorage.domain.cleanup import Decision, Rule, Rules, plan, warnings
from moorage.domain.jobs import JobKind, NewJob
from moorage.domain.plans import (
    LIFETIME,
    Plan,
    PlanItem,
    PlanSummary,
    PlanUnknownError,
    Verdict,
)
from moorage.domain.protection import TagGuard
from moorage.domain.repositories import Repository
from moorage.domain.sizes import Keeping
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.ports.signals import JobSignal
from moorage.services import guards
from moorage.services.policies import Draft
from moorage.store import jobs, plans, sizes, traits

BATCH = 10_000
"""Items that one transaction stores: others may write in between."""


Basis: TypeAlias = Rules | Draft
"""What is planned by: rules for whoever asks, or those of a policy, which is nobody."""


@dataclass(frozen=True, slots=True)
class PlanPage:
    """A plan and some of its items; ``total`` counts those of all pages."""

    plan: Plan
    items: Sequence[PlanItem]
    total: int


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Which items of a plan are asked for: some of all, or of those of a verdict."""

    verdict: Verdict | None
    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class _Survey:
    """What the planner decided, with all that sizes are computed from."""

    plan: Plan
    decisions: Sequence[Decision]
    graph: Keeping


class Plans:
    """What rules would do, and doing exactly that; who may is checked before.

    Applying a plan neither needs nor takes the interval between bulk deletes: it is
    done once, to what was looked at.
    """

    def __init__(self, database: Database, clock: Clock, signal: JobSignal) -> None:
        self._database = database
        self._clock = clock
        self._signal = signal

    async def preview(
        self,
        repository: Repository,
        basis: Basis,
        parameters: Mapping[str, Any],
        excerpt: Excerpt,
        principal: Principal = ANONYMOUS,
    ) -> PlanPage:
        """Plan and show, and store nothing: nobody's plan keeps all protected tags.

        Raises:
            PolicyUnknownError: There is no such policy over the repository.
        """
        now = self._clock.now()

        def body(tx: Tx) -> PlanPage:
            terms = _terms(tx, basis, repository.project_id, principal, now)
            survey = _survey(tx, repository.id, terms, parameters, now)
            chosen = _choose(survey.decisions, excerpt.verdict)
            shown = chosen[excerpt.offset : excerpt.offset + excerpt.limit]
            return PlanPage(
                survey.plan, _items(tx, repository.id, survey, shown), len(chosen)
            )

        return await self._database.read(body)

    async def create(
        self,
        repository: Repository,
        basis: Basis,
        parameters: Mapping[str, Any],
        principal: Principal,
    ) -> Plan:
        """Plan, and store all of it.

        Raises:
            PolicyUnknownError: There is no such policy over the repository.
        """
        now = self._clock.now()
        expires_at = now + LIFETIME

        def look(tx: Tx) -> tuple[Plan, list[PlanItem]]:
            terms = _terms(tx, basis, repository.project_id, principal, now)
            survey = _survey(tx, repository.id, terms, parameters, now)
            return survey.plan, _items(
                tx, repository.id, survey, range(len(survey.decisions))
            )

        made, items = await self._database.read(look)

        plan_id = await self._database.write(
            lambda tx: plans.create(
                tx, made, actor=principal.actor, expires_at=expires_at
            ),
            durable=False,
        )
        for first in range(0, len(items), BATCH):
            await self._add_items(plan_id, first, items[first : first + BATCH])
        await self._database.write(lambda tx: plans.complete(tx, plan_id, made.summary))
        return replace(made, id=plan_id, expires_at=expires_at)

    async def _add_items(
        self, plan_id: int, first: int, items: Sequence[PlanItem]
    ) -> None:
        await self._database.write(
            lambda tx: plans.add_items(tx, plan_id, first, items), durable=False
        )

    async def get(self, repository_id: int, plan_id: int, excerpt: Excerpt) -> PlanPage:
        """Return a stored plan and some of its items.

        Raises:
            PlanUnknownError: The repository has none of this id.
        """

        def body(tx: Tx) -> PlanPage:
            found = plans.find(tx, repository_id, plan_id)
            if found is None:
                raise PlanUnknownError
            items = plans.list_items(
                tx,
                plan_id,
                excerpt.verdict,
                offset=excerpt.offset,
                limit=excerpt.limit,
            )
            return PlanPage(found, items, _total(found.summary, excerpt.verdict))

        return await self._database.read(body)

    async def apply(
        self, repository: Repository, plan_id: int, principal: Principal
    ) -> int:
        """Have the tags deleted that a plan says, where they have not moved since.

        Returns the job.

        Raises:
            PlanUnknownError: The repository has no such plan.
            PlanExpiredError: It is too old.
            PlanAppliedError: It was applied.
        """
        now = self._clock.now()
        job = NewJob(
            kind=JobKind.DELETE_TAGS,
            arguments={
                "project_id": repository.project_id,
                "account_id": principal.account_id,
                "plan_id": plan_id,
            },
            actor=principal.actor,
            repository_id=repository.id,
        )

        def body(tx: Tx) -> int:
            found = plans.lock(tx, repository.id, plan_id)
            if found is None:
                raise PlanUnknownError
            found.check_applicable(now)
            job_id = jobs.enqueue(tx, job, now=now)
            plans.mark_applied(tx, plan_id, job_id)
            return job_id

        job_id = await self._database.write(body)
        self._signal.notify()
        return job_id


def _terms(
    tx: Tx, basis: Basis, project_id: int, principal: Principal, now: datetime
) -> tuple[Rules, TagGuard]:
    """Return what rules decide, and what no rule may delete."""
    if isinstance(basis, Draft):
        nobody = guards.of_job(tx, project_id, None, now)
        return basis.rules_in(tx, project_id), nobody
    return basis, guards.of_project(tx, principal, project_id, now)


def _survey(
    tx: Tx,
    repository_id: int,
    terms: tuple[Rules, TagGuard],
    parameters: Mapping[str, Any],
    now: datetime,
) -> _Survey:
    rules, guard = terms
    facts = traits.list_facts(tx, repository_id, rules, now=now)
    decisions = plan(facts, rules, now, guard)
    graph = sizes.keeping(tx, repository_id)
    going = [each.tag.manifest_id for each in decisions if each.rule is Rule.DELETE]
    staying = [
        each.tag.manifest_id for each in decisions if each.rule is not Rule.DELETE
    ]
    deleted = len(going)
    summary = PlanSummary(
        total=len(decisions),
        keep=len(decisions) - deleted,
        delete=deleted,
        freed_bytes=sizes.freed_bytes(
            tx, repository_id, graph, staying=staying, going=going
        ),
    )
    made = Plan(None, repository_id, parameters, warnings(rules), summary, now, None)
    return _Survey(made, decisions, graph)


def _choose(decisions: Sequence[Decision], verdict: Verdict | None) -> Sequence[int]:
    """Return the places of the decisions of a verdict."""
    if verdict is None:
        return range(len(decisions))
    wanted = verdict is Verdict.DELETE
    return [at for at, each in enumerate(decisions) if each.delete is wanted]


def _items(
    tx: Tx, repository_id: int, survey: _Survey, places: Iterable[int]
) -> list[PlanItem]:
    shown = list(places)
    pointers = [each.tag.manifest_id for each in survey.decisions]
    exclusive = sizes.exclusive_bytes(tx, repository_id, survey.graph, pointers, shown)
    return [_item(survey.decisions[at], exclusive.get(at, 0)) for at in shown]


def _item(decision: Decision, exclusive_bytes: int) -> PlanItem:
    tag = decision.tag
    return PlanItem(
        name=tag.name,
        digest=str(tag.digest),
        verdict=Verdict.DELETE if decision.delete else Verdict.KEEP,
        rule=decision.rule,
        reason=decision.reason,
        created_at=tag.created_at,
        pushed_at=tag.pushed_at,
        last_pulled_at=tag.last_pulled_at,
        total_bytes=tag.total_size,
        exclusive_bytes=exclusive_bytes,
    )


def _total(summary: PlanSummary, verdict: Verdict | None) -> int:
    if verdict is None:
        return summary.total
    return summary.delete if verdict is Verdict.DELETE else summary.keep
