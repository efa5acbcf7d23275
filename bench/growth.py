"""``python -m bench.growth``: how times grow with the number of tags, as a plot."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench import load, machine
from bench.collection import CollectHalf
from bench.errors import BenchmarkError
from bench.lists import GitLabTagDetail, GitLabTagList, TagPage, TagStock
from bench.measuring import measure
from bench.plan import quick_scale
from bench.pushes import ImagePush
from bench.servers import MOORAGE, Role, Subject, moorage, program
from bench.works import Scale, Unit, Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.load import Outcome

COUNTS = (1_000, 10_000, 100_000, 1_000_000)
_ROUNDS = 5
_SECONDS = 1.0
_DOCS = Path(__file__).resolve().parent.parent / "docs"
_ORDERS = ("version", "created", "pushed", "pulled", "size")

_PAGE = """\
# Growth

This page and its plot are written by `python -m bench.growth --write`; do not edit them
(it needs Debian's `gnuplot-nox`, and ten minutes).

One repository of a Moorage with every setting at its default (SQLite, local files) has
so many tags, a tenth as many images; the tags were put straight into the database. One
client asks over HTTP; every figure is the median time of a request in ms, over five
rounds, of a whole small image (three layers, configuration, manifest) for the push, and
of one image's share for a collection after half of 1,000 others were deleted.

- Machine: {machine}.

![Times by number of tags](growth.svg)

{table}
"""

_PLOT = """\
set terminal svg size 900,620 font "sans-serif,12" background "white"
set output "{target}"
set datafile separator "\\t"
set logscale xy
set xrange [700:1400000]
set yrange [0.1:200]
set format x "10^{{%L}}"
set xlabel "tags in the repository"
set ylabel "ms"
set grid
set key outside right
plot for [n=2:{columns}] "{data}" using 1:n with linespoints title columnheader(n)
"""


class PushAmongTags(Work):
    """Whole small images, pushed by one client to the repository of many tags."""

    unit = Unit.IMAGES
    roles = frozenset({Role.PUSH})

    def __init__(self, scale: Scale, stock: TagStock) -> None:
        super().__init__("small image push, 1 client", scale)
        self._stock = stock

    def prepare(self, subject: Subject) -> None:
        """Have the tags there."""
        self._stock.fill(subject)

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Push twenty images, whatever time they take."""
        del seconds
        registry = subject.get_registry()
        turns = [ImagePush.turn(registry, self._stock.repository) for _ in range(20)]
        return load.run_once(registry.endpoint, [turns])


def works(count: int) -> dict[str, Work]:
    """Name what is measured on a repository of so many tags."""
    scale = quick_scale("root/bench")
    stock = TagStock(scale, count, most_pushed=0)

    def tags(what: str, query: str, rows: int = 20) -> Work:
        return GitLabTagList(scale, stock, what, f"per_page=20&{query}", rows)

    middle = stock.tags[count // 2]
    return {
        "registry, first page of 100": TagPage(scale, stock, middle=False),
        "registry, middle page of 100": TagPage(scale, stock, middle=True),
        "GitLab, first page of 20": tags("first", ""),
        "GitLab, last page by keyset": tags(
            "last", f"pagination=keyset&last={stock.tags[-21]}"
        ),
        **{
            f"GitLab, by {order}": tags(order, f"order_by={order}&sort=desc")
            for order in _ORDERS
        },
        "GitLab, search with one hit": tags("search", f"search={middle}", 1),
        "GitLab, search in the middle": tags("search", "search=ild-00000"),
        "GitLab, details": tags("details", "details=true"),
        "GitLab, detail of a tag": GitLabTagDetail(scale, stock),
        "push of a small image": PushAmongTags(scale, stock),
        "collection, per image": CollectHalf(scale, f"tagged-{count}"),
    }


def measured(count: int) -> dict[str, float]:
    """Measure everything on a server of its own; times in ms.

    Raises:
        BenchmarkError: A server did not do what was asked.
    """
    times = {}
    with (
        tempfile.TemporaryDirectory(prefix="moorage-growth-") as folder,
        moorage(Path(folder)) as subject,
    ):
        for name, work in works(count).items():
            result, failures = measure(
                work, [subject], rounds=_ROUNDS, seconds=_SECONDS
            )
            if failures:
                raise BenchmarkError(failures[0])
            rate = result.median(MOORAGE, "rate") or 0.0
            times[name] = result.median(MOORAGE, "p50_ms") or 1000 / rate
            print(f"{count:,} tags: {name}: {times[name]:.2f} ms", flush=True)
    return times


def _table(rows: dict[int, dict[str, float]]) -> str:
    head = ["ms", *(f"{count:,}" for count in rows), "largest : smallest"]
    lines = [head, ["---", *("---:" for _ in head[1:])]]
    first, last = rows[min(rows)], rows[max(rows)]
    for name in first:
        figures = [f"{times[name]:.2f}" for times in rows.values()]
        lines.append([name, *figures, f"{last[name] / first[name]:.2f}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _draw(rows: dict[int, dict[str, float]], target: Path) -> None:
    names = list(rows[min(rows)])
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        lines = ["\t".join(["tags", *names])]
        for count, times in rows.items():
            lines.append("\t".join(map(str, [count, *times.values()])))
        data.write_text("\n".join(lines))
        script = _PLOT.format(target=target, data=data, columns=len(names) + 1)
        subprocess.run([program("gnuplot"), "-"], input=script, text=True, check=True)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, write page and plot where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument(
        "--most", type=int, default=COUNTS[-1], help="leave larger ones out"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the page in docs/ as well"
    )
    arguments = parser.parse_args(words)
    rows = {count: measured(count) for count in COUNTS if count <= arguments.most}
    print(_table(rows))
    if arguments.write:
        _draw(rows, _DOCS / "growth.svg")
        page = _PAGE.format(machine=machine.describe(), table=_table(rows))
        (_DOCS / "growth.md").write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
