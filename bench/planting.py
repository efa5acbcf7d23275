"""Lists too long to be pushed, put straight into the storage of a server that runs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchmarkError
from bench.servers import DOCKER_REGISTRY, MOORAGE
from contract import many_tags
from moorage.adapters.postgres import PostgresDatabase
from moorage.adapters.sqlite import SqliteDatabase
from moorage.store import repositories, tag_search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.servers import Subject
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

_PATIENCE_SECONDS = 600.0


def plant_tags(subject: Subject, repository: str, names: Sequence[str]) -> None:
    """Give a repository that has an image these tags as well."""
    if subject.name == DOCKER_REGISTRY:
        _link(subject.folder / "data", repository, names)
    else:
        asyncio.run(_insert(_database(subject), repository, names))


def _link(folder: Path, repository: str, names: Sequence[str]) -> None:
    """Lay the tags out as the filesystem driver of Distribution 2.8 does."""
    root = folder / "docker/registry/v2/repositories" / repository / "_manifests"
    (revision,) = (root / "revisions/sha256").iterdir()
    link = f"sha256:{revision.name}"
    for name in names:
        for place in ("current", f"index/sha256/{revision.name}"):
            target = root / "tags" / name / place / "link"
            target.parent.mkdir(parents=True)
            target.write_text(link)


def _database(subject: Subject) -> Database:
    if subject.database_url:
        return PostgresDatabase(subject.database_url)
    if subject.name == MOORAGE:
        return SqliteDatabase(subject.folder / "data" / "moorage.db")
    raise BenchmarkError(f"the storage of {subject.name} is out of reach")


async def _insert(database: Database, path: str, names: Sequence[str]) -> None:
    def found(tx: Tx) -> Repository:
        repository = repositories.find_by_path(tx, path)
        if repository is None:
            raise BenchmarkError(f"{path} is not there")
        return repository

    try:
        repository = await database.read(found)
        await many_tags.fill(database, repository, len(names), names.__getitem__)
        await _settled(database)
    finally:
        await database.close()


async def _settled(database: Database) -> None:
    """Wait until the server has sorted in what was left to it: that is no usual load.

    Raises:
        BenchmarkError: It does not come to an end.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while await database.read(tag_search.oldest) is not None:
        if time.monotonic() > deadline:
            raise BenchmarkError("the planted tags are not sorted in")
        await asyncio.sleep(0.2)
