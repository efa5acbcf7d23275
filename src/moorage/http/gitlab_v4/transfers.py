"""Moving projects and groups, and the former paths of projects."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from moorage.domain.projects import ProjectMovedError
from moorage.http.gitlab_v4 import entities
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call, read_reference
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.shapes import Group, Project

_MOVED = "Non GET methods are not allowed for moved projects"


class TransferProject(Parameters, kw_only=True):
    """``PUT /projects/:id/transfer``."""

    namespace: str


class TransferGroup(Parameters):
    """``POST /groups/:id/transfer``."""

    group_id: int | None = None


async def transfer_project(call: Call) -> Response:
    """``PUT /projects/:id/transfer``."""
    call.sign_in()
    wanted = call.read(TransferProject)
    view = await call.context.transfers.move_project(
        call.principal, call.reference(), read_reference(wanted.namespace)
    )
    return answer(entities.project(call.context, view, call.principal))


async def transfer_project_into(call: Call) -> Response:
    """``POST /groups/:id/projects/:project_id``."""
    call.sign_in()
    seen = await call.context.groups.visible(call.principal, call.reference())
    await call.context.transfers.move_project(
        call.principal, call.reference("project_id"), seen.group.id
    )
    view = await call.context.groups.get(call.principal, seen.group.id)
    return answer(entities.group(call.context, view), 201)


async def transfer_group(call: Call) -> Response:
    """``POST /groups/:id/transfer``; without a ``group_id`` to the top."""
    call.sign_in()
    wanted = call.read(TransferGroup)
    view = await call.context.transfers.move_group(
        call.principal, call.reference(), wanted.group_id
    )
    return answer(entities.group(call.context, view), 201)


def render_moved(
    request: Request, external_url: str, moved: ProjectMovedError
) -> Response:
    """Answer who asked for a project by a former path: GET goes on by its number.

    Source: GitLab registry API facts, "Base and routing".
    """
    if request.method not in ("GET", "HEAD"):
        return answer({"message": _MOVED}, 405)
    path = request.scope["raw_path"].decode("ascii")
    before, _, rest = path.partition("/projects/")
    _, slash, after = rest.partition("/")
    query = request.scope["query_string"].decode("ascii", "replace")
    url = f"{external_url}{before}/projects/{moved.detail['project_id']}{slash}{after}"
    url += f"?{query}" if query else ""
    body = {"message": "This resource has been moved permanently"}
    return answer(body, 301, {"Location": url})


ROUTES = (
    Route(
        "PUT",
        "/projects/{id}/transfer",
        transfer_project,
        Operation(
            "Move a project to another namespace", {200: Project}, TransferProject
        ),
    ),
    Route(
        "POST",
        "/groups/{id}/projects/{project_id}",
        transfer_project_into,
        Operation("Move a project into a group", {201: Group}),
    ),
    Route(
        "POST",
        "/groups/{id}/transfer",
        transfer_group,
        Operation("Move a group into another", {201: Group}, TransferGroup),
    ),
)
