"""The tables: printed, and as the page of the documentation."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.servers import COPY, DOCKER_REGISTRY, MOORAGE, NGINX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measuring import Result
    from bench.servers import Subject

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
_ABSENT = "-"
_LIMITS = (NGINX, COPY)
_BUSY_GENERATOR = 0.9

_INTRODUCTION = """\
# Benchmarks

This page is written by `python -m bench --write`; do not edit it.

In one run, all servers alive at the same time, taking turns; every figure is the median
of the rounds, after one round that does not count. Ratios carry over to other machines,
absolute figures do not.

- Machine: {machine}.
- What ran: {extent}; {rounds} rounds.
- Other programs meanwhile: {others:.2f} cores (median; under 0.2 is a quiet machine).

What is compared:

- **Moorage**, as installed, every setting at its default: SQLite, local files, every
  upload fsynced, authentication on, a bearer token checked on every request.
- **docker-registry**, Debian's package, version 2.8.2: local files, descriptor cache in
  memory, no login, its logs off. It does not fsync.
- **nginx**, the same bytes as static files: what pulling costs at least.
- **durable copy**: SHA-256 by `hashlib`, write and fsync of the same bytes by a single
  thread: what storing costs at least.

To repeat it (needs the Debian packages `docker-registry`, `nginx` and `wrk`, and 40 GB
of disk below `TMPDIR`, which must not be kept in memory):

    make bench              # everything, under half an hour
    make bench QUICK=1      # the core, under five minutes

Or in parts, `--help` tells of more:

    python -m bench --write                                        # and this page
    python -m bench --only 'manifest|tag list'                     # some of the work
    python -m bench --target zot=http://127.0.0.1:5001             # one more registry
    python -m bench --target other=https://registry.example,user:password

A run with a single wrong status, short body or missing tag prints what failed, ends
with an error and writes no page.
"""

_READING = """\
## How to read it

- Rates: higher is better. A ratio is Moorage over the other: above 1 Moorage is ahead
  on rates, below 1 it is ahead on times, processor time and memory. **Bold**: behind.
- Manifests and small blobs are read by `wrk`, HEAD by an event loop, everything else by
  Python threads with prepared requests; generator and servers share the cores. Where
  the generator itself was busy for more than nine tenths of a core, the row is marked
  with `*`: the server could have done more.
- A small image is three layers of 16 KiB, a configuration and a manifest, all new, each
  blob by HEAD, POST, PATCH, PUT. The pulled image has eight layers of 64 KiB; a pull is
  HEAD by tag, GET by digest, and nine blobs.
- docker-registry 2.8.2 cannot cut its tag list into pages: asked for a page it sends
  the whole list, in no order.
- Processor time is the server's whole process tree, from the kernel's accounting.
  Peak memory is the sum of the processes' highest resident sizes during the work:
  pages that processes share, and files mapped into memory, are counted in each.
- Before every measurement dirty pages are written back, so that no server pays for
  another, and before an upload as many pages of the page cache are put to use and
  given back, because a virtual machine's fresh pages cost extra.
"""


class Report:
    """Results in the order in which they were measured."""

    def __init__(self, subjects: Sequence[Subject], results: Sequence[Result]) -> None:
        self._subjects = subjects
        self._results = [result for result in results if result.samples]
        self._names = [subject.name for subject in subjects]

    def text(self) -> str:
        """Render the tables for a terminal; Markdown reads well there too."""
        return "\n\n".join(self._tables())

    def page(self, machine: str, rounds: int, extent: str) -> str:
        """Render the documentation page.

        Args:
            machine: What it was measured on.
            rounds: How often.
            extent: Whether it was everything.
        """
        introduction = _INTRODUCTION.format(
            machine=machine, rounds=rounds, extent=extent, others=self.others_share()
        )
        return "\n".join([introduction, "\n\n".join(self._tables()), "", _READING])

    def others_share(self) -> float:
        """Return how many cores programs that are no part of this used meanwhile."""
        shares = [
            sample.others_share
            for result in self._results
            for samples in result.samples.values()
            for sample in samples
        ]
        return median(shares) if shares else 0.0

    def document(self) -> str:
        """Render every sample as JSON, for plots."""
        rows = [
            {
                "work": result.work.title,
                "unit": result.work.unit.rate_name,
                "cost": result.work.unit.cost_name,
                "samples": {
                    name: [asdict(sample) for sample in samples]
                    for name, samples in result.samples.items()
                },
            }
            for result in self._results
        ]
        return json.dumps(rows, indent=1)

    def _tables(self) -> list[str]:
        return [
            "## Rates\n\n" + self._rates(),
            "## Processor time\n\n" + self._costs(),
            "## Times of one request or image, ms\n\n" + self._times(),
            "## Peak memory, MB\n\n" + self._memory(),
            "## Start and rest\n\n" + self._start(),
        ]

    def _rates(self) -> str:
        head = ["work", "unit", *self._names, "ratio", "goal", "of the limit"]
        rows = [
            [
                result.work.title + self._mark(result),
                result.work.unit.rate_name,
                *self._values(result, "rate"),
                self._ratio(result, "rate", DOCKER_REGISTRY, higher=True),
                _ABSENT if result.work.goal is None else f"{result.work.goal:g}",
                self._limit(result, "rate"),
            ]
            for result in self._results
        ]
        return _table(head, rows)

    def _costs(self) -> str:
        head = ["work", "unit", *self._names, "ratio", "of the limit"]
        rows = [
            [
                result.work.title,
                result.work.unit.cost_name.removeprefix("CPU "),
                *self._values(result, "cost"),
                self._ratio(result, "cost", DOCKER_REGISTRY, higher=False),
                self._limit(result, "cost"),
            ]
            for result in self._results
        ]
        return _table(head, rows)

    def _times(self) -> str:
        head = ["work", "", *self._names, "ratio"]
        rows = [
            [
                result.work.title,
                name,
                *self._values(result, quantity),
                self._ratio(result, quantity, DOCKER_REGISTRY, higher=False),
            ]
            for result in self._results
            for name, quantity in (("p50", "p50_ms"), ("p99", "p99_ms"))
            if any(result.median(x, quantity) is not None for x in self._names)
        ]
        return _table(head, rows)

    def _memory(self) -> str:
        rows = [
            [
                result.work.title,
                *self._values(result, "peak_memory_mb"),
                self._ratio(result, "peak_memory_mb", DOCKER_REGISTRY, higher=False),
            ]
            for result in self._results
        ]
        return _table(["work", *self._names, "ratio"], rows)

    def _start(self) -> str:
        started = [x for x in self._subjects if x.start_seconds is not None]
        rows = [
            ["start to first answer, s", *(_number(x.start_seconds) for x in started)],
            [
                "memory at rest, all processes, MB (proportional)",
                *(_number(x.idle_memory_mb) for x in started),
            ],
        ]
        return _table(["", *(x.name for x in started)], rows)

    def _values(self, result: Result, quantity: str) -> list[str]:
        return [_number(result.median(name, quantity)) for name in self._names]

    @staticmethod
    def _ratio(result: Result, quantity: str, other: str, *, higher: bool) -> str:
        ratio = result.ratio(quantity, MOORAGE, other)
        if ratio is None:
            return _ABSENT
        is_behind = ratio < 1 if higher else ratio > 1
        return f"**{_number(ratio)}**" if is_behind else _number(ratio)

    @staticmethod
    def _limit(result: Result, quantity: str) -> str:
        ratios = [result.ratio(quantity, MOORAGE, limit) for limit in _LIMITS]
        return _number(next((ratio for ratio in ratios if ratio is not None), None))

    @staticmethod
    def _mark(result: Result) -> str:
        share = result.median(MOORAGE, "generator_share")
        return " `*`" if share is not None and share > _BUSY_GENERATOR else ""


def _number(value: float | None) -> str:
    if value is None:
        return _ABSENT
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    widths = [
        max(len(row[column]) for row in [head, *rows]) for column in range(len(head))
    ]
    # Texts stand left, figures right.
    texts = 2 if "unit" in head or "" in head[1:] else 1

    def line(row: list[str]) -> str:
        cells = [
            cell.ljust(width) if column < texts else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    rule = [
        "-" * width if column < texts else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    return "\n".join([line(head), f"| {' | '.join(rule)} |", *map(line, rows)])
