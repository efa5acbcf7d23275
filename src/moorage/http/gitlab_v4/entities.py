"""How people, tokens, groups and projects look: fields, their order and types.

Source: GitLab registry API facts, "Support resources".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from moorage.domain.access import Principal, RegistryAccess, Role
from moorage.domain.accounts import Account
from moorage.domain.members import JoinedPlace, Member, Share
from moorage.domain.policies import CleanupPolicy
from moorage.domain.projects import Namespace, NamespaceKind, Project
from moorage.domain.tokens import Token
from moorage.http.gitlab_v4 import shapes
from moorage.http.gitlab_v4.context import Context
from moorage.http.gitlab_v4.registry_entities import row_time
from moorage.services.group_views import GroupView
from moorage.services.minting import MadeToken
from moorage.services.project_views import ProjectView

# People and tokens


def basic_user(context: Context, account: Account) -> shapes.BasicUser:
    """Show what everybody signed in may know of somebody."""
    return {
        "id": account.id,
        "username": account.username,
        "public_email": None,
        "name": account.name,
        "state": account.state,
        "locked": False,
        "avatar_url": None,
        "web_url": f"{context.external_url}/{account.username}",
    }


def user(context: Context, account: Account) -> shapes.User:
    """Show somebody on their own page."""
    return {
        **basic_user(context, account),
        "created_at": row_time(account.created_at),
        "bio": "",
        "location": "",
        "linkedin": "",
        "twitter": "",
        "website_url": "",
        "organization": "",
        "job_title": "",
        "bot": account.bot,
    }


def full_user(
    context: Context, account: Account, *, for_admin: bool
) -> shapes.FullUser:
    """Show somebody to themselves, or to an administrator."""
    told: shapes.Administrator = {"is_admin": account.admin} if for_admin else {}
    return {
        **user(context, account),
        "last_sign_in_at": None,
        "confirmed_at": row_time(account.created_at),
        "email": account.email,
        "projects_limit": 0 if account.external else 100_000,
        "current_sign_in_at": None,
        "identities": [],
        "can_create_group": not account.external,
        "can_create_project": not account.external,
        "two_factor_enabled": False,
        "external": account.external,
        **told,
    }


def member(context: Context, one: Member) -> shapes.Member:
    """Show a membership, and who made it if that is known."""
    made_by: shapes.Invited = {}
    if one.created_by is not None:
        made_by["created_by"] = basic_user(context, one.created_by)
    return {
        **basic_user(context, one.account),
        "access_level": int(one.level),
        "created_at": row_time(one.created_at),
        **made_by,
        "expires_at": _day(one.expires_on),
        "membership_state": "active",
    }


def membership(one: JoinedPlace) -> shapes.Membership:
    """Show where somebody is a member."""
    return {
        "source_id": one.scope.place[1],
        "source_name": one.name,
        "source_type": "Namespace" if one.scope.project_id is None else "Project",
        "access_level": int(one.level),
    }


def token(one: Token, *, active: bool, level: Role | None = None) -> shapes.AccessToken:
    """Show a token; never its secret."""
    body: shapes.AccessToken = {
        "id": one.id,
        "name": one.name,
        "revoked": one.revoked_at is not None,
        "created_at": row_time(one.created_at),
        "description": one.description,
        "scopes": list(one.scopes),
        "user_id": one.account_id,
        "last_used_at": row_time(one.last_used_at),
        "active": active,
        "expires_at": one.expires_at.date().isoformat() if one.expires_at else None,
    }
    if level is not None:
        body["access_level"] = int(level)
    return body


def made_token(made: MadeToken) -> shapes.MadeAccessToken:
    """Show a new token, this once with its secret."""
    body = token(made.token, active=True, level=made.level)
    return {**body, "token": made.secret}


# Groups and projects


def namespace(context: Context, one: Namespace) -> shapes.Namespace:
    """Show a namespace of either kind."""
    return {
        "id": one.id,
        "name": one.name,
        "path": one.path,
        "kind": one.kind,
        "full_path": one.full_path,
        "parent_id": one.parent_id,
        "avatar_url": None,
        "web_url": _web_url(context, one),
    }


def _web_url(context: Context, one: Namespace) -> str:
    folder = "/groups" if one.kind is NamespaceKind.GROUP else ""
    return f"{context.external_url}{folder}/{one.full_path}"


def group(context: Context, view: GroupView) -> shapes.Group:
    """Show a group."""
    one = view.group
    return {
        "id": one.id,
        "web_url": _web_url(context, one),
        "name": one.name,
        "path": one.path,
        "description": one.description,
        "visibility": one.visibility,
        "share_with_group_lock": False,
        "require_two_factor_authentication": False,
        "two_factor_grace_period": 48,
        "project_creation_level": "maintainer",
        "auto_devops_enabled": None,
        "subgroup_creation_level": "maintainer",
        "emails_disabled": None,
        "mentions_disabled": None,
        "lfs_enabled": False,
        "avatar_url": None,
        "request_access_enabled": False,
        "full_name": _full_name(view.ancestry),
        "full_path": one.full_path,
        "created_at": row_time(one.created_at),
        "parent_id": one.parent_id,
    }


def public_group(context: Context, view: GroupView) -> shapes.PublicGroup:
    """Show as little of a group as is needed to choose it."""
    one = view.group
    return {
        "id": one.id,
        "web_url": _web_url(context, one),
        "name": one.name,
        "avatar_url": None,
        "full_name": _full_name(view.ancestry),
        "full_path": one.full_path,
    }


def _full_name(ancestry: Sequence[Namespace]) -> str:
    return " / ".join(one.name for one in ancestry)


def basic_project(context: Context, view: ProjectView) -> shapes.BasicProject:
    """Show what strangers see of a project, and who asks for the simple form."""
    one = view.project
    web_url = f"{context.external_url}/{one.full_path}"
    return {
        "id": one.id,
        "description": one.description,
        "name": one.name,
        "name_with_namespace": f"{_full_name(view.ancestry)} / {one.name}",
        "path": one.path,
        "path_with_namespace": one.full_path,
        "created_at": row_time(one.created_at),
        "default_branch": None,
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": None,
        "http_url_to_repo": f"{web_url}.git",
        "web_url": web_url,
        "readme_url": None,
        "forks_count": 0,
        "avatar_url": None,
        "star_count": 0,
        "last_activity_at": row_time(one.last_activity_at),
        "namespace": namespace(context, view.ancestry[-1]),
    }


def project(
    context: Context,
    view: ProjectView,
    principal: Principal,
    images_bytes: int | None = None,
) -> shapes.Project:
    """Show a project to somebody signed in; how large it is if that is given."""
    one = view.project
    return {
        **basic_project(context, view),
        "container_registry_image_prefix": image_prefix(context, one),
        "_links": _links(context, one),
        "packages_enabled": False,
        "empty_repo": True,
        "archived": one.archived_at is not None,
        "visibility": one.visibility,
        **_owner(context, view),
        "container_expiration_policy": _cleanup_policy(view.cleanup_policy),
        "issues_enabled": False,
        "merge_requests_enabled": False,
        "wiki_enabled": False,
        "jobs_enabled": False,
        "snippets_enabled": False,
        "container_registry_enabled": _registry_enabled(view, principal),
        "container_registry_access_level": one.registry_access,
        "creator_id": one.creator_id,
        "shared_with_groups": [invited_group(share) for share in view.shares],
        "permissions": {
            "project_access": _access(view.project_level),
            "group_access": _access(view.group_level),
        },
        **_measured(images_bytes),
    }


def invited_group(one: Share) -> shapes.InvitedGroup:
    """Show a group that was invited, to who sees where."""
    return {
        "group_id": one.group.id,
        "group_name": one.group.name,
        "group_full_path": one.group.full_path,
        "group_access_level": int(one.level),
        "expires_at": _day(one.expires_on),
    }


def project_share(one: Share) -> shapes.ProjectShare:
    """Show a new invitation to a project."""
    return {
        "id": one.id,
        "project_id": one.scope.place[1],
        "group_id": one.group.id,
        "group_access": int(one.level),
        "expires_at": _day(one.expires_on),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _measured(images_bytes: int | None) -> shapes.Measured:
    """Show what a project takes up: it has nothing but images."""
    if images_bytes is None:
        return {}
    statistics: shapes.Statistics = {
        "commit_count": 0,
        "storage_size": images_bytes,
        "repository_size": 0,
        "wiki_size": 0,
        "lfs_objects_size": 0,
        "job_artifacts_size": 0,
        "pipeline_artifacts_size": 0,
        "packages_size": 0,
        "snippets_size": 0,
        "uploads_size": 0,
        "container_registry_size": images_bytes,
    }
    return {"statistics": statistics}


def _owner(context: Context, view: ProjectView) -> shapes.Owned:
    return {} if view.owner is None else {"owner": basic_user(context, view.owner)}


def image_prefix(context: Context, one: Project) -> str:
    """Return what the names of a project's images begin with."""
    return f"{context.registry_host}/{one.full_path.lower()}"


def _links(context: Context, one: Project) -> dict[str, str]:
    own = f"{context.external_url}/api/v4/projects/{one.id}"
    return {
        "self": own,
        "members": f"{own}/members",
        "container_registry": f"{own}/registry/repositories",
    }


def _cleanup_policy(one: CleanupPolicy) -> shapes.CleanupPolicy:
    return {
        "cadence": one.cadence,
        "enabled": one.enabled,
        "keep_n": one.keep_n,
        "older_than": one.older_than,
        "name_regex": one.name_regex,
        "name_regex_keep": one.name_regex_keep,
        "next_run_at": row_time(one.next_run_at),
    }


def _registry_enabled(view: ProjectView, principal: Principal) -> bool:
    access = view.project.registry_access
    if access is RegistryAccess.PRIVATE:
        return principal.admin or view.access.level >= Role.REPORTER
    return access is RegistryAccess.ENABLED


def _access(level: Role) -> shapes.Access | None:
    if level is Role.NONE:
        return None
    return {"access_level": int(level), "notification_level": 3}
