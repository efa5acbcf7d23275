"""A repository with very many tags, made by a few large statements.

A tenth of the tags share one image; names are those of builds, releases and commits.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from contract.rows import NOW
from moorage.domain.digest import Digest
from moorage.domain.versions import version_key
from moorage.ports.query import Query
from moorage.store import repositories, tag_search
from moorage.store.times import to_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

BATCH = 10_000
TAGS_PER_IMAGE = 10

_MANIFESTS = Query(
    "many_tags.manifests",
    """
    INSERT INTO manifest (repository_id, digest, media_type, size_bytes, config_digest,
                          total_bytes, platforms, created_at_us, pushed_at_us)
    SELECT CAST(:repository_id AS BIGINT), made.digest,
           'application/vnd.oci.image.manifest.v1+json', 500, made.digest, 1000,
           '["linux/amd64"]', CAST(:now_us AS BIGINT), CAST(:now_us AS BIGINT)
      FROM ({{rows:made(digest text)}}) AS made
     WHERE 1 = 1
    RETURNING id
    """,
)
_TAGS = Query(
    "many_tags.tags",
    """
    INSERT INTO tag (repository_id, name, manifest_id, version_key, total_bytes,
                     created_at_us, pushed_at_us, pulled_at_us, pull_count, moved_at_us)
    SELECT CAST(:repository_id AS BIGINT), made.name, made.manifest_id,
           made.version_key, made.size, made.created_us, made.pushed_us,
           CASE WHEN made.pulled_us > 0 THEN made.pulled_us END, 0, made.pushed_us
      FROM ({{rows:made(name text, manifest_id int, version_key text, size int,
                        created_us int, pushed_us int, pulled_us int)}}) AS made
    """,
)


def name_of(number: int) -> str:
    """Name a tag: by its build, every fifth by a release, every tenth by a commit."""
    if number % 10 == 3:
        return "sha-" + hashlib.sha256(str(number).encode()).hexdigest()[:12]
    if number % 5 == 0:
        return f"v{number // 5000}.{number // 50 % 100}.{number // 5 % 10}"
    return f"build-{number:07}"


async def fill(
    database: Database,
    repository: Repository,
    count: int,
    name: Callable[[int], str] = name_of,
) -> None:
    """Give a repository tags, in transactions of ``BATCH``."""
    for first in range(0, count, BATCH):
        names = {at: name(at) for at in range(first, min(first + BATCH, count))}
        await database.write(partial(_put, repository_id=repository.id, names=names))


def _put(tx: Tx, repository_id: int, names: Mapping[int, str]) -> None:
    now_us = to_us(NOW)
    digests = [
        (str(Digest.of(f"image {repository_id} {number}".encode())),)
        for number in list(names)[::TAGS_PER_IMAGE]
    ]
    images = tx.all(
        _MANIFESTS, repository_id=repository_id, made=digests, now_us=now_us
    )
    made = [
        (name, images[at // TAGS_PER_IMAGE]["id"], *_facts(number, name, now_us))
        for at, (number, name) in enumerate(names.items())
    ]
    tx.run(_TAGS, repository_id=repository_id, made=made)
    repositories.add_to_tag_count(tx, repository_id, len(names))
    tag_search.note(tx, repository_id, list(names.values()), now=NOW)
    tag_search.sort_in(tx, len(made), before=NOW, now=NOW)


def _facts(number: int, name: str, now_us: int) -> Iterator[str | int]:
    """Yield the key of the version, size, and times; many tags share one of each."""
    mixed = number * 2_654_435_761 % (1 << 32)
    yield version_key(name)
    yield 1_000_000 + mixed % 50_000
    yield now_us - mixed * 1000
    yield now_us - number * 1_000_000
    yield now_us - mixed * 500 if number % 3 == 0 else 0
