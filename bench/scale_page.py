"""The page of what calls cost in small and in large estates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path(__file__).resolve().parent.parent / "docs" / "scale.md"

GOAL_MS = 50.0
GOAL_RATIO = 1.5

_INTRODUCTION = """\
# What calls cost in a large estate

This page is written by `python -m bench.scale --write`; do not edit it.

Two servers, of which one has a repository with 1,000 tags and the other one with
1,000,000, take turns at the same calls over HTTP, by one client on one connection that
is kept. Medians in milliseconds; **bold**: more than 50 ms, or more than 1.5 times what
it costs with 1,000 tags. Such a ratio counts what the machine did besides, most of all
where little is to be done: `--rounds` and a quiet machine make it steady.

To repeat it (needs Debian's `postgresql`, and for ten million tags 25 GB of disk below
`TMPDIR` and ten minutes):

    python -m bench.scale                            # all estates
    python -m bench.scale --write                    # and write this page
    python -m bench.scale --estate SQLite --only 'tags by'

What costs more in the large estate, and why:

- A page in the middle by its number passes over half of the tags. Keyset pages do not.
- A search that finds more than 1,000 tags goes through the list in its order until the
  page is full: the longer, the rarer they are. Where they come late in the order, up to
  10,000 are sorted instead.
- A group's repositories are counted up to 10,000, as GitLab does.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of one call."""

    title: str
    small_ms: float
    large_ms: float

    def __str__(self) -> str:
        ratio = self.large_ms / self.small_ms
        missed = self.large_ms > GOAL_MS or ratio > GOAL_RATIO
        shown = f"**{ratio:.2f}**" if missed else f"{ratio:.2f}"
        return f"| {self.title} | {self.small_ms:.1f} | {self.large_ms:.1f} | {shown} |"


@dataclass(frozen=True, slots=True)
class Section:
    """The table of one estate."""

    title: str
    note: str
    rows: Sequence[Row]

    def __str__(self) -> str:
        head = "| call | 1,000 tags | 1,000,000 tags | ratio |\n|---|--:|--:|--:|"
        table = "\n".join([head, *map(str, self.rows)])
        return f"## {self.title}\n\n{self.note}\n\n{table}\n"


def write(sections: Sequence[Section]) -> None:
    """Put sections on the page; those of other estates stay."""
    written = PAGE.read_text("utf-8") if PAGE.exists() else ""
    kept = {
        text.partition("\n")[0]: f"## {text.strip()}\n"
        for text in re.split(r"^## ", written, flags=re.MULTILINE)[1:]
    }
    kept |= {section.title: str(section) for section in sections}
    PAGE.write_text("\n".join([_INTRODUCTION, *kept.values()]), "utf-8")
