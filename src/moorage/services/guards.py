"""Protection rules at work: what they stop, looked up inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from moorage.domain.access import CredentialKind, Principal, seen_from
from moorage.domain.projects import Project
from moorage.domain.protection import (
    NOBODY,
    OPEN,
    ImmutableTagError,
    ProtectedTagError,
    ProtectionLevel,
    RuleKind,
    TagGuard,
    check_path_deletion,
    check_path_push,
    standing,
)
from moorage.domain.repositories import Repository
from moorage.ports.database import Tx
from moorage.services.identity import level_in
from moorage.store import accounts, members, projects, protection, repositories, tags

_PAGE = 1000
"""Names that are looked at in one go."""


def of_project(
    tx: Tx, principal: Principal, project_id: int, now: datetime
) -> TagGuard:
    """Return the tag rules of a project as they bind a caller."""
    rules = protection.list_rules(tx, project_id, RuleKind.TAG)
    if not rules:
        return OPEN
    return TagGuard(rules, _standing(tx, principal, project_id, now))


def of_repository(
    tx: Tx, principal: Principal, repository_id: int, now: datetime
) -> TagGuard:
    """Return the tag rules that bind a caller in a repository."""
    repository = repositories.find(tx, repository_id)
    if repository is None:
        return OPEN
    return of_project(tx, principal, repository.project_id, now)


def of_job(tx: Tx, project_id: int, account_id: int | None, now: datetime) -> TagGuard:
    """Return the tag rules as they bind who asked for a job; a policy is nobody."""
    rules = protection.list_rules(tx, project_id, RuleKind.TAG)
    if not rules:
        return OPEN
    account = None if account_id is None else accounts.find(tx, account_id)
    project = projects.find(tx, project_id)
    if account is None or project is None:
        return TagGuard(rules, NOBODY)
    if account.admin:
        return TagGuard(rules, ProtectionLevel.ADMIN)
    return TagGuard(rules, members.project_level(tx, project, account.id, now))


def check_tags(
    tx: Tx,
    principal: Principal,
    repository: Repository,
    names: Sequence[str],
    now: datetime,
) -> None:
    """Let pass a push of tags, or any other way to make or move them.

    Raises:
        ProtectedTagError, ImmutableTagError: A rule stops one of them.
    """
    if not names:
        return
    guard = of_project(tx, principal, repository.project_id, now)
    for name in names:
        exists = False
        if guard.immutable_by(name) is not None:
            # Of two that would both make it, one waits and finds it there.
            protection.lock_project(tx, repository.project_id)
            exists = tags.find_detail(tx, repository.id, name) is not None
        guard.check_push(name, exists=exists)


def check_push(
    tx: Tx, principal: Principal, project: Project, path: str, now: datetime
) -> None:
    """Let pass a push to a repository that no rule of its project stops.

    A deploy token, which is nobody's, is not stopped.

    Raises:
        ProtectedPathError: A rule stops it.

    Source: GitLab registry API facts, "Protection rules for repositories".
    """
    if principal.kind is CredentialKind.DEPLOY:
        return
    rules = protection.list_rules(tx, project.id, RuleKind.REPOSITORY)
    if rules:
        check_path_push(rules, path, _standing(tx, principal, project.id, now))


def check_deletion(
    tx: Tx, principal: Principal, repository: Repository, now: datetime
) -> None:
    """Let pass the deletion of a repository that no rule of its project stops.

    A tag rule stops it when there are any tags, whether or not it matches one of them;
    an immutable rule when it does.

    Raises:
        ProtectedRepositoryError, ProtectedTagError, ImmutableTagError: A rule stops it.
    """
    project_id = repository.project_id
    caller = _standing(tx, principal, project_id, now)
    rules = protection.list_rules(tx, project_id, RuleKind.REPOSITORY)
    check_path_deletion(rules, repository.path, caller)
    guard = TagGuard(protection.list_rules(tx, project_id, RuleKind.TAG), caller)
    if guard.stops_deletions and repository.tag_count:
        raise ProtectedTagError
    if guard.knows_immutable and _has_immutable(tx, repository.id, guard):
        raise ImmutableTagError


def _has_immutable(tx: Tx, repository_id: int, guard: TagGuard) -> bool:
    after, names = "", [""]
    while names:
        names = tags.list_names(tx, repository_id, after, _PAGE)
        if any(guard.immutable_by(name) is not None for name in names):
            return True
        after = names[-1] if names else after
    return False


def _standing(tx: Tx, principal: Principal, project_id: int, now: datetime) -> int:
    project = projects.find(tx, project_id)
    if project is None:
        return NOBODY
    seen = seen_from(principal, project_id)
    return standing(seen, level_in(tx, seen, project, now))
