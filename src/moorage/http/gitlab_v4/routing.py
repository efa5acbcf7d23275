"""Which handler answers: a table of routes, looked up on undecoded paths.

A path arrives as the client spelt it, so that ``group%2Fproject`` is one segment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

from starlette.responses import Response

from moorage.domain.errors import InvalidError, NotFoundError, UnsupportedError
from moorage.http.gitlab_v4.operations import Operation

if TYPE_CHECKING:
    from moorage.http.gitlab_v4.call import Call

Handler: TypeAlias = "Callable[[Call], Awaitable[Response]]"


_FOR_JOBS = "/projects/{id}/registry/repositories"


class RouteUnknownError(NotFoundError):
    """No route has this path."""

    message = "404 Not Found"


class MethodNotAllowedError(UnsupportedError):
    """The path has routes, none for this method. ``detail["allow"]`` lists theirs."""

    message = "405 Not Allowed"


class PathInvalidError(InvalidError):
    """A path that decodes to what no name can hold."""

    message = "invalid path"


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path below ``/api/v4``, with parameters as ``{name}``.

    ``operation`` is what the document of the API tells of it. ``scopes`` are accepted
    of a token besides ``api``, and ``read_api`` on GET; ``any_scope`` accepts them all.
    """

    method: str
    path: str
    handler: Handler
    operation: Operation
    scopes: tuple[str, ...] = ()
    any_scope: bool = False

    @property
    def for_jobs(self) -> bool:
        """Whether the tokens of CI jobs are accepted: for their project's images.

        Source: GitLab registry API facts, "Authentication of the REST API".
        """
        return self.path.startswith(_FOR_JOBS)


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class RouteTable:
    """Every route, as a tree of segments: a look-up costs what the path is long."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in _segments(route.path):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"{route.method} {route.path} stands in the table twice")
        node.routes[route.method] = route

    def find(self, method: str, raw_path: str) -> tuple[Route, Mapping[str, str]]:
        """Return the route and the decoded parameters of its path.

        A segment spelt out goes before a parameter. HEAD is answered by GET.

        Raises:
            RouteUnknownError: The path matches nothing.
            MethodNotAllowedError: It does, with other methods.
        """
        wanted = "GET" if method == "HEAD" else method
        segments = _segments(raw_path)
        allow: set[str] = set()
        for node in _leaves(self._root, segments, 0):
            if wanted in node.routes:
                route = node.routes[wanted]
                return route, _decode(route, segments)
            allow.update(node.routes)
        if not allow:
            raise RouteUnknownError
        raise MethodNotAllowedError(allow=_with_head(allow))


def _segments(path: str) -> list[str]:
    return path.removeprefix("/").removesuffix("/").split("/")


def _leaves(node: _Node, segments: list[str], at: int) -> Iterator[_Node]:
    if at == len(segments):
        if node.routes:
            yield node
        return
    literal = node.literals.get(segments[at])
    if literal is not None:
        yield from _leaves(literal, segments, at + 1)
    if node.parameter is not None and segments[at]:
        yield from _leaves(node.parameter, segments, at + 1)


def _decode(route: Route, segments: list[str]) -> dict[str, str]:
    found = {}
    for pattern, segment in zip(_segments(route.path), segments, strict=True):
        if pattern.startswith("{"):
            found[pattern[1:-1]] = _unquote(segment)
    return found


def _unquote(segment: str) -> str:
    try:
        text = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise PathInvalidError from None
    if "\0" in text:
        raise PathInvalidError
    return text


def _with_head(methods: set[str]) -> list[str]:
    head = {"HEAD"} if "GET" in methods else set()
    return sorted(methods | head | {"OPTIONS"})
