"""What is shown of projects to one caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.access import (
    Principal,
    ProjectAccess,
    Role,
)
from moorage.domain.accounts import Account
from moorage.domain.members import Share
from moorage.domain.policies import CleanupPolicy
from moorage.domain.projects import (
    Namespace,
    Project,
)
from moorage.ports.database import Tx
from moorage.services import policies, rights
from moorage.services.identity import access_to
from moorage.store import accounts, members, namespaces, shares


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project with what is shown of it to one caller.

    ``ancestry`` are the namespaces that it lies in, topmost first. ``project_level``
    and ``group_level`` are the caller's direct and inherited roles. ``shares`` are the
    groups that were invited to it.
    """

    project: Project
    ancestry: Sequence[Namespace]
    owner: Account | None
    project_level: Role
    group_level: Role
    cleanup_policy: CleanupPolicy
    shares: Sequence[Share] = ()

    @property
    def access(self) -> ProjectAccess:
        """What decides about the caller in the project."""
        return access_to(self.project, max(self.project_level, self.group_level))


def views(
    tx: Tx, principal: Principal, found: Sequence[Project], now: datetime
) -> list[ProjectView]:
    """Return what the caller is shown of projects."""
    namespace_ids = {project.namespace_id for project in found}
    chains = namespaces.chains(tx, sorted(namespace_ids))
    inherited = {
        namespace_id: rights.namespace_level(tx, principal, namespace_id, now)
        for namespace_id in namespace_ids
    }
    owners = accounts.find_many(
        tx, [chain[0].owner_id for chain in chains.values() if chain[0].owner_id]
    )
    cleanup = policies.cleanup_policies(tx, {p.id: p.created_at for p in found})
    ids = [project.id for project in found]
    invited = shares.of_projects(tx, ids, now)
    direct: dict[int, Role] = {}
    if principal.account_id is not None:
        direct = members.direct_levels(tx, ids, principal.account_id, now)
    return [
        ProjectView(
            project=project,
            ancestry=chains[project.namespace_id],
            owner=owners.get(chains[project.namespace_id][0].owner_id or 0),
            project_level=direct.get(project.id, Role.NONE),
            group_level=max(
                inherited[project.namespace_id],
                _invited_level(tx, principal, invited.get(project.id, ()), now),
            ),
            cleanup_policy=cleanup[project.id],
            shares=rights.visible_shares(
                tx, principal, invited.get(project.id, ()), now
            ),
        )
        for project in found
    ]


def _invited_level(
    tx: Tx, principal: Principal, invited: Sequence[Share], now: datetime
) -> Role:
    """Return the role that a caller has through groups invited to a project."""
    levels = (
        min(share.level, rights.namespace_level(tx, principal, share.group.id, now))
        for share in invited
    )
    return max(levels, default=Role.NONE)
