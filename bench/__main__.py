"""``python -m bench``: measure, print the tables, fail loudly on any error."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine, servers
from bench.errors import BenchmarkError
from bench.measuring import Result, measure
from bench.pages import BACKENDS, PEERS
from bench.plan import all_works, full_scale, quick_scale
from bench.report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

_GB = 1 << 30
_NOISY_CORES = 0.2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        default=_is_set("QUICK"),
        help="the core, in under five minutes (or QUICK=1 in the environment)",
    )
    parser.add_argument(
        "--backends",
        action="store_true",
        default=_is_set("BACKENDS"),
        help="compare SQLite, PostgreSQL and S3 (or BACKENDS=1 in the environment)",
    )
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="NAME=URL[,USER:PASSWORD]",
        help="put another running registry beside the others; repeatable",
    )
    parser.add_argument(
        "--servers",
        help=f"which local ones to start, of: {', '.join(servers.LOCAL)}",
    )
    parser.add_argument("--only", default="", help="pattern that a work's title has")
    parser.add_argument("--rounds", type=int, help="rounds (default: 5, quick 3)")
    parser.add_argument("--seconds", type=float, help="length of one measurement")
    parser.add_argument(
        "--namespace", default="root/bench", help="where to push (default: %(default)s)"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the page in docs/ as well"
    )
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    return parser.parse_args()


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "") not in {"", "0"}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _start(
    names: Sequence[str], targets: Sequence[str], stack: ExitStack, folder: Path
) -> list[servers.Subject]:
    subjects = []
    for name in names:
        if name not in servers.LOCAL:
            raise BenchmarkError(f"{name} is none of {', '.join(servers.LOCAL)}")
        home = folder / name.replace(" ", "-")
        home.mkdir()
        subjects.append(stack.enter_context(servers.LOCAL[name](home)))
        _say(f"started {name}")
    subjects += [servers.external(text, folder) for text in targets]
    return subjects


def _run(arguments: argparse.Namespace, folder: Path) -> list[str]:
    quick = arguments.quick
    rounds = arguments.rounds or (3 if quick else 5)
    seconds = arguments.seconds or (0.8 if quick else 1.2)
    needed = (8 if quick else 40) * _GB
    if shutil.disk_usage(folder).free < needed:
        raise BenchmarkError(f"{folder} has less than {needed // _GB} GB free")
    scale = (quick_scale if quick else full_scale)(arguments.namespace)
    works = [
        work
        for work in all_works(scale, quick=quick)
        if re.search(arguments.only, work.title)
    ]
    page = BACKENDS if arguments.backends else PEERS
    names = page.servers
    if arguments.servers is not None:
        names = tuple(filter(None, arguments.servers.split(",")))
    results, failures = list[Result](), list[str]()
    with ExitStack() as stack:
        subjects = _start(names, arguments.target, stack, folder)
        for work in works:
            if not any(work.suits(subject) for subject in subjects):
                continue
            began = time.monotonic()
            result, failed = measure(work, subjects, rounds=rounds, seconds=seconds)
            results.append(result)
            failures += failed
            figures = ", ".join(
                f"{name} {result.median(name, 'rate'):,.1f}" for name in result.samples
            )
            unit, took = work.unit.rate_name, time.monotonic() - began
            _say(f"{work.title}: {figures} {unit} ({took:.0f} s)")
            for text in failed:
                _say(f"  FAILED {text}")
    report = Report(subjects, results, page.comparisons)
    print(report.text())
    if report.others_share() > _NOISY_CORES:
        _say(f"NOISY: other programs used {report.others_share():.2f} cores meanwhile")
    if arguments.json:
        arguments.json.write_text(report.document())
    if arguments.write and not failures:
        extent = "the core (`QUICK=1`)" if quick else "everything"
        if arguments.only:
            extent += f", of it what matches `{arguments.only}`"
        page.path.write_text(
            page.render(
                report.text(),
                machine=machine.describe(),
                extent=extent,
                rounds=rounds,
                others=report.others_share(),
            )
        )
    return failures


def main() -> int:
    """Run the benchmark; the exit status tells whether all of it was right."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers end too
    with tempfile.TemporaryDirectory(prefix="moorage-bench-") as folder:
        try:
            failures = _run(arguments, Path(folder))
        except BenchmarkError as error:
            failures = [str(error)]
    for failure in failures:
        _say(f"FAILED {failure}")
    if failures:
        _say(f"the run had {len(failures)} failures; its figures do not count")
    return 1 if failures else 0


sys.exit(main())
