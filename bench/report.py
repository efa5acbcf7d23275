"""The tables: printed, and as the page of the documentation."""

from __future__ import annotations

import json
from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING

from bench.servers import COPY, MOORAGE, NGINX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measuring import Result
    from bench.pages import Comparison
    from bench.servers import Subject

_ABSENT = "-"
_LIMITS = (NGINX, COPY)
_BUSY_GENERATOR = 0.9


class Report:
    """Results in the order in which they were measured."""

    def __init__(
        self,
        subjects: Sequence[Subject],
        results: Sequence[Result],
        comparisons: Sequence[Comparison],
    ) -> None:
        self._subjects = subjects
        self._results = [result for result in results if result.samples]
        self._names = [subject.name for subject in subjects]
        self._comparisons = [
            each for each in comparisons if {each.subject, each.other} <= {*self._names}
        ]

    def text(self) -> str:
        """Render the tables for a terminal; Markdown reads well there too."""
        return "\n\n".join(self._tables())

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
        head = ["work", "unit", *self._names, *self._titles(), "goal", "of the limit"]
        rows = [
            [
                result.work.title + self._mark(result),
                result.work.unit.rate_name,
                *self._values(result, "rate"),
                *self._ratios(result, "rate", higher=True),
                _ABSENT if result.work.goal is None else f"{result.work.goal:g}",
                self._limit(result, "rate"),
            ]
            for result in self._results
        ]
        return _table(head, rows)

    def _costs(self) -> str:
        head = ["work", "unit", *self._names, *self._titles(), "of the limit"]
        rows = [
            [
                result.work.title,
                result.work.unit.cost_name.removeprefix("CPU "),
                *self._values(result, "cost"),
                *self._ratios(result, "cost", higher=False),
                self._limit(result, "cost"),
            ]
            for result in self._results
        ]
        return _table(head, rows)

    def _times(self) -> str:
        head = ["work", "", *self._names, *self._titles()]
        rows = [
            [
                result.work.title,
                name,
                *self._values(result, quantity),
                *self._ratios(result, quantity, higher=False),
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
                *self._ratios(result, "peak_memory_mb", higher=False),
            ]
            for result in self._results
        ]
        return _table(["work", *self._names, *self._titles()], rows)

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

    def _titles(self) -> list[str]:
        return [each.title for each in self._comparisons]

    def _ratios(self, result: Result, quantity: str, *, higher: bool) -> list[str]:
        ratios = [
            result.ratio(quantity, each.subject, each.other)
            for each in self._comparisons
        ]
        return [_compared(ratio, higher=higher) for ratio in ratios]

    @staticmethod
    def _limit(result: Result, quantity: str) -> str:
        ratios = [result.ratio(quantity, MOORAGE, limit) for limit in _LIMITS]
        return _number(next((ratio for ratio in ratios if ratio is not None), None))

    @staticmethod
    def _mark(result: Result) -> str:
        share = result.median(MOORAGE, "generator_share")
        return " `*`" if share is not None and share > _BUSY_GENERATOR else ""


def _compared(ratio: float | None, *, higher: bool) -> str:
    if ratio is None:
        return _ABSENT
    is_behind = ratio < 1 if higher else ratio > 1
    return f"**{_number(ratio)}**" if is_behind else _number(ratio)


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
