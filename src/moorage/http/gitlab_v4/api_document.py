"""The document of the API, and a page of it for people.

Both are public: they tell nothing about the instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from starlette.responses import Response

from moorage.http.gitlab_v4 import docs_page, openapi
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.routing import Route


def with_document(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Return the routes and, told of in it as well, those of their document."""
    documented: list[Route] = []
    documented += [*routes, *_routes(cache(lambda: openapi.document(documented)))]
    return tuple(documented)


def _routes(document: Callable[[], openapi.Document]) -> Iterable[Route]:
    async def show(call: Call) -> Response:
        """``GET /openapi.json``."""
        return answer({**document(), "servers": _servers(call)})

    async def show_page(call: Call) -> Response:
        """``GET /docs``."""
        text = docs_page.render({**document(), "servers": _servers(call)})
        headers = {"Content-Security-Policy": docs_page.SECURITY_POLICY}
        return Response(text, 200, headers, docs_page.MEDIA_TYPE)

    told = "Show this document, OpenAPI 3.1"
    return (
        Route(
            "GET",
            "/openapi.json",
            show,
            Operation(told, {200: dict[str, Any]}, anonymous=True),
            any_scope=True,
        ),
        Route(
            "GET",
            "/docs",
            show_page,
            Operation(
                "Show this document as a page for people",
                {200: str},
                anonymous=True,
                media_type="text/html",
            ),
            any_scope=True,
        ),
    )


def _servers(call: Call) -> list[dict[str, str]]:
    return [{"url": f"{call.context.external_url}/api/v4"}]
