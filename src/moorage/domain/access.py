"""Who may do what: roles, visibility, and the one place that decides."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum, auto


class Role(IntEnum):
    """An access level, as GitLab numbers them."""

    NONE = 0
    MINIMAL = 5
    GUEST = 10
    PLANNER = 15
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50


class Visibility(StrEnum):
    """Who sees a project or group at all."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"


class RegistryAccess(StrEnum):
    """Who may use a project's registry, within its visibility."""

    ENABLED = "enabled"
    PRIVATE = "private"
    DISABLED = "disabled"


class Ability(StrEnum):
    """Something one may be allowed to do to a project's images."""

    READ_IMAGE = auto()
    CREATE_IMAGE = auto()
    DESTROY_TAG = auto()
    ADMIN_IMAGE = auto()


class CredentialKind(StrEnum):
    """What a caller proved who they are with."""

    NONE = "none"
    PASSWORD = "password"  # noqa: S105 (a kind of credential, not one)
    PERSONAL = "personal"
    PROJECT = "project"
    GROUP = "group"
    DEPLOY = "deploy"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: an account or nobody, and the credentials they brought.

    ``scopes`` is empty for a password, which allows everything its account may.
    ``project_id`` or ``namespace_id`` names what a deploy token opens; a job's token
    has the project of its job.
    """

    account_id: int | None
    username: str | None
    admin: bool = False
    external: bool = False
    kind: CredentialKind = CredentialKind.NONE
    scopes: frozenset[str] = field(default_factory=frozenset)
    token_id: int | None = None
    project_id: int | None = None
    namespace_id: int | None = None

    @property
    def anonymous(self) -> bool:
        """Whether nobody signed in."""
        return self.kind is CredentialKind.NONE

    @property
    def actor(self) -> str:
        """The name that history and audit keep."""
        return self.username or "anonymous"

    def has_scope(self, *accepted: str) -> bool:
        """Whether the credentials carry one of these scopes, or need none."""
        return self.kind is CredentialKind.PASSWORD or not self.scopes.isdisjoint(
            accepted
        )


ANONYMOUS = Principal(account_id=None, username=None)

DEPLOY_LEVEL = Role.DEVELOPER
"""What a deploy token is in the projects that it opens: its scopes say the rest."""


def seen_from(principal: Principal, project_id: int) -> Principal:
    """Return what a caller is to a project.

    A job's token stands for its user in the project of the job; every other project
    takes it for an outsider.
    """
    if principal.kind is not CredentialKind.JOB or principal.project_id == project_id:
        return principal
    return replace(principal, account_id=None, admin=False, external=True)


@dataclass(frozen=True, slots=True)
class ProjectAccess:
    """What decides about a caller in a project.

    ``level`` is the highest of the direct and all inherited memberships.
    """

    visibility: Visibility
    registry_access: RegistryAccess
    level: Role
    archived: bool = False


_MINIMUM = {
    Ability.READ_IMAGE: Role.REPORTER,
    Ability.CREATE_IMAGE: Role.DEVELOPER,
    Ability.DESTROY_TAG: Role.DEVELOPER,
    Ability.ADMIN_IMAGE: Role.MAINTAINER,
}


def sees(principal: Principal, visibility: Visibility, level: Role) -> bool:
    """Whether a project or group exists for a caller.

    Source: GitLab registry API facts, "Permissions".
    """
    if principal.admin or level > Role.NONE:
        return True
    if visibility is Visibility.INTERNAL:
        return not principal.anonymous and not principal.external
    return visibility is Visibility.PUBLIC


def may(principal: Principal, ability: Ability, project: ProjectAccess) -> bool:
    """Whether a caller may do a thing to a project's images.

    Token scopes are checked apart: they limit a credential, not a person.

    Source: GitLab registry API facts, "Rights per action".
    """
    if project.registry_access is RegistryAccess.DISABLED:
        return False
    if project.archived and ability is not Ability.READ_IMAGE:
        return False
    if principal.admin or project.level >= _MINIMUM[ability]:
        return True
    return (
        ability is Ability.READ_IMAGE
        and project.registry_access is RegistryAccess.ENABLED
        and project.visibility is not Visibility.PRIVATE
        and sees(principal, project.visibility, project.level)
    )
