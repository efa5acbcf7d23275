"""Namespaces: groups, and what somebody's own projects are below."""

from __future__ import annotations

from starlette.responses import Response

from moorage.http.gitlab_v4 import entities
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import answer_page, page_of
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.shapes import Namespace, TakenPath
from moorage.services.pages import Window


class ListNamespaces(Parameters):
    """``GET /namespaces``."""

    search: str | None = None


class AskForPath(Parameters):
    """``GET /namespaces/:path/exists``."""

    parent_id: int | None = None


async def list_namespaces(call: Call) -> Response:
    """``GET /namespaces``."""
    call.sign_in()
    wanted, page = call.read(ListNamespaces), page_of(call)
    search = wanted.search.lower() if wanted.search else None
    listed = await call.context.namespaces.list_page(
        call.principal, search, Window(page.limit, page.offset)
    )
    shown = [entities.namespace(call.context, one) for one in listed.items]
    return answer_page(call, page, shown, listed.total)


async def show(call: Call) -> Response:
    """``GET /namespaces/:id``."""
    call.sign_in()
    found = await call.context.namespaces.get(call.principal, call.reference())
    return answer(entities.namespace(call.context, found))


async def ask_for_path(call: Call) -> Response:
    """``GET /namespaces/:path/exists``."""
    call.sign_in()
    wanted = call.read(AskForPath)
    free = await call.context.namespaces.free_instead(
        call.principal, call.text("path"), wanted.parent_id
    )
    body: TakenPath = {"exists": free is not None, "suggests": free or []}
    return answer(body)


ROUTES = (
    Route(
        "GET",
        "/namespaces",
        list_namespaces,
        Operation(
            "List namespaces", {200: list[Namespace]}, ListNamespaces, paged=True
        ),
    ),
    Route(
        "GET",
        "/namespaces/{id}",
        show,
        Operation("Show a namespace", {200: Namespace}),
    ),
    Route(
        "GET",
        "/namespaces/{path}/exists",
        ask_for_path,
        Operation("Ask whether a path is taken", {200: TakenPath}, AskForPath),
    ),
)
