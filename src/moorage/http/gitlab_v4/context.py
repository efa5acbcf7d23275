"""What handlers work with: the services, and how the world addresses them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from moorage.services.cleanup import Cleanup
from moorage.services.deploy_tokens import DeployTokens
from moorage.services.garbage_queue import GarbageQueue
from moorage.services.group_lists import GroupLists
from moorage.services.groups import Groups
from moorage.services.history import History
from moorage.services.holds import Holds
from moorage.services.identity import Identity
from moorage.services.job_tokens import JobTokens
from moorage.services.jobs import Jobs
from moorage.services.members import Members
from moorage.services.namespaces import Namespaces
from moorage.services.plans import Plans
from moorage.services.policies import Policies
from moorage.services.project_lists import ProjectLists
from moorage.services.projects import Projects
from moorage.services.protection import Protection
from moorage.services.quotas import Quotas
from moorage.services.repositories import Repositories
from moorage.services.sessions import Sessions
from moorage.services.shares import Shares
from moorage.services.tag_lists import TagLists
from moorage.services.tags import Tags
from moorage.services.tokens import Tokens
from moorage.services.transfers import Transfers
from moorage.services.undo import Undo
from moorage.services.usage import UsageReports
from moorage.services.users import Users
from moorage.services.webhooks import Webhooks
from moorage.services.why import Why
from moorage.services.wide_cleanup import WideCleanup


@dataclass(frozen=True, kw_only=True)
class Context:
    """The services behind the API.

    ``external_url`` is what clients call, without a slash at its end;
    ``registry_host`` is what image names begin with.
    """

    external_url: str
    registry_host: str
    identity: Identity
    sessions: Sessions
    users: Users
    tokens: Tokens
    deploy_tokens: DeployTokens
    job_tokens: JobTokens
    groups: Groups
    group_lists: GroupLists
    namespaces: Namespaces
    projects: Projects
    project_lists: ProjectLists
    members: Members
    shares: Shares
    transfers: Transfers
    repositories: Repositories
    protection: Protection
    tags: Tags
    tag_lists: TagLists
    cleanup: Cleanup
    wide_cleanup: WideCleanup
    plans: Plans
    policies: Policies
    undo: Undo
    history: History
    jobs: Jobs
    webhooks: Webhooks
    holds: Holds
    why: Why
    garbage: GarbageQueue
    usage: UsageReports
    quotas: Quotas


def seen_at(context: Context, base_url: str | None) -> Context:
    """Address everything as a trusted proxy says that its client does."""
    if base_url is None:
        return context
    host = urlsplit(base_url).netloc
    return replace(context, external_url=base_url, registry_host=host)
