"""Policies in the rule language, of projects and of groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypedDict, cast

from starlette.responses import Response

from moorage.domain.access import Ability, Role
from moorage.domain.durations import DurationInvalidError
from moorage.domain.errors import ForbiddenError, ParameterError
from moorage.domain.policies import Policy, parse_cadence
from moorage.domain.projects import Scope
from moorage.domain.rules import RuleSet, RulesInvalidError
from moorage.domain.texts import MAX_NAME_LENGTH
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import Name, Time
from moorage.http.gitlab_v4.images import readable, readable_group, require
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_slice
from moorage.http.gitlab_v4.parameters import UNSET, Parameters, UnsetType
from moorage.http.gitlab_v4.registry_entities import row_time
from moorage.http.gitlab_v4.routing import Handler, Route
from moorage.http.gitlab_v4.rules import RulesDocument
from moorage.services.policies import PolicyRequest


class _NewParameters(Parameters):
    name: Name
    cadence: str = "1d"
    enabled: bool = True


class _Changes(Parameters):
    at_least_one_of = (("name", "cadence", "enabled", "rules"),)
    name: Name | UnsetType = UNSET
    cadence: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class _Rules(Parameters):
    rules: RulesDocument


class _ChangedRules(Parameters):
    rules: RulesDocument | UnsetType = UNSET


class PolicyEntity(TypedDict):
    """A policy in the rule language; its rules as they were given."""

    id: int
    project_id: int | None
    group_id: int | None
    name: str
    enabled: bool
    cadence: str
    next_run_at: Time | None
    created_at: Time
    rules: RulesDocument


class PolicyHandler(Protocol):
    """Answers a call about the policies of a project or group."""

    async def __call__(self, call: Call, scope: Scope) -> Response:
        """Answer."""


async def list_policies(call: Call, scope: Scope) -> Response:
    """``GET …/registry/policies``."""
    found = await call.context.policies.list_of(scope)
    return answer_slice(call, [policy_entity(policy) for policy in found])


async def get(call: Call, scope: Scope) -> Response:
    """``GET …/registry/policies/:policy_id``."""
    found = await call.context.policies.get(scope, call.number("policy_id"))
    return answer(policy_entity(found))


async def create(call: Call, scope: Scope) -> Response:
    """``POST …/registry/policies``."""
    wanted = call.read(_NewParameters)
    if "rules" not in call.given:
        raise ParameterError("rules is missing")
    request = PolicyRequest(
        name=_name(wanted.name),
        rules=_rules(call),
        cadence=_cadence(wanted.cadence),
        enabled=wanted.enabled,
    )
    made = await call.context.policies.create(scope, request)
    return answer(policy_entity(made), 201)


async def update(call: Call, scope: Scope) -> Response:
    """``PUT …/registry/policies/:policy_id``."""
    changed = await call.context.policies.update(
        scope, call.number("policy_id"), _changes(call)
    )
    return answer(policy_entity(changed))


async def delete(call: Call, scope: Scope) -> Response:
    """``DELETE …/registry/policies/:policy_id``."""
    await call.context.policies.delete(scope, call.number("policy_id"))
    return no_content()


def _changes(call: Call) -> dict[str, Any]:
    wanted = call.read(_Changes)
    changes: dict[str, Any] = {}
    if not isinstance(wanted.name, UnsetType):
        changes["name"] = _name(wanted.name)
    if not isinstance(wanted.cadence, UnsetType):
        changes["cadence"] = _cadence(wanted.cadence)
    if not isinstance(wanted.enabled, UnsetType):
        changes["enabled"] = wanted.enabled
    if "rules" in call.given:
        changes["rules"] = _rules(call)
    return changes


def _rules(call: Call) -> Mapping[str, Any]:
    """Return a document of rules as it was given, once it was read."""
    document = call.given["rules"]
    RuleSet.parse(document)
    if not isinstance(document, dict):
        raise RulesInvalidError
    return document


def _name(text: str) -> str:
    if not text.strip():
        raise ParameterError("name is empty")
    if len(text) > MAX_NAME_LENGTH:
        raise ParameterError(f"name is longer than {MAX_NAME_LENGTH} characters")
    return text


def _cadence(text: str) -> str:
    try:
        parse_cadence(text)
    except DurationInvalidError:
        raise ParameterError("cadence does not have a valid value") from None
    return text


def policy_entity(policy: Policy) -> PolicyEntity:
    """Show a policy; its rules as they were given."""
    return {
        "id": policy.id,
        "project_id": policy.scope.project_id,
        "group_id": policy.scope.namespace_id,
        "name": policy.name,
        "enabled": policy.enabled,
        "cadence": policy.cadence,
        "next_run_at": row_time(policy.next_run_at),
        "created_at": row_time(policy.created_at),
        "rules": cast("RulesDocument", policy.rules),
    }


def _of_project(handler: PolicyHandler) -> Handler:
    async def handle(call: Call) -> Response:
        seen = await readable(call)
        require(call, seen, Ability.ADMIN_IMAGE)
        return await handler(call, Scope(project_id=seen.project.id))

    return handle


def _of_group(handler: PolicyHandler) -> Handler:
    async def handle(call: Call) -> Response:
        seen = await readable_group(call)
        if not call.principal.admin and seen.level < Role.MAINTAINER:
            raise ForbiddenError
        return await handler(call, Scope(namespace_id=seen.group.id))

    return handle


_ONE = "/{policy_id}"
_HANDLERS: tuple[tuple[str, str, PolicyHandler, Operation], ...] = (
    (
        "GET",
        "",
        list_policies,
        Operation("List policies", {200: list[PolicyEntity]}, paged=True),
    ),
    (
        "POST",
        "",
        create,
        Operation("Create a policy", {201: PolicyEntity}, (_NewParameters, _Rules)),
    ),
    ("GET", _ONE, get, Operation("Show a policy", {200: PolicyEntity})),
    (
        "PUT",
        _ONE,
        update,
        Operation("Change a policy", {200: PolicyEntity}, (_Changes, _ChangedRules)),
    ),
    ("DELETE", _ONE, delete, Operation("Delete a policy", {204: None})),
)

ROUTES = tuple(
    Route(method, f"/{folder}/{{id}}/registry/policies{path}", bind(handler), told)
    for folder, bind in (("projects", _of_project), ("groups", _of_group))
    for method, path, handler, told in _HANDLERS
)
