"""Plans: see what a bulk delete or a policy would do, keep it, apply exactly that.

The order of checks is that of the bulk delete: see ``registry``.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from starlette.responses import Response

from moorage.domain.access import Ability
from moorage.domain.plans import Plan, PlanItem, Verdict
from moorage.domain.repositories import Repository
from moorage.domain.rules import RuleSet
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Bytes, Count, DigestText, Time
from moorage.http.gitlab_v4.images import readable, repository_of, require
from moorage.http.gitlab_v4.jobs import answer_job
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import Page, answer_page_in, page_of
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.registry_entities import JobEntity, row_time, tag_time
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.rules import (
    RuleParameters,
    RulesDocument,
    given_rules,
    read_rules,
)
from moorage.services.plans import Basis, Excerpt, PlanPage
from moorage.services.policies import Draft

_PLANS = "/projects/{id}/registry/repositories/{repository_id}/plans"
_PLAN = _PLANS + "/{plan_id}"


class ItemParameters(Parameters):
    """Which items of a plan are shown."""

    decision: Literal["keep", "delete"] | None = None


class PlanParameters(RuleParameters):
    """What to plan by: what a bulk delete takes, or a document of rules."""

    at_least_one_of = (("name_regex", "name_regex_delete", "rules", "policy_id"),)
    rules: RulesDocument | None = None


class PolicyParameters(Parameters):
    """The policy whose run is planned, by its own rules or by those that are given."""

    policy_id: int | None = None


class PlanSummaryEntity(TypedDict):
    """How many tags go and stay, and what comes free."""

    total: Count
    keep: Count
    delete: Count
    freed_bytes: Bytes


class PlanItemEntity(TypedDict):
    """What is decided about one tag, and why."""

    name: str
    digest: DigestText
    decision: Verdict
    rule: str
    reason: str
    created_at: Time
    pushed_at: Time
    last_pulled_at: Time | None
    total_size: Bytes
    exclusive_bytes: Bytes


class PlanHeadEntity(TypedDict):
    """A plan without its items; a preview has no id and does not expire."""

    id: int | None
    created_at: Time
    expires_at: Time | None
    job_id: int | None
    parameters: dict[str, Any]
    warnings: list[str]
    summary: PlanSummaryEntity


class PlanEntity(PlanHeadEntity):
    """A plan, and a page of its items."""

    items: list[PlanItemEntity]


async def create(call: Call) -> Response:
    """``POST /projects/:id/registry/repositories/:repository_id/plans``."""
    seen = await readable(call)
    rules, parameters = _read(call)
    page, excerpt = _excerpt(call)
    repository = await repository_of(call, seen)
    require(call, seen, Ability.ADMIN_IMAGE)
    service = call.context.plans
    made = await service.create(repository, rules, parameters, call.principal)
    found = await service.get(repository.id, made.id or 0, excerpt)
    response = _answer(call, page, found)
    response.status_code = 201
    response.headers["Location"] = _url(call, repository, made)
    return response


def _read(call: Call) -> tuple[Basis, dict[str, Any]]:
    """Read what to plan by: a policy that is or may be, or what a bulk delete takes."""
    policy_id = call.read(PolicyParameters).policy_id
    given = {} if policy_id is None else {"policy_id": policy_id}
    if "rules" in call.given:
        document = call.given["rules"]
        return Draft(RuleSet.parse(document), policy_id), {"rules": document, **given}
    if policy_id is not None:
        return Draft(None, policy_id), given
    wanted = call.read(RuleParameters)
    return read_rules(wanted), given_rules(wanted)


async def get(call: Call) -> Response:
    """``GET /projects/:id/registry/repositories/:repository_id/plans/:plan_id``."""
    seen = await readable(call)
    page, excerpt = _excerpt(call)
    repository = await repository_of(call, seen)
    require(call, seen, Ability.ADMIN_IMAGE)
    found = await call.context.plans.get(repository.id, call.number("plan_id"), excerpt)
    return _answer(call, page, found)


async def apply(call: Call) -> Response:
    """``POST …/registry/repositories/:repository_id/plans/:plan_id/apply``."""
    seen = await readable(call)
    repository = await repository_of(call, seen)
    require(call, seen, Ability.ADMIN_IMAGE)
    job_id = await call.context.plans.apply(
        repository, call.number("plan_id"), call.principal
    )
    return await answer_job(call, job_id)


async def answer_preview(
    call: Call, repository: Repository, wanted: RuleParameters
) -> Response:
    """Answer a bulk delete that is only to be shown."""
    page, excerpt = _excerpt(call)
    found = await call.context.plans.preview(
        repository, read_rules(wanted), given_rules(wanted), excerpt, call.principal
    )
    return _answer(call, page, found)


def _excerpt(call: Call) -> tuple[Page, Excerpt]:
    decision = call.read(ItemParameters).decision
    verdict = None if decision is None else Verdict(decision)
    page = page_of(call)
    return page, Excerpt(verdict, page.offset, page.limit)


def _answer(call: Call, page: Page, found: PlanPage) -> Response:
    items = [item_entity(item) for item in found.items]
    return answer_page_in(
        call, page, plan_entity(found.plan), "items", items, found.total
    )


def plan_entity(plan: Plan) -> PlanHeadEntity:
    """Show a plan without its items; a preview has no id and does not expire."""
    summary = plan.summary
    return {
        "id": plan.id,
        "created_at": row_time(plan.created_at),
        "expires_at": row_time(plan.expires_at),
        "job_id": plan.job_id,
        "parameters": dict(plan.parameters),
        "warnings": list(plan.warnings),
        "summary": {
            "total": summary.total,
            "keep": summary.keep,
            "delete": summary.delete,
            "freed_bytes": summary.freed_bytes,
        },
    }


def item_entity(item: PlanItem) -> PlanItemEntity:
    """Show what a plan says of one tag."""
    pulled = item.last_pulled_at
    return {
        "name": item.name,
        "digest": item.digest,
        "decision": item.verdict,
        "rule": str(item.rule),
        "reason": item.reason,
        "created_at": tag_time(item.created_at),
        "pushed_at": tag_time(item.pushed_at),
        "last_pulled_at": None if pulled is None else tag_time(pulled),
        "total_size": item.total_bytes,
        "exclusive_bytes": item.exclusive_bytes,
    }


def _url(call: Call, repository: Repository, plan: Plan) -> str:
    path = _PLAN.format(
        id=repository.project_id, repository_id=repository.id, plan_id=plan.id
    )
    return f"{call.context.external_url}/api/v4{path}"


ROUTES = (
    Route(
        "POST",
        _PLANS,
        create,
        Operation(
            "Plan a deletion by rules",
            {201: PlanEntity},
            (PlanParameters, PolicyParameters, ItemParameters),
            paged=True,
            located=True,
        ),
    ),
    Route(
        "GET",
        _PLAN,
        get,
        Operation("Show a plan", {200: PlanEntity}, ItemParameters, paged=True),
    ),
    Route(
        "POST",
        _PLAN + "/apply",
        apply,
        Operation(
            "Delete exactly what a plan says, by a job",
            {202: JobEntity},
            located=True,
            errors=(409,),
        ),
    ),
)
