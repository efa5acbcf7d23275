"""Alternating rounds of work, with the server's processor time and memory beside."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from bench import machine
from bench.errors import BenchmarkError
from bench.servers import COPY, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.works import Work

_MUCH_BYTES = 100_000_000
"""Stored by a round: enough for the memory of the page cache to matter."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one work on one subject."""

    rate: float
    cost: float | None
    p50_ms: float | None
    p99_ms: float | None
    peak_memory_mb: float | None
    generator_share: float
    others_share: float  # cores that programs outside of the benchmark used


@dataclass(slots=True)
class Result:
    """All rounds of one work, by subject."""

    work: Work
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def median(self, subject: str, quantity: str) -> float | None:
        """Return the median of a sample's attribute over the rounds."""
        values = [getattr(sample, quantity) for sample in self.samples.get(subject, [])]
        known = [value for value in values if value is not None]
        return median(known) if known else None

    def ratio(self, quantity: str, subject: str, other: str) -> float | None:
        """Divide one subject's median by another's."""
        ours, theirs = self.median(subject, quantity), self.median(other, quantity)
        return None if ours is None or not theirs else ours / theirs


def measure(
    work: Work, subjects: Sequence[Subject], *, rounds: int, seconds: float
) -> tuple[Result, list[str]]:
    """Prepare and warm every subject, then measure them in turn.

    A subject that fails is left out of the work's further rounds; the second value
    tells of every failure.
    """
    result, failures = Result(work), list[str]()
    able = [subject for subject in subjects if work.suits(subject)]
    for turn in range(-1, 1 if work.is_single else rounds):
        # Odd rounds run backwards, so that nobody always comes after the same one.
        for subject in able[:: -1 if turn % 2 else 1]:
            try:
                if turn < 0:
                    work.prepare(subject)
                    if not work.is_single:
                        work.run(subject, min(1.0, seconds / 2))
                else:
                    sample = _measure_once(work, subject, seconds)
                    result.samples.setdefault(subject.name, []).append(sample)
            except (BenchmarkError, OSError, LookupError, ValueError) as error:
                # Not only a wrong status: also no connection, and an odd document.
                text = str(error) if isinstance(error, BenchmarkError) else repr(error)
                failures.append(f"{subject.name}: {work.title}: {text}")
                result.samples.pop(subject.name, None)
                able = [other for other in able if other is not subject]
    return result, failures


def _measure_once(work: Work, subject: Subject, seconds: float) -> Sample:
    machine.warm_page_cache(subject.folder, work.stored_bytes)
    os.sync()  # nobody pays for the pages that the one before left dirty
    if subject.pids:
        machine.reset_peak_memory(subject.pids)
        before = machine.cpu_seconds(subject.pids)
    started = time.time()
    busy, own, began = machine.busy_seconds(), os.times(), time.perf_counter()
    outcome = work.run(subject, seconds)
    others = machine.busy_seconds() - busy - (sum(os.times()[:4]) - sum(own[:4]))
    elapsed = time.perf_counter() - began
    cpu: float | None = None
    peak_mb: float | None = None
    if subject.pids:
        cpu = machine.cpu_seconds(subject.pids) - before
        others -= cpu
        peak_mb = machine.peak_memory_mb(subject.pids)
    elif subject.name == COPY:
        cpu = outcome.generator_cpu_seconds
    if work.stored_bytes >= _MUCH_BYTES:
        machine.forget_cached(subject.folder, started)
    unit = work.unit
    return Sample(
        rate=outcome.amount / outcome.seconds * unit.rate_scale,
        cost=None if cpu is None else cpu / outcome.amount * unit.cost_scale,
        p50_ms=outcome.p50_ms,
        p99_ms=outcome.p99_ms,
        peak_memory_mb=peak_mb,
        generator_share=outcome.generator_cpu_seconds / outcome.seconds,
        others_share=max(0.0, others / elapsed),
    )
