"""The calls whose cost must not grow with the estate, and those that come near it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from contract.many_tags import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.scale import Estate

_ORDERS = ("name", "version", "created", "pushed", "published", "pulled", "size")

# Nothing; hundreds of commits and of builds, and a hundred releases; hundreds that have
# next to nothing else in common; and more than are counted: two thousand that come last
# in some orders, thousands, and very many of one beginning and of many.
_PARTS = (
    "nothing-has-this",
    "sha-12",
    "-0000",
    "v0.1",
    "9999",
    "99.",
    "999",
    "build",
    "99",
)

_LISTS_OF_REPOSITORIES = (
    "",
    "per_page=100&tags_count=true",
    "details=true",
    "order_by=name",
    "order_by=tags&sort=desc",
    "order_by=pushed&sort=desc",
    "order_by=pulled",
    "order_by=size&sort=desc",
    "search=r00007",
    "search=nothing",
    "page=5",
)


@dataclass(frozen=True, slots=True)
class Call:
    """A request: what is asked for, and its address in an estate."""

    title: str
    address: Callable[[Estate], str]


def all_calls() -> Iterator[Call]:
    """Yield what is measured, in the order of the page."""
    yield from _pages_of_tags()
    yield from _searches()
    yield from _single_things()
    yield from _lists_of_repositories()
    yield from _registries()


def _tags(title: str, query: str) -> Call:
    return Call(title, lambda estate: f"{estate.repository}/tags?{query}")


def _pages_of_tags() -> Iterator[Call]:
    for order in _ORDERS:
        by = f"tags by {order}"
        yield _tags(f"{by}, first page", f"order_by={order}")
        yield _tags(f"{by}, descending", f"order_by={order}&sort=desc")
        yield Call(f"{by}, last page by keyset", _last_page(order))
    yield _tags("tags, first page of 100", "per_page=100")
    yield _tags("tags, first page of 100 with details", "per_page=100&details=true")
    yield Call("tags, page 500, or the last", _page(lambda last: min(500, last)))
    yield Call("tags, the middle page by its number", _page(lambda last: last // 2))
    yield Call("tags, the last page by its number", _page(lambda last: last))
    yield _tags("tags as of a time", "at=2026-01-01T00:00:00Z")


def _last_page(order: str) -> Callable[[Estate], str]:
    return lambda estate: estate.last_page(order)


def _page(choose: Callable[[int], int]) -> Callable[[Estate], str]:
    def address(estate: Estate) -> str:
        return f"{estate.repository}/tags?page={choose(estate.shape.tags // 20)}"

    return address


def _searches() -> Iterator[Call]:
    for part in _PARTS:
        yield _tags(f"tags with {part}", f"search={part}")
    for order in _ORDERS[1:]:
        for part in _PARTS[2:]:
            query = f"search={part}&order_by={order}&sort=desc"
            yield _tags(f"tags with {part} by {order}, descending", query)


def _single_things() -> Iterator[Call]:
    yield Call("tag", lambda estate: f"{estate.repository}/tags/{_middle(estate)}")
    yield Call(
        "tag with details",
        lambda estate: f"{estate.repository}/tags/{_middle(estate)}?details=true",
    )
    yield Call(
        "a tag's history",
        lambda estate: f"{estate.repository}/tags/{_middle(estate)}/history",
    )
    yield Call("a repository's history", lambda estate: f"{estate.repository}/history")
    yield Call(
        "repository with its count of tags",
        lambda _: "/api/v4/registry/repositories/1?tags_count=true",
    )
    yield Call(
        "repository by its path",
        lambda estate: (
            f"/api/v4/registry/repositories/by-path/{quote(estate.path, safe='')}"
        ),
    )


def _middle(estate: Estate) -> str:
    return name_of(estate.shape.tags // 2)


def _lists_of_repositories() -> Iterator[Call]:
    for query in _LISTS_OF_REPOSITORIES:
        shown = f", {query}" if query else ""
        yield Call(f"a project's repositories{shown}", _listed(query, group=False))
        yield Call(f"a group's repositories{shown}", _listed(query, group=True))


def _listed(query: str, *, group: bool) -> Callable[[Estate], str]:
    def address(estate: Estate) -> str:
        owner = estate.group if group else estate.project
        return f"{owner}/registry/repositories?{query}"

    return address


def _registries() -> Iterator[Call]:
    yield Call("`/v2/`, 100 tags", lambda estate: f"/v2/{estate.path}/tags/list?n=100")
    yield Call(
        "`/v2/`, 100 tags from the middle",
        lambda estate: f"/v2/{estate.path}/tags/list?n=100&last={_middle(estate)}",
    )
    yield Call("`/v2/`, catalog", lambda _: "/v2/_catalog?n=100")
    yield Call(
        "`/v2/`, catalog from the middle",
        lambda estate: f"/v2/_catalog?n=100&last={estate.path_of_middle}",
    )
    for sort in ("name", "-published_at"):
        yield Call(f"`/gitlab/v1/`, 100 tags, {sort}", _listed_in_v1(sort))


def _listed_in_v1(sort: str) -> Callable[[Estate], str]:
    return lambda estate: (
        f"/gitlab/v1/repositories/{estate.path}/tags/list/?n=100&sort={sort}"
    )
