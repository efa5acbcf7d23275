"""Estates of a chosen size, put into a server's database past the server."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import sql

from contract.many_tags import name_of
from moorage.domain.versions import version_key
from moorage.ports.query import strip_comments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

_CHUNK = 200_000
_TAGS_PER_IMAGE = 10
_NOW_US = 1_700_000_000_000_000
_IMAGE_TYPE = "application/vnd.oci.image.manifest.v1+json"

_COLUMNS = {
    "repository": "id project_id name path tag_count created_at_us",
    "namespace_repository": "namespace_id repository_id path",
    "manifest": "id repository_id digest media_type size_bytes config_digest "
    "total_bytes platforms created_at_us pushed_at_us",
    "tag": "repository_id name manifest_id version_key total_bytes created_at_us "
    "pushed_at_us pulled_at_us pull_count moved_at_us",
    "tag_event": "repository_id tag action digest actor at_us",
    "tag_beginning": "repository_id backwards",
    "usage_sum": "repository_id listed_bytes unique_bytes",
}
_COUNTED = ("repository", "manifest")
"""Tables whose ids were given here, so that the server has to go on from there."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large an estate is; the first repository is the one that is looked at."""

    tags: int
    repositories: int
    others: int
    projects: int = 1

    @property
    def all_tags(self) -> int:
        """The tags of all repositories."""
        return self.tags + (self.repositories - 1) * self.others


@dataclass(frozen=True, slots=True)
class Place:
    """A project that the estate's repositories go to, and the group around it."""

    project_id: int
    namespace_id: int
    path: str


class Sink(Protocol):
    """A database that takes rows in bulk."""

    def put(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows; the columns are those of ``_COLUMNS``."""

    def run(self, statement: str) -> None:
        """Run a statement."""

    def finish(self) -> None:
        """Do what a database does on its own within a few minutes."""


class SqliteSink:
    """A file that a server has open as well."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Insert them in one transaction."""
        columns = _COLUMNS[table].split()
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
        with self._open() as connection:
            connection.executemany(statement, rows)

    def run(self, statement: str) -> None:
        """Run a statement in a transaction."""
        with self._open() as connection:
            connection.execute(statement)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.execute("PRAGMA busy_timeout = 60000")
            connection.execute("PRAGMA cache_size = -1000000")
            yield connection

    def finish(self) -> None:
        """Write the log into the file."""
        with closing(sqlite3.connect(self._path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class PostgresSink:
    """A server's database, written to by ``COPY`` without checks of references."""

    def __init__(self, url: str) -> None:
        self._url = url

    def put(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Copy them in one transaction."""
        columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS[table].split()))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), columns
        )
        with psycopg.connect(self._url) as connection, connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            with cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)

    def run(self, statement: str) -> None:
        """Run a statement in a transaction."""
        with psycopg.connect(self._url) as connection:
            connection.execute(statement.encode())

    def finish(self) -> None:
        """Let ids go on behind those given here; tidy up, as the server does."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            for table in _COUNTED:
                connection.execute(
                    sql.SQL(
                        "SELECT setval(pg_get_serial_sequence({}, 'id'), MAX(id)) "
                        "FROM {}"
                    ).format(sql.Literal(table), sql.Identifier(table))
                )
            connection.execute("VACUUM ANALYZE")


def fill(
    sink: Sink, shape: Shape, places: Sequence[Place], say: Callable[[str], None]
) -> None:
    """Put an estate there, its repositories spread evenly over projects."""
    _put_repositories(sink, shape, places)
    done, first_manifest = 0, 1
    for work in _chunks(shape):
        first_manifest = _put_tags(sink, work, first_manifest)
        done += sum(len(numbers) for _, numbers in work)
        say(f"{done:,} of {shape.all_tags:,} tags")
    sink.put("tag_beginning", _beginnings(shape))
    for statement in _following():
        sink.run(statement)
    sink.finish()


def path_of(shape: Shape, places: Sequence[Place], at: int) -> str:
    """Name a repository as clients do."""
    return f"{_home(shape, places, at).path}/r{at:06}"


def _following() -> Iterator[str]:
    """Yield what brings lists and searches of repositories up to the rows there are."""
    name = "migrations/0010_repository_lists.sql"
    text = strip_comments(files("moorage.store").joinpath(name).read_text("utf-8"))
    for statement in text.split(";"):
        if statement.lstrip().startswith(("UPDATE ", "INSERT INTO path_beginning")):
            yield statement


def _home(shape: Shape, places: Sequence[Place], at: int) -> Place:
    return places[at * len(places) // shape.repositories]


def _put_repositories(sink: Sink, shape: Shape, places: Sequence[Place]) -> None:
    homes = [_home(shape, places, at) for at in range(shape.repositories)]
    sink.put(
        "repository",
        (
            (
                *(at + 1, home.project_id, f"r{at:06}", path_of(shape, places, at)),
                *(shape.others if at else shape.tags, _NOW_US + at),
            )
            for at, home in enumerate(homes)
        ),
    )
    sink.put(
        "namespace_repository",
        (
            (home.namespace_id, at + 1, path_of(shape, places, at))
            for at, home in enumerate(homes)
        ),
    )
    sizes = (at * 2_654_435_761 % (1 << 32) for at in range(shape.repositories))
    sink.put("usage_sum", ((at + 1, size, size) for at, size in enumerate(sizes)))


def _numbers(shape: Shape, repository_id: int) -> range:
    """Number the tags of a repository, which begins its builds somewhere."""
    if repository_id == 1:
        return range(shape.tags)
    first = repository_id * 7919 % 100_000 * 10
    return range(first, first + shape.others)


def _chunks(shape: Shape) -> Iterator[list[tuple[int, range]]]:
    """Cut the tags of all repositories into work of about the same size."""
    first = _numbers(shape, 1)
    for start in range(0, len(first), _CHUNK):
        yield [(1, first[start : start + _CHUNK])]
    share = max(1, _CHUNK // max(1, shape.others))
    for start in range(2, shape.repositories + 1, share):
        ids = range(start, min(start + share, shape.repositories + 1))
        yield [(id_, _numbers(shape, id_)) for id_ in ids]


def _put_tags(sink: Sink, work: list[tuple[int, range]], first_manifest: int) -> int:
    """Put tags and what belongs to them; return the next manifest's number."""
    manifests, tags, events = list[Any](), list[Any](), list[Any]()
    at = first_manifest - 1
    for repository_id, numbers in work:
        for place, number in enumerate(numbers):
            if place % _TAGS_PER_IMAGE == 0:
                at += 1
                digest = f"sha256:{hashlib.sha256(b'%d' % at).hexdigest()}"
                manifests.append(_manifest(at, repository_id, digest))
            name = name_of(number)
            tags.append((repository_id, name, at, version_key(name), *_facts(number)))
            pushed_us = tags[-1][6]
            events.append((repository_id, name, "push", digest, "user root", pushed_us))
    sink.put("manifest", manifests)
    sink.put("tag", tags)
    sink.put("tag_event", events)
    return at + 1


def _manifest(id_: int, repository_id: int, digest: str) -> tuple[Any, ...]:
    facts = (_IMAGE_TYPE, 500, digest, 1000, '["linux/amd64"]', _NOW_US, _NOW_US)
    return (id_, repository_id, digest, *facts)


def _facts(number: int) -> tuple[int | None, ...]:
    """Give a size, times and counts; many tags share one of each."""
    mixed = number * 2_654_435_761 % (1 << 32)
    pulled_us = _NOW_US - mixed * 500 if number % 3 == 0 else None
    pushed_us = _NOW_US - number * 1_000_000
    return (
        *(1_000_000 + mixed % 50_000, _NOW_US - mixed * 1000, pushed_us),
        *(pulled_us, 0, pushed_us),
    )


def _beginnings(shape: Shape) -> Iterator[tuple[int, str]]:
    """Yield what names begin with, each once, as the table is sorted."""
    for repository_id in range(1, shape.repositories + 1):
        names = sorted(name_of(each) for each in _numbers(shape, repository_id))
        found = [
            name[:length][::-1]
            for before, name in pairwise(["", *names])
            for length in range(_shared(before, name) + 1, len(name) + 1)
        ]
        for backwards in sorted(found):
            yield repository_id, backwards


def _shared(one: str, other: str) -> int:
    """Return how many characters two names begin with alike."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
