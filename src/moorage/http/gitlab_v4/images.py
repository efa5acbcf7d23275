"""What a call about images is about: the project and the repository in it."""

from __future__ import annotations

from moorage.domain.access import Ability, CredentialKind, Role, may
from moorage.domain.errors import ForbiddenError
from moorage.domain.repositories import Repository
from moorage.http.gitlab_v4.call import Call
from moorage.services.rights import VisibleGroup, VisibleProject

_OTHER_PROJECT = (
    "This project's CI/CD job token cannot be used to authenticate with the container "
    "registry of a different project."
)


async def readable(call: Call) -> VisibleProject:
    """Find the project of a call, whose images the caller may read.

    Raises:
        ProjectUnknownError: There is none that the caller sees.
        ForbiddenError: They see it, but not its images; or theirs is the token of
            another project's job.
    """
    if call.principal.kind is CredentialKind.JOB:
        seen = await _project_of_job(call)
    else:
        seen = await call.context.projects.visible(call.principal, call.reference())
    require(call, seen, Ability.READ_IMAGE)
    return seen


async def _project_of_job(call: Call) -> VisibleProject:
    """Find the project of a job's token; every other one is refused unseen."""
    own = call.principal.project_id or 0
    seen = await call.context.projects.visible(call.principal, own)
    wanted = call.reference()
    if isinstance(wanted, str):
        wanted = wanted.lower()
    if wanted not in (own, seen.project.full_path.lower()):
        raise ForbiddenError(_OTHER_PROJECT)
    return seen


async def readable_group(call: Call) -> VisibleGroup:
    """Find the group of a call, whose images the caller may read.

    Raises:
        GroupUnknownError: There is none that the caller sees.
        ForbiddenError: They see it, but are no Reporter in it.
    """
    seen = await call.context.groups.visible(call.principal, call.reference())
    if not call.principal.admin and seen.level < Role.REPORTER:
        raise ForbiddenError
    return seen


async def repository_of(call: Call, seen: VisibleProject) -> Repository:
    """Find the repository of a call in its project.

    Raises:
        RepositoryUnknownError: The project has none of this id.
    """
    return await call.context.repositories.get(
        seen.project.id, call.number("repository_id")
    )


def require(call: Call, seen: VisibleProject, ability: Ability) -> None:
    """Let pass who may do this to the project's images.

    Raises:
        ForbiddenError: The caller may not.
    """
    if not may(call.principal, ability, seen.access):
        raise ForbiddenError
