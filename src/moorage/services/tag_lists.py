"""Lists of a repository's tags: in any order, searched, with details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from moorage.domain.protection import RuleKind, TagGuard
from moorage.domain.repositories import Repository
from moorage.domain.tag_lists import ListedTag, Place, TagList
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import found_tags, holds, protection, tag_lists


@dataclass(frozen=True, slots=True)
class TagListPage:
    """A page, by places; ``total`` counts all pages, if that is not too much.

    ``details`` has more on each, by name, if that was asked for.
    """

    places: Sequence[Place]
    total: int | None
    details: Mapping[str, ListedTag]


class TagLists:
    """Pages of tags; who may see them is checked before."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def page(
        self,
        repository: Repository,
        wanted: TagList,
        *,
        after: Place | None = None,
        offset: int = 0,
        limit: int,
        with_details: bool = False,
    ) -> TagListPage:
        """Return a page of a list, from a place or a number of tags on."""

        def body(tx: Tx) -> TagListPage:
            total: int | None
            here = tx, repository.id, wanted
            if wanted.search:
                places, total = found_tags.page(*here, after, offset, limit)
            else:
                places = _all(tx, repository.id, wanted, after, offset, limit)
                total = repository.tag_count
            names = [place.name for place in places] if with_details else []
            return TagListPage(places, total, self._details(tx, repository, names))

        return await self._database.read(body)

    async def details(
        self, repository: Repository, names: Sequence[str]
    ) -> Mapping[str, ListedTag]:
        """Return more on some tags, by name; those that are not there are left out."""
        return await self._database.read(
            lambda tx: self._details(tx, repository, names)
        )

    def _details(
        self, tx: Tx, repository: Repository, names: Sequence[str]
    ) -> Mapping[str, ListedTag]:
        if not names:
            return {}
        listed = list(names)
        now = self._clock.now()
        held = {
            each.tag for each in holds.list_of_tags(tx, repository.id, listed, now=now)
        }
        rules = protection.list_rules(tx, repository.project_id, RuleKind.TAG)
        # As seen by nobody, whom every rule stops.
        guard = TagGuard(rules)
        exclusive = _exclusive_bytes(tx, repository, listed)
        found = tag_lists.list_details(tx, repository.id, listed)
        return {
            name: ListedTag(
                detail=detail,
                exclusive_bytes=exclusive.get(name),
                protected=guard.undeletable_by(name) is not None,
                immutable=guard.immutable_by(name) is not None,
                held=name in held,
            )
            for name, detail in found.items()
        }


def _all(
    tx: Tx,
    repository_id: int,
    wanted: TagList,
    after: Place | None,
    offset: int,
    limit: int,
) -> list[Place]:
    if after is None:
        return tag_lists.list_numbered(tx, repository_id, wanted, offset, limit)
    return tag_lists.list_page(tx, repository_id, wanted, after, 0, limit)


def _exclusive_bytes(
    tx: Tx, repository: Repository, names: list[str]
) -> Mapping[str, int]:
    """Work out what tags have for themselves, where that is affordable."""
    if repository.tag_count > tag_lists.MAX_FOR_EXCLUSIVE:
        return {}
    return tag_lists.exclusive_bytes(tx, repository.id, names)
