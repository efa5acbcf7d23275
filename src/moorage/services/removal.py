"""Projects that go with all their images.

What a project's repositories are is hidden at once; if they have many tags, a job
removes what is left of these. Their rows stay, for history, and belong to nothing.
"""

from __future__ import annotations

from datetime import datetime

from moorage.domain.access import Principal
from moorage.domain.events import Occasion, repository_deleted
from moorage.domain.history import Cause
from moorage.domain.jobs import JobKind, NewJob
from moorage.domain.projects import Project
from moorage.domain.repositories import Repository, RepositoryOwner
from moorage.ports.database import Tx
from moorage.services import guards
from moorage.store import (
    events,
    holds,
    jobs,
    projects,
    quotas,
    repositories,
    repository_lists,
    tags,
)

BATCH = 1000
"""Tags of a repository that go at once, and repositories that are read at once."""


def remove_project(
    tx: Tx, principal: Principal, project: Project, *, now: datetime
) -> None:
    """Remove a project, its members, tokens and path, and its repositories.

    Raises:
        HeldError: Something in a repository is held.
        ProtectedRepositoryError, ProtectedTagError, ImmutableTagError: A rule
            keeps one.
    """
    gone: list[Repository] = []
    owner = RepositoryOwner.project(project.id)
    while found := repository_lists.list_page(tx, owner, 0, BATCH):
        for repository in found:
            guards.check_deletion(tx, principal, repository, now)
            _remove(tx, principal, repository, now)
        gone += found
    repositories.leave_project(tx, project.id)
    quotas.forget_sums(tx, [project.namespace_id])
    # Whoever listened to the project alone goes with it.
    for repository in gone:
        by = Occasion(principal.username)
        events.record(tx, repository.id, [repository_deleted()], by, at=now)
    projects.delete(tx, project.id)


def _remove(
    tx: Tx, principal: Principal, repository: Repository, now: datetime
) -> None:
    cause = Cause(principal.actor, now, held_until=now)
    tags.delete_first(tx, repository.id, BATCH, cause=cause)
    repositories.hide(tx, repository.id, now=now)
    # Now that its row is locked: no hold is made any more, and no tag.
    for hold in holds.list_page(tx, repository.id, offset=0, limit=1, now=now):
        raise hold.refusal(f"{repository.path}:{hold.tag or hold.digest}")
    if repositories.count_tags(tx, repository.id):
        job = NewJob(
            kind=JobKind.DELETE_REPOSITORY,
            arguments={"project_id": repository.project_id},
            actor=principal.actor,
            repository_id=repository.id,
            dedup_key=f"{JobKind.DELETE_REPOSITORY}:{repository.id}",
        )
        jobs.enqueue(tx, job, now=now)
