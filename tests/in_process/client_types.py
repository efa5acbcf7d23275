"""What clients with static types read answers into, and whether they can.

Written from GitLab's documents and from what the Go client, which ``glab`` and the
Terraform provider are made with, and Harbor's adapter declare of each field. These
ignore fields they do not know; a value of another type fails the whole answer.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Value = TypeVar("Value")

Zero: TypeAlias = Value | None
"""GitLab has null here, which Go reads as if nothing were there."""

Time = Annotated[datetime, Meta(tz=True)]


class BasicUser(Struct):
    id: int
    username: str
    name: str
    state: str
    locked: bool
    avatar_url: Zero[str]
    web_url: str
    public_email: Zero[str]


class User(BasicUser):
    created_at: Time
    bio: str
    location: str
    linkedin: str
    twitter: str
    website_url: str
    organization: str
    job_title: str
    bot: bool
    email: str | UnsetType = UNSET
    projects_limit: int | UnsetType = UNSET
    can_create_group: bool | UnsetType = UNSET
    can_create_project: bool | UnsetType = UNSET
    two_factor_enabled: bool | UnsetType = UNSET
    external: bool | UnsetType = UNSET
    is_admin: bool | UnsetType = UNSET
    identities: list[dict[str, str]] | UnsetType = UNSET
    confirmed_at: Time | UnsetType | None = UNSET
    last_sign_in_at: Time | UnsetType | None = UNSET
    current_sign_in_at: Time | UnsetType | None = UNSET


class Version(Struct):
    version: str
    revision: str


class Kas(Struct):
    enabled: bool
    externalUrl: Zero[str]  # noqa: N815 (GitLab's)
    externalK8sProxyUrl: Zero[str]  # noqa: N815 (likewise)
    version: Zero[str]


class Metadata(Version):
    kas: Kas
    enterprise: bool


class Member(BasicUser):
    access_level: int
    created_at: Time
    expires_at: date | None
    membership_state: str
    created_by: BasicUser | UnsetType = UNSET


class AddedMember(Struct):
    """A member; of several, what came of it, which Go reads into the same type."""

    id: int | UnsetType = UNSET
    username: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    access_level: int | UnsetType = UNSET
    created_at: Time | UnsetType = UNSET
    created_by: BasicUser | UnsetType = UNSET
    expires_at: date | UnsetType | None = UNSET
    status: str | UnsetType = UNSET
    message: str | UnsetType = UNSET


class Membership(Struct):
    source_id: int
    source_name: str
    source_type: str
    access_level: int


class PublicGroup(Struct):
    id: int
    name: str
    avatar_url: Zero[str]
    web_url: str
    full_name: str
    full_path: str


class AccessToken(Struct):
    id: int
    name: str
    revoked: bool
    created_at: Time
    description: Zero[str]
    scopes: list[str]
    user_id: int
    last_used_at: Time | None
    active: bool
    expires_at: date | None
    access_level: int | UnsetType = UNSET


class MadeAccessToken(AccessToken, kw_only=True):
    token: str


class DeployToken(Struct):
    id: int
    name: str
    username: str
    expires_at: Time | None
    revoked: bool
    expired: bool
    scopes: list[str]
    token: str | UnsetType = UNSET


class Namespace(Struct):
    id: int
    name: str
    path: str
    kind: str
    full_path: str
    parent_id: Zero[int]
    avatar_url: str | None
    web_url: str


class PathTaken(Struct):
    exists: bool
    suggests: list[str]


class InvitedGroup(Struct):
    group_id: int
    group_name: str
    group_full_path: str
    group_access_level: int
    expires_at: date | None


class CleanupPolicy(Struct):
    cadence: str
    keep_n: Zero[int]
    older_than: Zero[str]
    name_regex: Zero[str]
    name_regex_keep: Zero[str]
    enabled: bool
    next_run_at: Time | None


class Access(Struct):
    access_level: int
    notification_level: int


class Permissions(Struct):
    project_access: Access | None
    group_access: Access | None


class Links(Struct):
    self: str
    members: str | UnsetType = UNSET


class Statistics(Struct):
    commit_count: int
    storage_size: int
    repository_size: int
    wiki_size: int
    lfs_objects_size: int
    job_artifacts_size: int
    pipeline_artifacts_size: int
    packages_size: int
    snippets_size: int
    uploads_size: int
    container_registry_size: int


class BasicProject(Struct):
    id: int
    description: Zero[str]
    name: str
    name_with_namespace: str
    path: str
    path_with_namespace: str
    created_at: Time
    default_branch: Zero[str]
    tag_list: list[str]
    topics: list[str]
    ssh_url_to_repo: Zero[str]
    http_url_to_repo: str
    web_url: str
    readme_url: Zero[str]
    forks_count: int
    avatar_url: Zero[str]
    star_count: int
    last_activity_at: Time
    namespace: Namespace
    container_registry_image_prefix: str | UnsetType = UNSET
    links: Links | UnsetType = msgspec.field(name="_links", default=UNSET)
    packages_enabled: bool | UnsetType = UNSET
    empty_repo: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    visibility: str | UnsetType = UNSET
    owner: BasicUser | UnsetType = UNSET
    issues_enabled: bool | UnsetType = UNSET
    merge_requests_enabled: bool | UnsetType = UNSET
    wiki_enabled: bool | UnsetType = UNSET
    jobs_enabled: bool | UnsetType = UNSET
    snippets_enabled: bool | UnsetType = UNSET
    container_registry_enabled: bool | UnsetType = UNSET
    container_registry_access_level: str | UnsetType = UNSET
    container_expiration_policy: CleanupPolicy | UnsetType = UNSET
    creator_id: Zero[int] | UnsetType = UNSET
    shared_with_groups: list[InvitedGroup] | UnsetType = UNSET
    permissions: Permissions | UnsetType = UNSET
    statistics: Statistics | UnsetType = UNSET


class Project(BasicProject, kw_only=True):
    """What somebody signed in is shown, who did not ask for less."""

    container_registry_image_prefix: str
    links: Links = msgspec.field(name="_links")
    archived: bool
    visibility: str
    container_registry_enabled: bool
    container_registry_access_level: str
    container_expiration_policy: CleanupPolicy
    creator_id: Zero[int]
    shared_with_groups: list[InvitedGroup]
    permissions: Permissions


class Group(Struct):
    id: int
    web_url: str
    name: str
    path: str
    description: str
    visibility: str
    share_with_group_lock: bool
    require_two_factor_authentication: bool
    two_factor_grace_period: int
    project_creation_level: str
    auto_devops_enabled: Zero[bool]
    subgroup_creation_level: str
    emails_disabled: Zero[bool]
    mentions_disabled: Zero[bool]
    lfs_enabled: bool
    avatar_url: Zero[str]
    request_access_enabled: bool
    full_name: str
    full_path: str
    created_at: Time
    parent_id: Zero[int]
    shared_with_groups: list[InvitedGroup] | UnsetType = UNSET
    projects: list[BasicProject] | UnsetType = UNSET
    shared_projects: list[BasicProject] | UnsetType = UNSET


class ProjectShare(Struct):
    id: int
    project_id: int
    group_id: int
    group_access: int
    expires_at: date | None


class Tag(Struct):
    name: str
    path: str
    location: str


class TagDetail(Tag):
    revision: Zero[str]
    short_revision: Zero[str]
    digest: str
    created_at: Time | None
    total_size: Zero[int]


class Repository(Struct):
    id: int
    name: str
    path: str
    project_id: int
    location: str
    created_at: Time
    cleanup_policy_started_at: Time | None
    status: str | None
    tags_count: int | UnsetType = UNSET
    tags: list[Tag] | UnsetType = UNSET
    size: Zero[int] | UnsetType = UNSET
    delete_api_path: str | UnsetType = UNSET


class RepositoryRule(Struct):
    id: int
    project_id: int
    repository_path_pattern: str
    minimum_access_level_for_push: Zero[str]
    minimum_access_level_for_delete: Zero[str]


class TagRule(Struct):
    id: int
    project_id: int
    tag_name_pattern: str
    minimum_access_level_for_push: Zero[str]
    minimum_access_level_for_delete: Zero[str]


class Message(Struct):
    message: str


def _token_calls(owner: str) -> dict[str, Any]:
    base = f"{owner}/access_tokens"
    return {
        f"GET {base}": list[AccessToken],
        f"POST {base}": MadeAccessToken,
        f"GET {base}/{{token_id}}": AccessToken,
        f"POST {base}/{{token_id}}/rotate": MadeAccessToken,
    }


def _calls_of_both(owner: str) -> dict[str, Any]:
    members, tokens = f"{owner}/members", f"{owner}/deploy_tokens"
    return {
        **_token_calls(owner),
        f"GET {members}": list[Member],
        f"POST {members}": AddedMember,
        f"GET {members}/all": list[Member],
        f"GET {members}/all/{{user_id}}": Member,
        f"GET {members}/{{user_id}}": Member,
        f"PUT {members}/{{user_id}}": Member,
        f"GET {tokens}": list[DeployToken],
        f"POST {tokens}": DeployToken,
        f"GET {tokens}/{{token_id}}": DeployToken,
        f"DELETE {owner}": Message,
        f"GET {owner}/registry/repositories": list[Repository],
    }


def _rule_calls(kind: str, rule: type) -> dict[str, Any]:
    base = f"/projects/{{id}}/registry/protection/{kind}rules"
    return {
        f"GET {base}": list[rule],  # type: ignore[valid-type]
        f"POST {base}": rule,
        f"PATCH {base}/{{protection_rule_id}}": rule,
    }


_REPOSITORY = "/projects/{id}/registry/repositories/{repository_id}"
_PERSONAL = "/personal_access_tokens"

OF_CALLS: dict[str, Any] = {
    "GET /version": Version,
    "GET /metadata": Metadata,
    "GET /user": User,
    "GET /users": list[BasicUser],
    "POST /users": User,
    "GET /users/{id}": User,
    "PUT /users/{id}": User,
    **{
        f"POST /users/{{id}}/{verb}": bool
        for verb in ("block", "unblock", "deactivate", "activate", "ban", "unban")
    },
    "GET /users/{id}/memberships": list[Membership],
    "GET /users/{id}/projects": list[BasicProject],
    "POST /users/{user_id}/personal_access_tokens": MadeAccessToken,
    f"GET {_PERSONAL}": list[AccessToken],
    f"GET {_PERSONAL}/self": AccessToken,
    f"POST {_PERSONAL}/self/rotate": MadeAccessToken,
    f"GET {_PERSONAL}/{{id}}": AccessToken,
    f"POST {_PERSONAL}/{{id}}/rotate": MadeAccessToken,
    "GET /deploy_tokens": list[DeployToken],
    "GET /namespaces": list[Namespace],
    "GET /namespaces/{id}": Namespace,
    "GET /namespaces/{path}/exists": PathTaken,
    "GET /projects": list[BasicProject],
    "POST /projects": Project,
    "GET /projects/{id}": BasicProject,
    "PUT /projects/{id}": Project,
    "POST /projects/{id}/archive": Project,
    "POST /projects/{id}/unarchive": Project,
    "PUT /projects/{id}/transfer": Project,
    "POST /projects/{id}/share": ProjectShare,
    "GET /projects/{id}/users": list[BasicUser],
    "GET /projects/{id}/groups": list[PublicGroup],
    "GET /projects/{id}/invited_groups": list[PublicGroup],
    "GET /projects/{id}/share_locations": list[PublicGroup],
    "GET /projects/{id}/transfer_locations": list[PublicGroup],
    **_calls_of_both("/projects/{id}"),
    "GET /groups": list[Group],
    "POST /groups": Group,
    "GET /groups/{id}": Group,
    "PUT /groups/{id}": Group,
    "GET /groups/{id}/projects": list[BasicProject],
    "GET /groups/{id}/subgroups": list[Group],
    "GET /groups/{id}/descendant_groups": list[Group],
    "GET /groups/{id}/invited_groups": list[Group],
    "GET /groups/{id}/groups/shared": list[Group],
    "GET /groups/{id}/projects/shared": list[BasicProject],
    "GET /groups/{id}/transfer_locations": list[PublicGroup],
    "POST /groups/{id}/transfer": Group,
    "POST /groups/{id}/share": Group,
    "POST /groups/{id}/projects/{project_id}": Group,
    **_calls_of_both("/groups/{id}"),
    "GET /registry/repositories/{id}": Repository,
    f"DELETE {_REPOSITORY}": int,
    f"GET {_REPOSITORY}/tags": list[Tag],
    f"DELETE {_REPOSITORY}/tags": int,
    f"GET {_REPOSITORY}/tags/{{tag_name}}": TagDetail,
    f"DELETE {_REPOSITORY}/tags/{{tag_name}}": int,
    **_rule_calls("", RepositoryRule),
    **_rule_calls("repository/", RepositoryRule),
    **_rule_calls("tag/", TagRule),
}
"""GitLab's own calls that answer with something, and what."""

PREVIEW = (f"DELETE {_REPOSITORY}/tags", 200)
"""An addition to a call of GitLab's: no client of GitLab's meets it."""


def read(call: str, body: bytes) -> Any:
    """Read an answer as a client does.

    Raises:
        msgspec.ValidationError: It cannot.
    """
    return msgspec.json.decode(body, type=OF_CALLS[call])
