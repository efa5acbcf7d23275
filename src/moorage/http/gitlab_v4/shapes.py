"""The shapes of people, tokens, groups and projects in answers: see ``entities``.

Source: GitLab registry API facts, "Support resources".
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from moorage.domain.access import RegistryAccess, Visibility
from moorage.domain.accounts import AccountState
from moorage.domain.projects import NamespaceKind
from moorage.http.gitlab_v4.formats import Count, Day, Time, Uri


class BasicUser(TypedDict):
    """What everybody signed in may know of somebody."""

    id: int
    username: str
    public_email: str | None
    name: str
    state: AccountState
    locked: bool
    avatar_url: Uri | None
    web_url: Uri


class User(BasicUser):
    """Somebody on their own page."""

    created_at: Time
    bio: str
    location: str
    linkedin: str
    twitter: str
    website_url: str
    organization: str
    job_title: str
    bot: bool


class Administrator(TypedDict):
    """What only administrators are told of somebody."""

    is_admin: NotRequired[bool]


class FullUser(User, Administrator):
    """Somebody as they see themselves, and administrators see them."""

    last_sign_in_at: Time | None
    confirmed_at: Time
    email: str
    projects_limit: Count
    current_sign_in_at: Time | None
    identities: list[dict[str, Any]]
    can_create_group: bool
    can_create_project: bool
    two_factor_enabled: bool
    external: bool


class Invited(TypedDict):
    """Who made somebody a member, if that is known."""

    created_by: NotRequired[BasicUser]


class Member(BasicUser, Invited):
    """A membership."""

    access_level: int
    created_at: Time
    expires_at: Day | None
    membership_state: Literal["active"]


class AddedMembers(TypedDict):
    """Whether all of several became members, and what hindered which."""

    status: Literal["success", "error"]
    message: NotRequired[str]


class Membership(TypedDict):
    """Where somebody is a member."""

    source_id: int
    source_name: str
    source_type: Literal["Project", "Namespace"]
    access_level: int


class AccessToken(TypedDict):
    """A token without its secret; ``access_level`` is that of its bot if it has one."""

    id: int
    name: str
    revoked: bool
    created_at: Time
    description: str
    scopes: list[str]
    user_id: int | None
    last_used_at: Time | None
    active: bool
    expires_at: Day | None
    access_level: NotRequired[int]


class MadeAccessToken(AccessToken):
    """A new token, this once with its secret."""

    token: str


class Namespace(TypedDict):
    """A group, or what somebody's own projects are below."""

    id: int
    name: str
    path: str
    kind: NamespaceKind
    full_path: str
    parent_id: int | None
    avatar_url: Uri | None
    web_url: Uri


class TakenPath(TypedDict):
    """Whether a path is taken, and what is free instead."""

    exists: bool
    suggests: list[str]


class Group(TypedDict):
    """A group."""

    id: int
    web_url: Uri
    name: str
    path: str
    description: str
    visibility: Visibility
    share_with_group_lock: bool
    require_two_factor_authentication: bool
    two_factor_grace_period: int
    project_creation_level: str
    auto_devops_enabled: bool | None
    subgroup_creation_level: str
    emails_disabled: bool | None
    mentions_disabled: bool | None
    lfs_enabled: bool
    avatar_url: Uri | None
    request_access_enabled: bool
    full_name: str
    full_path: str
    created_at: Time
    parent_id: int | None


class PublicGroup(TypedDict):
    """As little of a group as is needed to choose it."""

    id: int
    web_url: Uri
    name: str
    avatar_url: Uri | None
    full_name: str
    full_path: str


class BasicProject(TypedDict):
    """What strangers see of a project, and who asks for the simple form."""

    id: int
    description: str
    name: str
    name_with_namespace: str
    path: str
    path_with_namespace: str
    created_at: Time
    default_branch: str | None
    tag_list: list[str]
    topics: list[str]
    ssh_url_to_repo: str | None
    http_url_to_repo: Uri
    web_url: Uri
    readme_url: Uri | None
    forks_count: Count
    avatar_url: Uri | None
    star_count: Count
    last_activity_at: Time
    namespace: Namespace


class CleanupPolicy(TypedDict):
    """GitLab's cleanup policy."""

    cadence: str
    enabled: bool
    keep_n: Count | None
    older_than: str | None
    name_regex: str | None
    name_regex_keep: str | None
    next_run_at: Time | None


class Access(TypedDict):
    """A role in a project or group."""

    access_level: int
    notification_level: int


class Permissions(TypedDict):
    """The roles of who calls."""

    project_access: Access | None
    group_access: Access | None


class InvitedGroup(TypedDict):
    """A group that was invited to a project or group."""

    group_id: int
    group_name: str
    group_full_path: str
    group_access_level: int
    expires_at: Day | None


class ProjectShare(TypedDict):
    """A group's invitation to a project."""

    id: int
    project_id: int
    group_id: int
    group_access: int
    expires_at: Day | None


class Statistics(TypedDict):
    """What a project takes up, in bytes."""

    commit_count: Count
    storage_size: Count
    repository_size: Count
    wiki_size: Count
    lfs_objects_size: Count
    job_artifacts_size: Count
    pipeline_artifacts_size: Count
    packages_size: Count
    snippets_size: Count
    uploads_size: Count
    container_registry_size: Count


class Owned(TypedDict):
    """Whose own a project is, if it is somebody's."""

    owner: NotRequired[BasicUser]


class Measured(TypedDict):
    """What a project takes up, for who asked and may know."""

    statistics: NotRequired[Statistics]


class Project(BasicProject, Owned, Measured):
    """A project, as somebody signed in sees it."""

    container_registry_image_prefix: str
    _links: dict[str, Uri]
    packages_enabled: bool
    empty_repo: bool
    archived: bool
    visibility: Visibility
    issues_enabled: bool
    merge_requests_enabled: bool
    wiki_enabled: bool
    jobs_enabled: bool
    snippets_enabled: bool
    container_registry_enabled: bool
    container_registry_access_level: RegistryAccess
    container_expiration_policy: CleanupPolicy
    creator_id: int | None
    shared_with_groups: list[InvitedGroup]
    permissions: Permissions


class GroupProjects(TypedDict):
    """The projects of a group."""

    projects: NotRequired[list[BasicProject | Project]]
    shared_projects: NotRequired[list[BasicProject | Project]]


class GroupDetail(Group, GroupProjects):
    """A group with its projects."""

    shared_with_groups: list[InvitedGroup]


class Accepted(TypedDict):
    """What GitLab says of what it will do later."""

    message: Literal["202 Accepted"]
