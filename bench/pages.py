"""The pages that the benchmark writes: who is compared, and how to read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.servers import (
    BARE,
    BEHIND_NGINX,
    COPY,
    DOCKER_REGISTRY,
    MOORAGE,
    MOORAGE_POSTGRES,
    MOORAGE_S3,
    NGINX,
)

_DOCS = Path(__file__).resolve().parent.parent / "docs"

_RUN = """\
This page is written by `{command}`; do not edit it.

In one run, all servers alive at the same time, taking turns; every figure is the median
of the rounds, after one round that does not count. Ratios carry over to other machines,
absolute figures do not.

- Machine: {machine}.
- What ran: {extent}; {rounds} rounds.
- Other programs meanwhile: {others:.2f} cores (median; under 0.2 is a quiet machine).
"""

_PEERS = """\
What is compared:

- **Moorage**, as installed, every setting at its default: SQLite, local files, every
  upload fsynced, authentication on, a bearer token checked on every request.
- **docker-registry**, Debian's package, version 2.8.2: local files, descriptor cache in
  memory, no login, its logs off. It makes every file durable that it writes, 72 for a
  small image, and no folder: a power cut can take names away.
- **nginx**, the same bytes as static files: what pulling costs at least.
- **Moorage behind nginx**: the site of `deploy/nginx/files.conf`, where Moorage decides
  who may read and nginx sends the file; for large blobs only.
- **durable copy**: SHA-256 by `hashlib`, write and fsync of the same bytes by a single
  thread: what storing costs at least. For small images by as many threads as clients,
  with a durable row in SQLite for every blob and manifest.
- **bare server**: the HTTP server that Moorage runs on, over an application that reads
  every body and forgets it, without login: what receiving costs at least.

How times grow with the number of tags is told by [another page](growth.md); what it
costs to keep metadata in PostgreSQL and blobs in an object store, by [a
third](benchmarks-backends.md).

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

_BACKENDS = """\
What is compared, three times the same program:

- **Moorage**, as installed: SQLite and local files.
- **with PostgreSQL**: metadata in Debian's PostgreSQL with its own defaults, which wait
  for the disk; local files.
- **with PostgreSQL and S3**: blobs in a Ceph object gateway of Debian's packages (one
  monitor, one OSD on a file), sent through the registry, not by redirects.

Database and object store run on the same cores; their processor time and memory are
counted with the registry's.

To repeat it (needs the Debian packages of the tests, and `nginx` and `wrk`):

    make bench BACKENDS=1
    python -m bench --backends --write      # and this page
"""

_READING = """\
## How to read it

- Rates: higher is better. A ratio above 1 is ahead on rates; below 1 it is ahead on
  times, processor time and memory. **Bold**: behind.
- Manifests and small blobs are read by `wrk`, HEAD by an event loop, everything else by
  Python threads with prepared requests; generator and servers share the cores. Where
  the generator itself was busy for more than nine tenths of a core, the row is marked
  with `*`: the server could have done more.
- A small image is three layers of 16 KiB, a configuration and a manifest, all new, each
  blob by HEAD, POST, PATCH, PUT; its limit is as many threads that make four files and
  five rows of SQLite durable one after the other, without seventeen requests. The
  pulled image has eight layers of 64 KiB; a pull is HEAD by tag, GET by digest, and
  nine blobs.
- The slow readers, 200 of them, take 64 KiB of a 100 MB blob every half second; an
  upload of 5 GB goes on while the manifest is read, and its memory is in that row.
- docker-registry 2.8.2 cannot cut its tag list into pages: asked for a page it sends
  the whole list, in no order. Lists of 50,000 tags and more are put straight into a
  server's storage, as it would have stored them.
- Processor time is the server's whole process tree, from the kernel's accounting.
  Peak memory is the sum of the processes' highest resident sizes during the work:
  pages that processes share, and files mapped into memory, are counted in each.
- Before every measurement dirty pages are written back, so that no server pays for
  another. Before an upload as many pages of the page cache are put to use and given
  back, and after it those of what was stored: a virtual machine's fresh pages cost up
  to five times as much as to write to them.
"""

_MISSED = """\
## Where a goal is missed

- **Small images.** To receive one (bare server) and to store one (durable copy) takes
  1.5 ms of processor time each; Moorage takes nine for both, and for what a registry
  does between. By a profile half of that is the kernel's: an eighth of all for threads
  that wake one another, a fourteenth for `fsync`. A third is Python's, a sixteenth
  SQLite's. An image is seventeen requests, five commits, and eight `fsync` of files and
  folders, and the generator runs on the same cores.
- **Processor time of uploads.** To receive a GB and to store it takes 1.2 s of the 1.7
  that Moorage takes, and half of docker-registry's time is about as much. By a profile
  a third is SHA-256, a sixth writing, a tenth receiving.
- **Processor time of downloads**, beside nginx. Moorage reads a file and its server
  writes it, where nginx has the kernel send it. Behind nginx it is nginx that sends.
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column of ratios: one subject's figures divided by another's."""

    title: str
    subject: str
    other: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page, and the run that makes it."""

    name: str
    title: str
    command: str
    servers: tuple[str, ...]
    compared: str
    comparisons: tuple[Comparison, ...]
    ending: str = ""

    @property
    def path(self) -> Path:
        """Where the page lies."""
        return _DOCS / self.name

    def render(
        self, tables: str, *, machine: str, extent: str, rounds: int, others: float
    ) -> str:
        """Put text around the tables.

        Args:
            tables: All of them, in Markdown.
            machine: What it was measured on.
            extent: Whether it was everything.
            rounds: How often each work was measured.
            others: Cores that other programs used meanwhile.
        """
        run = _RUN.format(
            command=self.command,
            machine=machine,
            extent=extent,
            rounds=rounds,
            others=others,
        )
        parts = [f"# {self.title}\n", run, self.compared, f"{tables}\n", _READING]
        return "\n".join(filter(None, [*parts, self.ending]))


PEERS = Page(
    name="benchmarks.md",
    title="Benchmarks",
    command="python -m bench --write",
    servers=(MOORAGE, DOCKER_REGISTRY, NGINX, BEHIND_NGINX, COPY, BARE),
    compared=_PEERS,
    comparisons=(Comparison("ratio", MOORAGE, DOCKER_REGISTRY),),
    ending=_MISSED,
)
BACKENDS = Page(
    name="benchmarks-backends.md",
    title="Benchmarks of the databases and blob stores",
    command="python -m bench --backends --write",
    servers=(MOORAGE, MOORAGE_POSTGRES, MOORAGE_S3),
    compared=_BACKENDS,
    comparisons=(
        Comparison("PostgreSQL : SQLite", MOORAGE_POSTGRES, MOORAGE),
        Comparison("S3 : SQLite", MOORAGE_S3, MOORAGE),
    ),
)
