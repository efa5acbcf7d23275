"""Protection rules for repositories and tags.

Parameters are read before it is asked who calls.

Source: GitLab registry API facts, "Protection rules for repositories", "Protection
rules for tags".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol, TypeAlias

from starlette.responses import Response

from moorage.domain.errors import ParameterError
from moorage.domain.protection import (
    NewRule,
    ProtectionLevel,
    ProtectionRule,
    RuleKind,
)
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.parameters import UNSET, Parameters, UnsetType
from moorage.http.gitlab_v4.registry_entities import Entity
from moorage.http.gitlab_v4.routing import Handler, Route

LevelName: TypeAlias = Literal["maintainer", "owner", "admin"]

_BASE = "/projects/{id}/registry/protection"

_PUSH = "minimum_access_level_for_push"
_DELETE = "minimum_access_level_for_delete"
_PATTERN = {
    RuleKind.REPOSITORY: "repository_path_pattern",
    RuleKind.TAG: "tag_name_pattern",
}


class _NewPathRule(Parameters, kw_only=True):
    at_least_one_of = ((_PUSH, _DELETE),)
    repository_path_pattern: str
    minimum_access_level_for_push: LevelName | None = None
    minimum_access_level_for_delete: LevelName | None = None


class _NewTagRule(Parameters, kw_only=True):
    tag_name_pattern: str
    minimum_access_level_for_push: LevelName
    minimum_access_level_for_delete: LevelName


class _NewImmutableRule(Parameters, kw_only=True):
    tag_name_pattern: str


class _Immutable(Parameters):
    immutable: bool = False


class _PathRuleChanges(Parameters):
    repository_path_pattern: str | UnsetType = UNSET
    minimum_access_level_for_push: LevelName | UnsetType | None = UNSET
    minimum_access_level_for_delete: LevelName | UnsetType | None = UNSET


class _TagRuleChanges(Parameters):
    tag_name_pattern: str | UnsetType = UNSET
    minimum_access_level_for_push: LevelName | UnsetType = UNSET
    minimum_access_level_for_delete: LevelName | UnsetType = UNSET


class RuleHandler(Protocol):
    """Answers a call about the rules of one kind."""

    async def __call__(self, call: Call, kind: RuleKind) -> Response:
        """Answer."""


async def list_rules(call: Call, kind: RuleKind) -> Response:
    """``GET /projects/:id/registry/protection/…/rules``.

    GitLab does not show immutable rules; ``immutable=true`` asks for them.
    """
    wanted = call.read(_Immutable).immutable
    found = await call.context.protection.list_rules(
        call.principal, call.reference(), kind
    )
    return answer([_entity(rule) for rule in found if rule.immutable is wanted])


async def create(call: Call, kind: RuleKind) -> Response:
    """``POST /projects/:id/registry/protection/…/rules``."""
    new = _new_tag_rule(call) if kind is RuleKind.TAG else _new_path_rule(call)
    made = await call.context.protection.create(call.principal, call.reference(), new)
    return answer(_entity(made), 201)


async def update(call: Call, kind: RuleKind) -> Response:
    """``PATCH /projects/:id/registry/protection/…/rules/:protection_rule_id``."""
    declaration = _TagRuleChanges if kind is RuleKind.TAG else _PathRuleChanges
    changed = await call.context.protection.update(
        call.principal,
        call.reference(),
        kind,
        call.number("protection_rule_id"),
        _changes(call.read(declaration), kind),
    )
    return answer(_entity(changed))


async def delete(call: Call, kind: RuleKind) -> Response:
    """``DELETE /projects/:id/registry/protection/…/rules/:protection_rule_id``."""
    await call.context.protection.delete(
        call.principal,
        call.reference(),
        kind,
        call.number("protection_rule_id"),
        unless_after=_unmodified_since(call),
    )
    return no_content()


def _new_path_rule(call: Call) -> NewRule:
    given = call.read(_NewPathRule)
    return NewRule(
        kind=RuleKind.REPOSITORY,
        pattern=given.repository_path_pattern,
        push_level=_level(given.minimum_access_level_for_push),
        delete_level=_level(given.minimum_access_level_for_delete),
    )


def _new_tag_rule(call: Call) -> NewRule:
    if call.read(_Immutable).immutable:
        if any(call.given.get(name) for name in (_PUSH, _DELETE)):
            names = f"immutable, {_PUSH}, {_DELETE}"
            raise ParameterError(f"{names} are mutually exclusive")
        pattern = call.read(_NewImmutableRule).tag_name_pattern
        return NewRule(kind=RuleKind.TAG, pattern=pattern, immutable=True)
    given = call.read(_NewTagRule)
    return NewRule(
        kind=RuleKind.TAG,
        pattern=given.tag_name_pattern,
        push_level=_level(given.minimum_access_level_for_push),
        delete_level=_level(given.minimum_access_level_for_delete),
    )


def _changes(given: Parameters, kind: RuleKind) -> Mapping[str, Any]:
    """Return the fields of a rule that are to change; a level may become none."""
    fields: dict[str, Any] = {}
    pattern = getattr(given, _PATTERN[kind])
    if pattern is not UNSET:
        fields["pattern"] = pattern
    for field, name in (("push_level", _PUSH), ("delete_level", _DELETE)):
        value = getattr(given, name)
        if value is not UNSET:
            fields[field] = _level(value)
    return fields


def _level(name: LevelName | None) -> ProtectionLevel | None:
    return None if name is None else ProtectionLevel[name.upper()]


def _unmodified_since(call: Call) -> datetime | None:
    """Read the condition's date; one that cannot be read is none."""
    text = call.request.headers.get("if-unmodified-since")
    if text is None:
        return None
    try:
        time = parsedate_to_datetime(text)
    except ValueError:
        return None
    return time.replace(tzinfo=time.tzinfo or UTC)


def _entity(rule: ProtectionRule) -> Entity:
    more: Entity = {"immutable": True} if rule.immutable else {}
    return {
        "id": rule.id,
        "project_id": rule.project_id,
        _PATTERN[rule.kind]: rule.pattern,
        _PUSH: _name(rule.push_level),
        _DELETE: _name(rule.delete_level),
        **more,
    }


def _name(level: ProtectionLevel | None) -> str | None:
    return None if level is None else level.name.lower()


def _routes(base: str, kind: RuleKind) -> tuple[Route, ...]:
    def of_kind(handler: RuleHandler) -> Handler:
        async def handle(call: Call) -> Response:
            return await handler(call, kind)

        return handle

    return (
        Route("GET", base, of_kind(list_rules)),
        Route("POST", base, of_kind(create)),
        Route("PATCH", base + "/{protection_rule_id}", of_kind(update)),
        Route("DELETE", base + "/{protection_rule_id}", of_kind(delete)),
    )


ROUTES = (
    *_routes(_BASE + "/repository/rules", RuleKind.REPOSITORY),
    *_routes(_BASE + "/rules", RuleKind.REPOSITORY),
    *_routes(_BASE + "/tag/rules", RuleKind.TAG),
)
