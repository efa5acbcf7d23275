"""Load generators, each light enough to leave the processor to the server."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.client import Connection, Endpoint
from bench.errors import BenchmarkError

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

# One client's turn: does a unit of work, returns its amount (1, or bytes).
Turn = Callable[[Connection], float]

_WRK_SCRIPT = """
local paths, requests, turn = {}, {}, 0
for line in io.lines("%(paths)s") do paths[#paths + 1] = line end
for line in io.lines("%(headers)s") do
  local name, text = line:match("^([^:]+): (.*)$")
  wrk.headers[name] = text
end
init = function(args)
  for i, path in ipairs(paths) do requests[i] = wrk.format("GET", path) end
end
request = function()
  turn = turn %% #requests + 1
  return requests[turn]
end
done = function(summary, latency, unused)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {"requests":%%d,"us":%%d,"bytes":%%d,"status":%%d,"broken":%%d,' ..
    '"p50_us":%%d,"p99_us":%%d}\\n',
    summary.requests, summary.duration, summary.bytes, e.status,
    e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(slots=True)
class Outcome:
    """What one measurement did: how much, how long, how each unit fared."""

    amount: float = 0.0
    seconds: float = 0.0
    p50_ms: float | None = None
    p99_ms: float | None = None
    generator_cpu_seconds: float = 0.0
    durations: list[float] = field(default_factory=list)

    def settle(self) -> Outcome:
        """Work out the percentiles from the durations, where there are enough."""
        ordered = sorted(self.durations)
        if len(ordered) >= 5:
            self.p50_ms = ordered[len(ordered) // 2] * 1000
        if len(ordered) >= 100:
            self.p99_ms = ordered[int(len(ordered) * 0.99)] * 1000
        return self


@contextmanager
def stopwatch(outcome: Outcome) -> Iterator[None]:
    """Add elapsed time and this program's own processor time to the outcome."""
    cpu, started = os.times(), time.perf_counter()
    yield
    outcome.seconds += time.perf_counter() - started
    outcome.generator_cpu_seconds += sum(os.times()[:4]) - sum(cpu[:4])


def joined(parts: Sequence[Outcome]) -> Outcome:
    """Make one outcome of several that came one after the other."""
    return Outcome(
        amount=sum(part.amount for part in parts),
        seconds=sum(part.seconds for part in parts),
        generator_cpu_seconds=sum(part.generator_cpu_seconds for part in parts),
        durations=[each for part in parts for each in part.durations],
    ).settle()


def run_wrk(  # a load has this many sides
    endpoint: Endpoint,
    paths: Sequence[str],
    headers: dict[str, str],
    *,
    connections: int,
    seconds: float,
    least_bytes: int,
) -> Outcome:
    """GET the paths in turn with ``wrk``.

    Raises:
        BenchmarkError: Any answer was no success, broke off, or is too short
            on average.
    """
    with tempfile.TemporaryDirectory() as folder:
        script, paths_file = Path(folder, "load.lua"), Path(folder, "paths")
        headers_file = Path(folder, "headers")
        paths_file.write_text("\n".join(paths))
        headers_file.write_text("\n".join(f"{k}: {v}" for k, v in headers.items()))
        names = {"paths": paths_file, "headers": headers_file}
        script.write_text(_WRK_SCRIPT % names)
        # wrk takes whole seconds only.
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        command += ["--timeout", "30s", "-s", str(script), endpoint.url]
        outcome = Outcome()
        with stopwatch(outcome):
            run = subprocess.run(command, capture_output=True, text=True, check=False)
    line = next((x for x in run.stdout.splitlines() if x.startswith("RESULT ")), None)
    if run.returncode != 0 or line is None:
        raise BenchmarkError(f"wrk failed: {run.stderr or run.stdout}")
    counted = json.loads(line.removeprefix("RESULT "))
    requests = counted["requests"]
    if counted["status"] or counted["broken"] or not requests:
        raise BenchmarkError(f"errors under wrk on {paths[0]}: {counted}")
    if counted["bytes"] < requests * least_bytes:
        raise BenchmarkError(f"short answers under wrk on {paths[0]}: {counted}")
    outcome.amount, outcome.seconds = requests, counted["us"] / 1e6
    outcome.p50_ms = counted["p50_us"] / 1000
    outcome.p99_ms = counted["p99_us"] / 1000
    return outcome


def run_heads(
    endpoint: Endpoint, request: bytes, *, connections: int, seconds: float
) -> Outcome:
    """Repeat a HEAD on many connections from one event loop (``wrk`` has no HEAD).

    Raises:
        BenchmarkError: An answer was not 200, or a connection ended.
    """
    outcome, poller = Outcome(), select.epoll()
    lines: dict[int, socket.socket] = {}
    started: dict[int, float] = {}
    partial: dict[int, bytes] = {}
    for _ in range(connections):
        line = endpoint.connect()
        lines[line.fileno()] = line
        poller.register(line, select.EPOLLIN)
    try:
        with stopwatch(outcome):
            deadline = time.perf_counter() + seconds
            for number, line in lines.items():
                started[number], partial[number] = time.perf_counter(), b""
                line.sendall(request)
            while (now := time.perf_counter()) < deadline:
                for number, _ in poller.poll(1.0):
                    line = lines[number]
                    answer = partial[number] + line.recv(65536)
                    if not answer.endswith(b"\r\n\r\n") and answer != partial[number]:
                        partial[number] = answer
                        continue
                    if not answer.startswith(b"HTTP/1.1 200"):
                        raise BenchmarkError(f"HEAD answered {answer[:300]!r}")
                    now = time.perf_counter()
                    outcome.durations.append(now - started[number])
                    started[number], partial[number] = now, b""
                    line.sendall(request)
    finally:
        for line in lines.values():
            line.close()
        poller.close()
    outcome.amount = len(outcome.durations)
    return outcome.settle()


def run_for(endpoint: Endpoint, turn: Turn, *, clients: int, seconds: float) -> Outcome:
    """Let clients take turns, each on its own connection, until time is up."""

    def work(connection: Connection, outcome: Outcome) -> None:
        deadline = time.perf_counter() + seconds
        while (began := time.perf_counter()) < deadline:
            outcome.amount += turn(connection)
            outcome.durations.append(time.perf_counter() - began)

    return _in_threads(endpoint, [work] * clients)


def run_once(endpoint: Endpoint, shares: Sequence[Sequence[Turn]]) -> Outcome:
    """Let each client work off its share of turns, all at the same time."""

    def worker(share: Sequence[Turn]) -> Callable[[Connection, Outcome], None]:
        def work(connection: Connection, outcome: Outcome) -> None:
            for turn in share:
                began = time.perf_counter()
                outcome.amount += turn(connection)
                outcome.durations.append(time.perf_counter() - began)

        return work

    return _in_threads(endpoint, [worker(share) for share in shares])


def _in_threads(
    endpoint: Endpoint, works: Sequence[Callable[[Connection, Outcome], None]]
) -> Outcome:
    parts = [Outcome() for _ in works]
    ready = threading.Barrier(len(works) + 1)

    def client(number: int) -> None:
        with Connection(endpoint) as connection:
            ready.wait()
            works[number](connection, parts[number])

    total = Outcome()
    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(client, number) for number in range(len(works))]
        ready.wait()
        with stopwatch(total):
            for future in running:
                future.result()
    total.amount = sum(part.amount for part in parts)
    total.durations = [x for part in parts for x in part.durations]
    return total.settle()
