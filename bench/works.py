"""What a piece of work is, and what all kinds of work share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Self

from bench.client import Connection, Response
from bench.errors import BenchmarkError
from bench.images import digest_of
from bench.registry import Registry, expect, repository_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.load import Outcome
    from bench.servers import Role, Subject

MB = 1_000_000
CONNECTIONS = 32
TAG = "v1.0"
_FILLERS = 8


class Unit(Enum):
    """What is counted: its rate, its processor time, and how both are scaled."""

    REQUESTS = ("requests/s", 1.0, "CPU ms/request", 1e3)
    IMAGES = ("images/s", 1.0, "CPU ms/image", 1e3)
    REMOVALS = ("removed/s", 1.0, "CPU ms/removal", 1e3)
    BYTES = ("MB/s", 1e-6, "CPU s/GB", 1e9)

    def __init__(
        self, rate_name: str, rate_scale: float, cost_name: str, cost_scale: float
    ) -> None:
        self.rate_name = rate_name
        self.rate_scale = rate_scale
        self.cost_name = cost_name
        self.cost_scale = cost_scale


@dataclass(frozen=True, slots=True)
class Scale:
    """How much content the servers are filled with and how much is pushed."""

    namespace: str
    small_blobs: int
    catalog: int
    images_per_client: int
    garbage: int
    collected: int

    def repository(self, leaf: str) -> str:
        """Name a repository of the benchmark's project."""
        return f"{self.namespace}/{leaf}"


class Work(ABC):
    """One kind of work that subjects with its roles can be asked to do.

    ``goal`` is the ratio of rates, Moorage over docker-registry, that is aimed at.
    """

    unit: ClassVar[Unit]
    roles: ClassVar[frozenset[Role]]

    def __init__(self, title: str, scale: Scale, goal: float | None = None) -> None:
        self.title = title
        self.scale = scale
        self.goal = goal
        self.is_long = False
        self.is_single = False  # cannot be repeated: measured once, without warming
        self.stored_bytes = 0  # how much a run makes a server write

    def long(self) -> Self:
        """Mark the work as one that a quick run leaves out."""
        self.is_long = True
        return self

    def suits(self, subject: Subject) -> bool:
        """Say whether the subject can do this."""
        return not self.roles.isdisjoint(subject.roles)

    @abstractmethod
    def prepare(self, subject: Subject) -> None:
        """Give the subject the content that the work needs."""

    @abstractmethod
    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Do the work once, for about that long."""


def clients_text(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"


def check_content(
    registry: Registry, connection: Connection, path: str, digest: str
) -> None:
    scope = repository_scope(path.removeprefix("/v2/").rsplit("/", 2)[0])
    answer = connection.exchange(registry.request("GET", path, scope))
    if digest_of(expect(answer, 200, f"GET {path}").body) != digest:
        raise BenchmarkError(f"GET {path} gave other bytes than were pushed")


def whole(answer: Response, size_bytes: int) -> float:
    if answer.size_bytes != size_bytes:
        raise BenchmarkError(f"{answer.size_bytes} bytes instead of {size_bytes}")
    return size_bytes


def fill_in_parallel(
    registry: Registry, pushes: Sequence[Callable[[Connection], object]]
) -> None:
    def client(number: int) -> None:
        with Connection(registry.endpoint) as connection:
            for push in pushes[number::_FILLERS]:
                push(connection)

    with ThreadPoolExecutor(_FILLERS) as pool:
        for future in [pool.submit(client, number) for number in range(_FILLERS)]:
            future.result()
