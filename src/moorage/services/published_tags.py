"""What GitLab's own registry tells of repositories and tags, by path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from moorage.domain.errors import RepositoryUnknownError, TagUnknownError
from moorage.domain.names import RepositoryName
from moorage.domain.published_tags import Image, PublishedTag, Referring
from moorage.domain.repositories import Repository
from moorage.domain.tag_lists import Place, TagList
from moorage.ports.database import Database, Tx
from moorage.store import (
    found_tags,
    projects,
    published_tags,
    repositories,
    tag_lists,
)


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """A repository, and its size where that was asked for."""

    repository: Repository
    published_at: datetime | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list: up to ``limit`` tags behind or before a tag, or neither."""

    limit: int
    after: Place | None = None
    before: Place | None = None


@dataclass(frozen=True, slots=True)
class TagPage:
    """Tags in order, each with its place, and whether there are more on either side."""

    tags: Sequence[tuple[Place, PublishedTag]]
    has_previous: bool
    has_next: bool
    referring: Mapping[str, Sequence[Referring]]


class PublishedTags:
    """Reads; who may is checked before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def describe(
        self, name: RepositoryName, *, sized: bool, deep: bool
    ) -> RepositoryFacts:
        """Return what is known of a repository; ``deep`` sizes have those below it.

        Raises:
            RepositoryUnknownError: There is none.
        """

        def body(tx: Tx) -> RepositoryFacts:
            found = _repository(tx, name)
            size = None
            if sized:
                size = (
                    repositories.size_with_below_bytes(tx, found)
                    if deep
                    else repositories.size_bytes(tx, found.id)
                )
            published_at = repositories.published_at(tx, found.id)
            return RepositoryFacts(found, published_at, size)

        return await self._database.read(body)

    async def list_below(
        self, name: RepositoryName, after: str | None, limit: int
    ) -> list[Repository]:
        """Return repositories with tags, one and those below it, by path.

        Raises:
            RepositoryUnknownError: No project has repositories there.
        """

        def body(tx: Tx) -> list[Repository]:
            project = projects.find_owning(tx, name)
            if project is None:
                raise RepositoryUnknownError(name=name)
            below = repositories.list_below(tx, project.id, name, after, limit)
            itself = repositories.find_by_path(tx, name)
            first = after is None or after < name
            if itself is None or not itself.tag_count or not first:
                return below
            return [itself, *below][:limit]

        return await self._database.read(body)

    async def page(
        self, name: RepositoryName, wanted: TagList, window: Window, *, referred: bool
    ) -> TagPage:
        """Return a page of a repository's tags.

        Raises:
            RepositoryUnknownError: There is no such repository.
        """

        def body(tx: Tx) -> TagPage:
            found = _repository(tx, name)
            places, more, others = _places(tx, found.id, wanted, window)
            backwards = window.before is not None
            return _page(
                tx,
                found.id,
                places,
                has_previous=more if backwards else others,
                has_next=others if backwards else more,
                referred=referred,
            )

        return await self._database.read(body)

    async def exactly(
        self, name: RepositoryName, tag: str, *, referred: bool
    ) -> TagPage:
        """Return a page with one tag of a repository, if it is there.

        Raises:
            RepositoryUnknownError: There is no such repository.
        """

        def body(tx: Tx) -> TagPage:
            found = _repository(tx, name)
            place = Place(tag, tag)
            return _page(
                tx,
                found.id,
                [place],
                has_previous=False,
                has_next=False,
                referred=referred,
            )

        return await self._database.read(body)

    async def detail(
        self, name: RepositoryName, tag: str
    ) -> tuple[PublishedTag, Image]:
        """Return a tag and its image.

        Raises:
            RepositoryUnknownError: There is no such repository.
            TagUnknownError: It has no such tag.
        """

        def body(tx: Tx) -> tuple[PublishedTag, Image]:
            found = _repository(tx, name)
            tags = published_tags.list_tags(tx, found.id, [tag])
            if tag not in tags:
                raise TagUnknownError(tag=tag[:200])
            image = published_tags.find_image(tx, found.id, tags[tag].digest)
            if image is None:
                raise TagUnknownError(tag=tag[:200])
            return tags[tag], image

        return await self._database.read(body)


def _repository(tx: Tx, name: RepositoryName) -> Repository:
    found = repositories.find_by_path(tx, name)
    if found is None:
        raise RepositoryUnknownError(name=name)
    return found


def _places(
    tx: Tx, repository_id: int, wanted: TagList, window: Window
) -> tuple[list[Place], bool, bool]:
    """Return places in the order of the list.

    The second tells whether there are more on the side that was walked to, the third
    on the side that was come from.
    """
    backwards = window.before is not None
    walked = _turned(wanted) if backwards else wanted
    marker = window.before if backwards else window.after
    found = _walk(tx, repository_id, walked, marker, window.limit + 1)
    places = found[: window.limit]
    others = False
    if marker is not None and places:
        others = bool(_walk(tx, repository_id, _turned(walked), places[0], 1))
    if backwards:
        places.reverse()
    return places, len(found) > window.limit, others


def _turned(wanted: TagList) -> TagList:
    return replace(wanted, descending=not wanted.descending)


def _walk(
    tx: Tx, repository_id: int, wanted: TagList, after: Place | None, limit: int
) -> list[Place]:
    if not wanted.search:
        return tag_lists.list_page(tx, repository_id, wanted, after, 0, limit)
    return found_tags.page(tx, repository_id, wanted, after, 0, limit).places


def _page(
    tx: Tx,
    repository_id: int,
    places: Sequence[Place],
    *,
    has_previous: bool,
    has_next: bool,
    referred: bool,
) -> TagPage:
    names = [place.name for place in places]
    found = published_tags.list_tags(tx, repository_id, names)
    digests = {tag.digest for tag in found.values()} if referred else ()
    return TagPage(
        [(place, found[place.name]) for place in places if place.name in found],
        has_previous,
        has_next,
        published_tags.list_referring(tx, repository_id, digests) if digests else {},
    )
