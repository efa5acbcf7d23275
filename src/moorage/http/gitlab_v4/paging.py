"""Pages by number, as GitLab cuts and labels them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from starlette.responses import Response

from moorage.domain.errors import ParameterError, UnsupportedError
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.authentication import SECRETS
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.parameters import Parameters, read

DEFAULT_SIZE = 20
MAX_SIZE = 100

MAX_COUNTED = 10_000
"""Longer lists are answered without their total.

Source: GitLab 12.5 docs, "REST API", "Other pagination headers".
"""


class KeysetUnsupportedError(UnsupportedError):
    """Pages of a list by another order than that of ids."""

    message = "Keyset pagination is not yet available for this type of request"


MAX_UNKNOWN = 1024
"""How many characters of parameters links repeat that mean nothing to the endpoint."""

_MAX_OFFSET = 1 << 62


class _PageParameters(Parameters):
    page: int = 1
    per_page: int = DEFAULT_SIZE


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was asked for. Fetch ``limit`` items: one more than are shown."""

    number: int
    size: int

    @property
    def limit(self) -> int:
        """How many to fetch, so that it shows whether there is a next page."""
        return self.size + 1

    @property
    def offset(self) -> int:
        """How many to pass over."""
        return min((self.number - 1) * self.size, _MAX_OFFSET)


def page_of(call: Call) -> Page:
    """Read ``page`` and ``per_page``.

    Raises:
        ParameterError: One of them is no positive number.
    """
    wanted = read(call.given, _PageParameters)
    complaints = [
        f"{name} does not have a valid value"
        for name, value in (("page", wanted.page), ("per_page", wanted.per_page))
        if value < 1
    ]
    if complaints:
        raise ParameterError(", ".join(complaints))
    return Page(wanted.page, min(wanted.per_page, MAX_SIZE))


def answer_page(
    call: Call, page: Page, items: Sequence[Any], total: int | None
) -> Response:
    """Answer with a page of a list and the headers about it.

    ``items`` may hold one more than the page shows. A total above ``MAX_COUNTED`` need
    not be exact; ``None`` is a list that was not counted.
    """
    response = answer(items[: page.size])
    counted = min(total or 0, MAX_COUNTED)
    more = len(items) > page.size or page.number * page.size < counted
    for name, value in _headers(call, page, total, more=more):
        response.headers[name] = value
    return response


def answer_keyset(
    call: Call, page: Page, items: Sequence[Any], *, ascending: bool
) -> Response:
    """Answer with what follows an id, and where to go on.

    ``items`` have ids, and may be one more than the page shows.
    """
    response = answer(items[: page.size])
    if len(items) > page.size:
        bound = "id_after" if ascending else "id_before"
        place = {bound: items[page.size - 1]["id"]}
        url = link_url(call, pagination="keyset", per_page=page.size, **place)
        response.headers["Link"] = f'<{url}>; rel="next"'
    return response


def answer_page_in(
    call: Call,
    page: Page,
    body: Mapping[str, Any],
    name: str,
    items: Sequence[Any],
    total: int,
) -> Response:
    """Answer with a body that has a page of a list in it; else like ``answer_page``."""
    response = answer_page(call, page, items, total)
    whole = answer({**body, name: list(items[: page.size])})
    for header in ("content-length", "content-type"):
        del response.headers[header]
    whole.headers.update(response.headers)
    return whole


def answer_slice(call: Call, everything: Sequence[Any]) -> Response:
    """Answer with a page of a list that is at hand as a whole."""
    page = page_of(call)
    items = everything[page.offset : page.offset + page.limit]
    return answer_page(call, page, items, len(everything))


def _headers(
    call: Call, page: Page, total: int | None, *, more: bool
) -> Iterator[tuple[str, str]]:
    links: list[tuple[str, int]] = []
    if page.number > 1:
        links.append(("prev", page.number - 1))
    if more:
        links.append(("next", page.number + 1))
    links.append(("first", 1))
    yield "X-Page", str(page.number)
    yield "X-Per-Page", str(page.size)
    yield "X-Next-Page", str(page.number + 1) if more else ""
    yield "X-Prev-Page", str(page.number - 1) if page.number > 1 else ""
    if total is not None and total <= MAX_COUNTED:
        pages = max(1, -(-total // page.size))
        yield "X-Total", str(total)
        yield "X-Total-Pages", str(pages)
        links.append(("last", pages))
    yield "Link", ", ".join(_link(call, page, *link) for link in links)


def _link(call: Call, page: Page, relation: str, number: int) -> str:
    url = link_url(call, page=number, per_page=page.size)
    return f'<{url}>; rel="{relation}"'


def link_url(call: Call, **changes: object) -> str:
    """Spell the request's own address with some parameters changed.

    Every parameter is repeated, those of the path too, sorted by name: all but secrets,
    and what the endpoint does not know if it is long.
    """
    given = {**_repeated(call), **call.path_parameters, **changes}
    query = "&".join(sorted(_encode(given)))
    path = call.request.scope["raw_path"].decode("ascii")
    return f"{call.context.external_url}{path}?{query}"


def _repeated(call: Call) -> dict[str, Any]:
    found, left = {}, MAX_UNKNOWN
    for name, value in call.given.items():
        if name in SECRETS:
            continue
        if name not in call.known:
            length = sum(len(part) + 1 for part in _encode({name: value}))
            if length > left:
                continue
            left -= length
        found[name] = value
    return found


def _encode(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _encode(inner, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _encode(inner, f"{name}[]")
    else:
        yield f"{quote_plus(name)}={quote_plus(_spelling(value))}"


def _spelling(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
