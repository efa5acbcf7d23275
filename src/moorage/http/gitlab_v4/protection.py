"""Protection rules for repositories and tags.

Parameters are read before it is asked who calls.

Source: GitLab registry API facts, "Protection rules for repositories", "Protection
rules for tags".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NotRequired, Protocol, TypeAlias, TypedDict

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
from moorage.http.gitlab_v4.formats import Filled
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.parameters import UNSET, Parameters, UnsetType
from moorage.http.gitlab_v4.routing import Handler, Route

LevelName: TypeAlias = Literal["maintainer", "owner", "admin"]

_LEVEL_NAMES: Mapping[ProtectionLevel, LevelName] = {
    ProtectionLevel.MAINTAINER: "maintainer",
    ProtectionLevel.OWNER: "owner",
    ProtectionLevel.ADMIN: "admin",
}

_BASE = "/projects/{id}/registry/protection"

_PUSH = "minimum_access_level_for_push"
_DELETE = "minimum_access_level_for_delete"
_PATTERN = {
    RuleKind.REPOSITORY: "repository_path_pattern",
    RuleKind.TAG: "tag_name_pattern",
}


class _NewPathRule(Parameters, kw_only=True):
    at_least_one_of = ((_PUSH, _DELETE),)
    repository_path_pattern: Filled
    minimum_access_level_for_push: LevelName | None = None
    minimum_access_level_for_delete: LevelName | None = None


class _NewTagRule(Parameters, kw_only=True):
    tag_name_pattern: Filled
    minimum_access_level_for_push: LevelName
    minimum_access_level_for_delete: LevelName


class _NewImmutableRule(Parameters, kw_only=True):
    tag_name_pattern: Filled


class _Immutable(Parameters):
    immutable: bool = False


class _PathRuleChanges(Parameters):
    repository_path_pattern: Filled | UnsetType = UNSET
    minimum_access_level_for_push: LevelName | UnsetType | None = UNSET
    minimum_access_level_for_delete: LevelName | UnsetType | None = UNSET


class _TagRuleChanges(Parameters):
    tag_name_pattern: Filled | UnsetType = UNSET
    minimum_access_level_for_push: LevelName | UnsetType = UNSET
    minimum_access_level_for_delete: LevelName | UnsetType = UNSET


class RepositoryRuleEntity(TypedDict):
    """A protection rule for repositories; null is nobody's level: not protected."""

    id: int
    project_id: int
    repository_path_pattern: str
    minimum_access_level_for_push: LevelName | None
    minimum_access_level_for_delete: LevelName | None


class TagRuleEntity(TypedDict):
    """A protection rule for tags; an immutable one has no levels."""

    id: int
    project_id: int
    tag_name_pattern: str
    minimum_access_level_for_push: LevelName | None
    minimum_access_level_for_delete: LevelName | None
    immutable: NotRequired[Literal[True]]


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


def _entity(rule: ProtectionRule) -> RepositoryRuleEntity | TagRuleEntity:
    if rule.kind is RuleKind.REPOSITORY:
        return {
            "id": rule.id,
            "project_id": rule.project_id,
            "repository_path_pattern": rule.pattern,
            "minimum_access_level_for_push": _name(rule.push_level),
            "minimum_access_level_for_delete": _name(rule.delete_level),
        }
    entity: TagRuleEntity = {
        "id": rule.id,
        "project_id": rule.project_id,
        "tag_name_pattern": rule.pattern,
        "minimum_access_level_for_push": _name(rule.push_level),
        "minimum_access_level_for_delete": _name(rule.delete_level),
    }
    if rule.immutable:
        entity["immutable"] = True
    return entity


def _name(level: ProtectionLevel | None) -> LevelName | None:
    return None if level is None else _LEVEL_NAMES[level]


class _NewTagRuleDocument(Parameters, kw_only=True):
    """Both levels are needed unless the rule is to be immutable."""

    tag_name_pattern: Filled
    minimum_access_level_for_push: LevelName | None = None
    minimum_access_level_for_delete: LevelName | None = None
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class _Kind:
    """What there is to tell about the rules of a kind."""

    entity: Any
    entities: Any
    new: type[Parameters]
    changes: type[Parameters]


_KINDS: Mapping[RuleKind, _Kind] = {
    RuleKind.REPOSITORY: _Kind(
        RepositoryRuleEntity, list[RepositoryRuleEntity], _NewPathRule, _PathRuleChanges
    ),
    RuleKind.TAG: _Kind(
        TagRuleEntity, list[TagRuleEntity], _NewTagRuleDocument, _TagRuleChanges
    ),
}


def _routes(base: str, kind: RuleKind) -> tuple[Route, ...]:
    told, rule = _KINDS[kind], base + "/{protection_rule_id}"

    def of_kind(handler: RuleHandler) -> Handler:
        async def handle(call: Call) -> Response:
            return await handler(call, kind)

        return handle

    return (
        Route(
            "GET",
            base,
            of_kind(list_rules),
            Operation("List protection rules", {200: told.entities}, _Immutable),
        ),
        Route(
            "POST",
            base,
            of_kind(create),
            Operation(
                "Create a protection rule",
                {201: told.entity},
                told.new,
                errors=(422,),
            ),
        ),
        Route(
            "PATCH",
            rule,
            of_kind(update),
            Operation(
                "Change a protection rule",
                {200: told.entity},
                told.changes,
                errors=(422,),
            ),
        ),
        Route(
            "DELETE",
            rule,
            of_kind(delete),
            Operation("Delete a protection rule", {204: None}, errors=(412,)),
        ),
    )


ROUTES = (
    *_routes(_BASE + "/repository/rules", RuleKind.REPOSITORY),
    *_routes(_BASE + "/rules", RuleKind.REPOSITORY),
    *_routes(_BASE + "/tag/rules", RuleKind.TAG),
)
