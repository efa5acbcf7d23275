"""``python -m bench.runs``: very many tags previewed, deleted by one call, and undone.

Over HTTP, from the call until its job is done, while somebody pushes to the same
repository and to another one. An answer that is not as it must be ends the run with an
error.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import machine, servers
from bench.client import Connection
from bench.errors import BenchmarkError
from bench.images import Image
from bench.planting import plant_tags
from bench.registry import expect
from contract.many_tags import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.servers import Subject

_SERVERS = {"SQLite": servers.moorage, "PostgreSQL": servers.moorage_on_postgres}
_MANY, _OTHER = "root/runs/many", "root/runs/other"
_RULES = "name_regex_delete=.*"
_LOOK_SECONDS = 0.05
_LONGEST_SECONDS = 600.0
_IDLE_SECONDS = 3.0
_PUSH_PAUSE_SECONDS = 0.02


@dataclass(slots=True)
class Run:
    """What one call took from beginning to end, and pushes meanwhile."""

    title: str
    seconds: float
    pushes_ms: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        figures = [f"{self.seconds:.2f}"]
        times = sorted(self.pushes_ms)
        figures += [f"{median(times):.0f}", f"{times[-1]:.0f}", f"{len(times)}"]
        return f"| {self.title} | {' | '.join(figures)} |"


class Client:
    """Somebody who calls the API and pushes images."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._registry = subject.get_registry()
        self.repository = ""

    def call(self, method: str, address: str, status: int) -> Any:
        """Call the API; return what it answers with a status."""
        request = (
            f"{method} {address} HTTP/1.1\r\n"
            f"Host: {self._registry.endpoint.authority}\r\n"
            f"PRIVATE-TOKEN: {self._subject.private_token}\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        with Connection(self._registry.endpoint) as line:
            answer = line.exchange(request.encode())
            return answer.header("Location"), json.loads(
                expect(answer, status, address).body
            )

    def push(self, line: Connection, path: str, image: Image) -> float:
        """Push a manifest as ``latest``; return how many milliseconds that took."""
        began = time.perf_counter()
        self._registry.push_manifest(line, path, "latest", image.manifest)
        return (time.perf_counter() - began) * 1000

    def line(self) -> Connection:
        """Open a connection."""
        return Connection(self._registry.endpoint)

    def prepare(self, tags: int) -> list[Image]:
        """Have a repository with many tags, and another; return two images of both."""
        images = [Image.build(1, 1024) for _ in range(2)]
        with self.line() as line:
            for path in (_MANY, _OTHER):
                for image in images:
                    self._registry.push_image(line, path, "latest", image)
        plant_tags(self._subject, _MANY, [name_of(at) for at in range(tags)])
        escaped = _MANY.replace("/", "%2F")
        _, found = self.call(
            "GET", f"/api/v4/registry/repositories/by-path/{escaped}", 200
        )
        project = found["project_id"]
        self.repository = f"/api/v4/projects/{project}/registry/repositories"
        self.repository += f"/{found['id']}"
        return images

    def finish(self, location: str) -> Any:
        """Wait for a job; return what it says."""
        address = "/api/v4" + location.partition("/api/v4")[2]
        deadline = time.monotonic() + _LONGEST_SECONDS
        while time.monotonic() < deadline:
            _, job = self.call("GET", address, 200)
            if job["state"] not in ("queued", "running"):
                if job["state"] != "succeeded":
                    raise BenchmarkError(f"{address}: {job}")
                return job
            time.sleep(_LOOK_SECONDS)
        raise BenchmarkError(f"{address} takes too long")


def _measure(client: Client, tags: int) -> Iterator[Run]:
    images = client.prepare(tags)
    yield _beside(client, images, "nothing", lambda: time.sleep(_IDLE_SECONDS))
    preview = f"{client.repository}/tags?{_RULES}&dry_run=true"

    def look() -> None:
        _, plan = client.call("DELETE", preview, 200)
        _check("previewed", plan["summary"]["delete"], tags)

    yield _beside(client, images, "preview", look)
    jobs = list[int]()

    def delete() -> None:
        location, _ = client.call("DELETE", f"{client.repository}/tags?{_RULES}", 202)
        job = client.finish(location)
        _check("deleted", job["result"]["deleted"], tags)
        jobs.append(job["id"])

    yield _beside(client, images, "delete", delete)

    def undo() -> None:
        address = f"/api/v4/registry/jobs/{jobs[0]}/undo"
        location, _ = client.call("POST", address, 202)
        _check("restored", client.finish(location)["result"]["restored"], tags)

    yield _beside(client, images, "undo", undo)


def _check(what: str, number: int, tags: int) -> None:
    if number != tags:
        raise BenchmarkError(f"{what} {number} tags, not {tags}")


def _beside(
    client: Client, images: list[Image], title: str, work: Callable[[], None]
) -> Run:
    """Do something while somebody moves the tag latest of both repositories."""
    run, done = Run(title, 0.0), threading.Event()
    failures = list[BaseException]()

    def push() -> None:
        at = 0
        try:
            with client.line() as line:
                while not done.wait(_PUSH_PAUSE_SECONDS):
                    at += 1
                    path, image = (_MANY, _OTHER)[at % 2], images[at // 2 % 2]
                    run.pushes_ms.append(client.push(line, path, image))
        except BenchmarkError as error:
            failures.append(error)

    pusher = threading.Thread(target=push)
    pusher.start()
    began = time.perf_counter()
    try:
        work()
        run.seconds = time.perf_counter() - began
    finally:
        done.set()
        pusher.join()
    if failures:
        raise failures[0]
    return run


def main() -> int:
    """Measure; the exit status tells whether every answer was right."""
    parser = argparse.ArgumentParser(prog="python -m bench.runs", description=__doc__)
    parser.add_argument("--on", action="append", choices=_SERVERS, help="repeatable")
    parser.add_argument("--tags", type=int, default=100_000, help="(default: 100,000)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers end too
    for name in arguments.on or _SERVERS:
        print(f"{name}, {arguments.tags:,} tags; {machine.describe()}.\n")
        print("| | s | push, median ms | longest ms | pushes |\n|---|--:|--:|--:|--:|")
        with (
            tempfile.TemporaryDirectory(prefix="moorage-runs-") as folder,
            _SERVERS[name](Path(folder)) as subject,
        ):
            try:
                for run in _measure(Client(subject), arguments.tags):
                    print(run, flush=True)
            except BenchmarkError as error:
                print(f"FAILED {error}", file=sys.stderr)
                return 1
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
