"""``python -m bench.scale``: what calls cost in a small and in a large estate.

Servers over estates of both sizes take turns at the same calls. An answer that is not
as it must be ends the run with an error.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from bench import machine, scale_page, servers
from bench.client import Connection
from bench.errors import BenchmarkError
from bench.estates import Place, PostgresSink, Shape, SqliteSink, fill, path_of
from bench.registry import expect
from bench.scale_calls import all_calls
from bench.scale_page import Row, Section

if TYPE_CHECKING:
    from bench.client import Response
    from bench.servers import Subject

_WARM_UP = 5

_SMALL = Shape(tags=1_000, repositories=100, others=10)
_LARGE = Shape(tags=1_000_000, repositories=1_000, others=10)
_HUGE = Shape(tags=1_000_000, repositories=100_000, others=90, projects=100)

ESTATES = {
    "SQLite": (servers.moorage, _LARGE),
    "PostgreSQL": (servers.moorage_on_postgres, _LARGE),
    "PostgreSQL, ten million tags": (servers.moorage_on_postgres, _HUGE),
}


class Estate:
    """A server over an estate, and a client with one connection to it."""

    def __init__(self, subject: Subject, shape: Shape) -> None:
        self.shape = shape
        self._subject = subject
        self._line = Connection(subject.get_registry().endpoint)
        self._places = self._make_projects()

    def fill(self) -> None:
        """Put the repositories and tags into the server's database."""
        if self._subject.database_url:
            sink: PostgresSink | SqliteSink = PostgresSink(self._subject.database_url)
        else:
            sink = SqliteSink(self._subject.folder / "data" / "moorage.db")
        fill(sink, self.shape, self._places, _say)

    @property
    def project(self) -> str:
        """The address of the first project."""
        return f"/api/v4/projects/{self._places[0].project_id}"

    @property
    def group(self) -> str:
        """The address of the group."""
        return f"/api/v4/groups/{self._places[0].namespace_id}"

    @property
    def repository(self) -> str:
        """The address of the repository that is looked at."""
        return f"{self.project}/registry/repositories/1"

    @property
    def path(self) -> str:
        """The name by which that repository is pulled."""
        return path_of(self.shape, self._places, 0)

    @property
    def path_of_middle(self) -> str:
        """The name by which the repository in the middle is pulled."""
        return path_of(self.shape, self._places, self.shape.repositories // 2)

    def last_page(self, order: str) -> str:
        """Return the address of a list's last page, by the mark of a keyset link."""
        tags = f"{self.repository}/tags?pagination=keyset&order_by={order}"
        link = self.get(f"{tags}&sort=desc").header("Link") or ""
        query = urlsplit(link.partition("<")[2].partition(">")[0]).query
        return f"{tags}&last={quote(parse_qs(query)['last'][0])}"

    def reconnect(self) -> None:
        """Begin with a new connection: a server ends those that are idle."""
        self._line.close()

    def get(self, address: str) -> Response:
        """Read what is there."""
        answer = self._line.exchange(self._request("GET", address))
        return expect(answer, 200, address)

    def time_ms(self, address: str) -> float:
        """Return how long an answer takes."""
        request = self._request("GET", address)
        began = time.perf_counter()
        answer = self._line.exchange(request)
        taken = (time.perf_counter() - began) * 1000
        expect(answer, 200, address)
        return taken

    def _make_projects(self) -> list[Place]:
        group = self._create("groups", name="estate", path="estate")
        projects = [
            self._create("projects", name=f"p{at:03}", namespace_id=group["id"])
            for at in range(self.shape.projects)
        ]
        return [
            Place(project["id"], group["id"], project["path_with_namespace"])
            for project in projects
        ]

    def _create(self, what: str, **content: object) -> Any:
        address = f"/api/v4/{what}"
        request = self._request("POST", address, json.dumps(content).encode())
        answer = self._line.exchange(request)
        return json.loads(expect(answer, 201, address).body)

    def _request(self, method: str, address: str, body: bytes = b"") -> bytes:
        token = self._subject.private_token
        login = base64.b64encode(f"root:{token}".encode()).decode()
        in_api = address.startswith("/api/")
        lines = [
            f"{method} {address} HTTP/1.1",
            f"Host: {self._subject.get_registry().endpoint.authority}",
            f"PRIVATE-TOKEN: {token}" if in_api else f"Authorization: Basic {login}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


def _measure(small: Estate, large: Estate, rounds: int, only: str) -> list[Row]:
    """Let both answer each call, by turns."""
    rows = []
    for call in all_calls():
        if not re.search(only, call.title):
            continue
        addresses = [(estate, call.address(estate)) for estate in (small, large)]
        for estate, address in addresses * _WARM_UP:
            estate.get(address)
        taken = [
            [estate.time_ms(address) for estate, address in addresses]
            for _ in range(rounds)
        ]
        rows.append(Row(call.title, *map(median, zip(*taken, strict=True))))
        _say(str(rows[-1]))
    return rows


def _run(name: str, arguments: argparse.Namespace, folder: Path) -> Section:
    serve, shape = ESTATES[name]
    with ExitStack() as stack:
        estates = []
        for size in (_SMALL, shape):
            home = folder / f"{size.all_tags}"
            home.mkdir()
            estates.append(Estate(stack.enter_context(serve(home)), size))
            began = time.monotonic()
            estates[-1].fill()
            _say(f"{size} filled in {time.monotonic() - began:.0f} s")
        for estate in estates:
            estate.reconnect()
        small, large = estates
        rows = _measure(small, large, arguments.rounds, arguments.only)
    note = (
        f"{shape.all_tags:,} tags in {shape.repositories:,} repositories of"
        f" {shape.projects:,} {'projects' if shape.projects > 1 else 'project'};"
        f" {arguments.rounds} rounds; {machine.describe()}."
    )
    return Section(name, note, rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument(
        "--estate", action="append", choices=ESTATES, help="which; repeatable"
    )
    parser.add_argument("--only", default="", help="pattern that a call's title has")
    parser.add_argument("--rounds", type=int, default=25, help="(default: 25)")
    parser.add_argument(
        "--write", action="store_true", help="write the page in docs/ as well"
    )
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Measure; the exit status tells whether every answer was right."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers end too
    for name in arguments.estate or ESTATES:
        with tempfile.TemporaryDirectory(prefix="moorage-scale-") as folder:
            try:
                section = _run(name, arguments, Path(folder))
            except BenchmarkError as error:
                _say(f"FAILED {error}")
                return 1
        print(section)
        if arguments.write:
            scale_page.write([section])
    return 0


if __name__ == "__main__":
    sys.exit(main())
