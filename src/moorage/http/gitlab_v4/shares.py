"""Groups invited to projects and to other groups."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from moorage.domain.access import Role
from moorage.http.gitlab_v4 import entities
from moorage.http.gitlab_v4.answers import answer, no_content
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.groups import detail
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.projects import Level
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.shapes import GroupDetail, ProjectShare
from moorage.services.members import Place
from moorage.services.shares import Invitation


class InviteGroup(Parameters, kw_only=True):
    """``POST …/share``."""

    group_id: int
    group_access: Level
    expires_at: date | None = None

    @property
    def invitation(self) -> Invitation:
        """What is asked for."""
        return Invitation(self.group_id, Role(int(self.group_access)), self.expires_at)


async def share_project(call: Call) -> Response:
    """``POST /projects/:id/share``."""
    call.sign_in()
    wanted = call.read(InviteGroup)
    place = Place(is_group=False, reference=call.reference())
    made = await call.context.shares.create(call.principal, place, wanted.invitation)
    return answer(entities.project_share(made), 201)


async def share_group(call: Call) -> Response:
    """``POST /groups/:id/share``."""
    call.sign_in()
    wanted = call.read(InviteGroup)
    place = Place(is_group=True, reference=call.reference())
    await call.context.shares.create(call.principal, place, wanted.invitation)
    view = await call.context.groups.get(call.principal, call.reference())
    return answer(detail(call, view, {}), 201)


async def unshare_project(call: Call) -> Response:
    """``DELETE /projects/:id/share/:group_id``."""
    return await _unshare(call, is_group=False)


async def unshare_group(call: Call) -> Response:
    """``DELETE /groups/:id/share/:group_id``."""
    return await _unshare(call, is_group=True)


async def _unshare(call: Call, *, is_group: bool) -> Response:
    call.sign_in()
    place = Place(is_group, call.reference())
    await call.context.shares.delete(call.principal, place, call.number("group_id"))
    return no_content()


_TAKE_BACK = Operation("Take a group's invitation back", {204: None})

ROUTES = (
    Route(
        "POST",
        "/projects/{id}/share",
        share_project,
        Operation(
            "Invite a group to a project",
            {201: ProjectShare},
            InviteGroup,
            errors=(409,),
        ),
    ),
    Route("DELETE", "/projects/{id}/share/{group_id}", unshare_project, _TAKE_BACK),
    Route(
        "POST",
        "/groups/{id}/share",
        share_group,
        Operation(
            "Invite a group to a group", {201: GroupDetail}, InviteGroup, errors=(409,)
        ),
    ),
    Route("DELETE", "/groups/{id}/share/{group_id}", unshare_group, _TAKE_BACK),
)
