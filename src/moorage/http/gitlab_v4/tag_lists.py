"""Lists of a repository's tags, as GitLab answers them, and with what it cannot do.

Source: GitLab registry API facts, "List tags", "Keyset pagination of tags".
"""

from __future__ import annotations

import base64
from datetime import datetime

import msgspec
from starlette.responses import Response

from moorage.domain.errors import ParameterError
from moorage.domain.repositories import Repository
from moorage.domain.tag_lists import Place, TagList, TagOrder
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.call import Call
from moorage.http.gitlab_v4.formats import DigestText, Time
from moorage.http.gitlab_v4.images import readable, repository_of
from moorage.http.gitlab_v4.operations import Operation
from moorage.http.gitlab_v4.paging import Page, answer_page, link_url, page_of
from moorage.http.gitlab_v4.parameters import Parameters
from moorage.http.gitlab_v4.registry_entities import (
    ListedTagEntity,
    TagEntity,
    listed_tag_entity,
    row_time,
    tag_entity,
)
from moorage.http.gitlab_v4.routing import Route
from moorage.http.gitlab_v4.times import read_time
from moorage.services.tag_lists import TagListPage

_MAX_KEY = (1 << 63) - 1


class FormerTagEntity(TagEntity):
    """A tag as it was at a time: what it pointed to, and since when."""

    digest: DigestText
    since: Time


class _TagListParameters(Parameters):
    pagination: str | None = None
    last: str | None = None
    order_by: TagOrder = TagOrder.NAME
    sort: str | None = None
    search: str = ""
    details: bool = False
    at: Time | None = None

    @property
    def list(self) -> TagList:
        """What the parameters ask for. Any other ``sort`` acts as ``asc``."""
        return TagList(self.order_by, self.sort == "desc", self.search)


async def list_tags(call: Call) -> Response:
    """``GET /projects/:id/registry/repositories/:repository_id/tags``."""
    seen = await readable(call)
    wanted, page = call.read(_TagListParameters), page_of(call)
    at, after = read_time("at", wanted.at), _read_place(wanted)
    repository = await repository_of(call, seen)
    if at is not None:
        return await _answer_as_of(call, at, page, repository)
    if wanted.pagination == "keyset":
        return await _answer_keyset(call, wanted, after, page, repository)
    found = await call.context.tag_lists.page(
        repository,
        wanted.list,
        offset=page.offset,
        limit=page.limit,
        with_details=wanted.details,
    )
    return answer_page(call, page, _entities(call, repository, found), found.total)


async def _answer_as_of(
    call: Call, at: datetime, page: Page, repository: Repository
) -> Response:
    """Answer with the tags as they were at a time, and what they pointed to."""
    found = await call.context.history.tags_at(
        repository.id, at, offset=page.offset, limit=page.limit
    )
    host = call.context.registry_host
    entities: list[FormerTagEntity] = [
        {
            **tag_entity(repository, tag.name, host),
            "digest": tag.digest,
            "since": row_time(tag.since),
        }
        for tag in found.items
    ]
    return answer_page(call, page, entities, found.total)


async def _answer_keyset(
    call: Call,
    wanted: _TagListParameters,
    after: Place | None,
    page: Page,
    repository: Repository,
) -> Response:
    """Answer with what follows a place. Its cost does not depend on where that is."""
    found = await call.context.tag_lists.page(
        repository,
        wanted.list,
        after=after,
        limit=page.limit,
        with_details=wanted.details,
    )
    response = answer(_entities(call, repository, found)[: page.size])
    if len(found.places) > page.size:
        url = link_url(
            call,
            pagination="keyset",
            per_page=page.size,
            last=_spell_place(wanted.order_by, found.places[page.size - 1]),
            sort="desc" if wanted.list.descending else "asc",
        )
        response.headers["Link"] = f'<{url}>; rel="next"'
    return response


def _entities(
    call: Call, repository: Repository, found: TagListPage
) -> list[TagEntity | ListedTagEntity]:
    host = call.context.registry_host
    entities: list[TagEntity | ListedTagEntity] = []
    for place in found.places:
        entity = tag_entity(repository, place.name, host)
        if place.name in found.details:
            more = listed_tag_entity(found.details[place.name])
            entities.append({**entity, **more})
        else:
            entities.append(entity)
    return entities


# Places, as links spell them


def _spell_place(order: TagOrder, place: Place) -> str:
    """Spell a place: in a list by name as the name, else as what only we can read."""
    if order is TagOrder.NAME:
        return place.name
    content = msgspec.json.encode((place.key, place.name))
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _read_place(wanted: _TagListParameters) -> Place | None:
    """Read where a page begins.

    Raises:
        ParameterError: It was not taken from a link of a list in this order.
    """
    last = wanted.last
    if last is None or wanted.pagination != "keyset":
        return None
    if wanted.order_by is TagOrder.NAME:
        return Place(last, last)
    try:
        content = base64.urlsafe_b64decode(last + "=" * (-len(last) % 4))
        key, name = msgspec.json.decode(content, type=tuple[str | int, str])
    except (ValueError, msgspec.DecodeError):
        raise ParameterError("last is invalid") from None
    if isinstance(key, str) is not wanted.order_by.by_text or "\0" in f"{key}{name}":
        raise ParameterError("last is invalid")
    if isinstance(key, int) and abs(key) > _MAX_KEY:
        raise ParameterError("last is invalid")
    return Place(key, name)


ROUTES = (
    Route(
        "GET",
        "/projects/{id}/registry/repositories/{repository_id}/tags",
        list_tags,
        Operation(
            "List tags, now or as they were",
            {200: list[TagEntity | ListedTagEntity | FormerTagEntity]},
            _TagListParameters,
            paged=True,
            anonymous=True,
        ),
    ),
)
