"""Work that lists: tags, the catalog, and GitLab's API over both."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench import load
from bench.client import Connection, Response
from bench.errors import BenchmarkError
from bench.images import Image
from bench.planting import plant_tags
from bench.registry import CATALOG_SCOPE, expect, repository_scope
from bench.servers import DOCKER_REGISTRY, Role, Subject
from bench.works import CONNECTIONS, TAG, Scale, Unit, Work, fill_in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.load import Outcome
    from bench.registry import Registry

_PAGE = 100
_LISTED = 20
_TAGS_LISTED = 10
_MOST_LINKED = 50_000
_GOALS = {10_000: 15, 50_000: 60}


class TagStock:
    """A repository with many tags, put on every subject at most once."""

    def __init__(self, scale: Scale, count: int, most_pushed: int = 10_000) -> None:
        self.repository = scale.repository(f"tagged-{count}")
        self.count = count
        self._is_planted = count > most_pushed
        self.tags = [f"build-{number:07}" for number in range(count)]
        self._image = Image.build(1, 1024)

    def fill(self, subject: Subject) -> None:
        """Push one image under every tag, or plant the tags if they are too many."""
        subject.once(self.repository, lambda: self._fill(subject))

    def _fill(self, subject: Subject) -> None:
        registry, repository = subject.get_registry(), self.repository
        first, *others = self.tags
        with Connection(registry.endpoint) as connection:
            registry.push_image(connection, repository, first, self._image)
        if self._is_planted:
            plant_tags(subject, repository, others)
            return
        manifest = self._image.manifest

        def push(tag: str) -> Callable[[Connection], None]:
            return lambda line: registry.push_manifest(line, repository, tag, manifest)

        fill_in_parallel(registry, [push(tag) for tag in others])

    def suits(self, subject: Subject) -> bool:
        """Say whether the subject can be given that many tags in reasonable time."""
        if not self._is_planted:
            return True
        most = _MOST_LINKED if subject.name == DOCKER_REGISTRY else self.count
        return subject.is_local and self.count <= most


class _OneClientGet(Work):
    """One path, GET again and again by one client; every answer is checked."""

    unit = Unit.REQUESTS

    @abstractmethod
    def target(self, subject: Subject) -> tuple[bytes, Callable[[Response], None]]:
        """Return the request, and the check of its answer."""

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Repeat the GET until time is up."""
        request, check = self.target(subject)
        registry = subject.get_registry()
        with Connection(registry.endpoint) as connection:
            check(expect(connection.exchange(request), 200, self.title))

        def turn(connection: Connection) -> float:
            expect(connection.exchange(request), 200, self.title)
            return 1

        return load.run_for(registry.endpoint, turn, clients=1, seconds=seconds)


class TagPage(_OneClientGet):
    """A page of a long tag list. A server without paging sends it whole."""

    roles = frozenset({Role.LIST})

    def __init__(self, scale: Scale, stock: TagStock, *, middle: bool) -> None:
        where = "a middle" if middle else "the first"
        title = f"tag list of {stock.count:,}, {where} page of {_PAGE}"
        super().__init__(title, scale, _GOALS.get(stock.count))
        self.stock = stock
        middle_at = stock.count // 2
        self._least = min(_PAGE, stock.count - middle_at - 1) if middle else _PAGE
        last = f"&last={stock.tags[middle_at]}" if middle else ""
        self._path = f"/v2/{stock.repository}/tags/list?n={_PAGE}{last}"

    def suits(self, subject: Subject) -> bool:
        """Say whether it lists tags, and can have that many."""
        return super().suits(subject) and self.stock.suits(subject)

    def prepare(self, subject: Subject) -> None:
        """Push the tags."""
        self.stock.fill(subject)

    def target(self, subject: Subject) -> tuple[bytes, Callable[[Response], None]]:
        """Ask for the page; it must have its tags."""
        scope = repository_scope(self.stock.repository)
        request = subject.get_registry().request("GET", self._path, scope)
        return request, lambda answer: _at_least(answer, "tags", self._least)


class WholeTagList(Work):
    """All tags of a long list, following links where the server cuts it."""

    unit = Unit.REQUESTS
    roles = frozenset({Role.LIST})

    def __init__(self, scale: Scale, stock: TagStock) -> None:
        super().__init__(f"tag list of {stock.count:,}, the whole", scale)
        self._stock = stock

    def prepare(self, subject: Subject) -> None:
        """Push the tags."""
        self._stock.fill(subject)

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Read the list until time is up; every tag must be in it."""
        registry = subject.get_registry()
        scope = repository_scope(self._stock.repository)
        first = f"/v2/{self._stock.repository}/tags/list"

        def turn(connection: Connection) -> float:
            path: str | None = first
            count = 0
            while path is not None:
                request = registry.request("GET", path, scope)
                answer = expect(connection.exchange(request), 200, "tag list")
                count += answer.body.count(b'"build-')
                link = answer.header("Link")
                path = link.partition("<")[2].partition(">")[0] if link else None
            if count != self._stock.count:
                raise BenchmarkError(f"{count} of {self._stock.count} tags listed")
            return 1

        return load.run_for(registry.endpoint, turn, clients=1, seconds=seconds)


class CatalogPage(_OneClientGet):
    """A page of the catalog."""

    roles = frozenset({Role.LIST})

    def __init__(self, scale: Scale, *, middle: bool) -> None:
        where = "a middle" if middle else "the first"
        title = f"catalog of {scale.catalog:,}, {where} page of {_PAGE}"
        super().__init__(title, scale, 20)
        names = [
            f"{scale.namespace}-catalog/r{number:06}" for number in range(scale.catalog)
        ]
        self._repositories = names
        last = quote(names[len(names) // 2], safe="")
        self._path = f"/v2/_catalog?n={_PAGE}{f'&last={last}' if middle else ''}"

    def prepare(self, subject: Subject) -> None:
        """Push a small image to every repository."""
        registry, image = subject.get_registry(), Image.build(0, 0)

        def push(repository: str) -> Callable[[Connection], None]:
            return lambda line: registry.push_image(line, repository, TAG, image)

        pushes = [push(repository) for repository in self._repositories]
        subject.once("catalog", lambda: fill_in_parallel(registry, pushes))

    def target(self, subject: Subject) -> tuple[bytes, Callable[[Response], None]]:
        """Ask for the page; it must have its hundred repositories."""
        request = subject.get_registry().request("GET", self._path, CATALOG_SCOPE)
        return request, lambda answer: _at_least(answer, "repositories", _PAGE)


class _GitLabGet(_OneClientGet):
    """A GET of GitLab's API about the repository with many tags."""

    roles = frozenset({Role.GITLAB})

    def __init__(self, title: str, scale: Scale, stock: TagStock) -> None:
        super().__init__(title, scale)
        self._stock = stock
        self._paths: dict[str, str] = {}  # of the repository, by the subject's name

    def prepare(self, subject: Subject) -> None:
        """Push the tags and find the repository by its path."""
        self._stock.fill(subject)
        project = quote(self.scale.namespace, safe="")
        root = f"/api/v4/projects/{project}/registry/repositories"
        with Connection(subject.get_registry().endpoint) as connection:
            request = gitlab_request(subject, f"{root}?per_page=100")
            answer = expect(connection.exchange(request), 200, root)
        for row in json.loads(answer.body):
            if row["path"] == self._stock.repository:
                number = row["project_id"]
                root = f"/api/v4/projects/{number}/registry/repositories"
                self._paths[subject.name] = f"{root}/{row['id']}"
                return
        raise BenchmarkError(f"{self._stock.repository} is not among {root}")

    def path(self, subject: Subject) -> str:
        """Return the path of the repository, whose number is the server's."""
        return self._paths[subject.name]

    def detail_path(self, subject: Subject) -> str:
        """Return the path of the middle tag's detail."""
        tag = self._stock.tags[self._stock.count // 2]
        return f"{self.path(subject)}/tags/{tag}"


class GitLabTagList(_GitLabGet):
    """A page of GitLab's tag list, the first unless the query says otherwise."""

    def __init__(
        self,
        scale: Scale,
        stock: TagStock,
        what: str = f"the first page of {_PAGE}",
        query: str = f"per_page={_PAGE}",
        rows: int = _PAGE,
    ) -> None:
        title = f"GitLab API, tag list of {stock.count:,}, {what}"
        super().__init__(title, scale, stock)
        self._query = query
        self._rows = rows

    def target(self, subject: Subject) -> tuple[bytes, Callable[[Response], None]]:
        """Ask for the page."""
        path = f"{self.path(subject)}/tags?{self._query}"

        def check(answer: Response) -> None:
            if len(json.loads(answer.body)) != self._rows:
                raise BenchmarkError(f"not {self._rows} tags: {answer.body[:200]!r}")

        return gitlab_request(subject, path), check


class GitLabRepositories(_OneClientGet):
    """GitLab's list of a project's repositories, with the tags of each."""

    roles = frozenset({Role.GITLAB})

    def __init__(self, scale: Scale) -> None:
        title = f"GitLab API, list of {_LISTED} repositories with their tags"
        super().__init__(title, scale)
        self._project = f"{scale.namespace}-listed"

    def prepare(self, subject: Subject) -> None:
        """Push an image to every repository, under some tags."""
        subject.once("listed", lambda: self._push(subject.get_registry()))

    def _push(self, registry: Registry) -> None:
        image = Image.build(1, 1024)

        def push(number: int) -> Callable[[Connection], None]:
            repository = f"{self._project}/r{number:03}"

            def turn(line: Connection) -> None:
                registry.push_image(line, repository, TAG, image)
                for tag in range(1, _TAGS_LISTED):
                    name = f"build-{tag}"
                    registry.push_manifest(line, repository, name, image.manifest)

            return turn

        fill_in_parallel(registry, [push(number) for number in range(_LISTED)])

    def target(self, subject: Subject) -> tuple[bytes, Callable[[Response], None]]:
        """Ask for all of them; each must have its tags."""
        project = quote(self._project, safe="")
        path = f"/api/v4/projects/{project}/registry/repositories"

        def check(answer: Response) -> None:
            counts = [len(row["tags"]) for row in json.loads(answer.body)]
            if counts != [_TAGS_LISTED] * _LISTED:
                raise BenchmarkError(f"other numbers of tags: {counts}")

        query = f"tags=true&tags_count=true&per_page={_LISTED}"
        return gitlab_request(subject, f"{path}?{query}"), check


class GitLabTagDetail(_GitLabGet):
    """GitLab's tag detail, by one client."""

    def __init__(self, scale: Scale, stock: TagStock) -> None:
        super().__init__("GitLab API, tag detail, 1 client", scale, stock)

    def target(self, subject: Subject) -> tuple[bytes, Callable[[Response], None]]:
        """Ask for one tag of the middle."""

        def check(answer: Response) -> None:
            if "digest" not in json.loads(answer.body):
                raise BenchmarkError(f"no tag detail: {answer.body[:200]!r}")

        return gitlab_request(subject, self.detail_path(subject)), check


class GitLabTagDetails(GitLabTagDetail):
    """GitLab's tag detail, on 32 connections."""

    def __init__(self, scale: Scale, stock: TagStock) -> None:
        super().__init__(scale, stock)
        self.title = "GitLab API, tag detail, 32 connections"

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Repeat the GET on 32 connections."""
        return load.run_wrk(
            subject.get_registry().endpoint,
            [self.detail_path(subject)],
            {"PRIVATE-TOKEN": subject.private_token},
            connections=CONNECTIONS,
            seconds=seconds,
            least_bytes=100,
        )


def gitlab_request(subject: Subject, path: str) -> bytes:
    """Build a GET with the private token."""
    host = subject.get_registry().endpoint.authority
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\n"
        f"PRIVATE-TOKEN: {subject.private_token}\r\n\r\n"
    ).encode()


def _at_least(answer: Response, key: str, count: int) -> None:
    if len(json.loads(answer.body)[key]) < count:
        raise BenchmarkError(f"fewer than {count} {key}: {answer.body[:200]!r}")
