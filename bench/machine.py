"""What the kernel says about this machine and about a server's processes."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = mmap.PAGESIZE
_WARM_PIECE_BYTES = 1 << 20
_LARGE_BYTES = 1 << 20
_PROC = Path("/proc")


def _stat_fields(pid: int) -> list[str]:
    """Return the fields of ``/proc/<pid>/stat`` that follow the command name."""
    text = (_PROC / str(pid) / "stat").read_text()
    return text.rpartition(")")[2].split()


def process_trees(roots: Sequence[int]) -> list[int]:
    """List processes and all their living descendants."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int(_stat_fields(int(entry.name))[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(parent, []).append(int(entry.name))
    tree, pending = [], list(roots)
    while pending:
        pid = pending.pop()
        tree.append(pid)
        pending += children.get(pid, [])
    return tree


def cpu_seconds(roots: Sequence[int]) -> float:
    """Sum the user and system time of trees, their finished children included."""
    ticks = 0
    for pid in process_trees(roots):
        try:
            fields = _stat_fields(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / _TICKS_PER_SECOND


def busy_seconds() -> float:
    """Sum the processor time of the whole machine, waiting not counted."""
    first = (_PROC / "stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, first[:8])
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_SECOND


def _status_kib(pid: int, key: str) -> int:
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(key)), 0)


def reset_peak_memory(roots: Sequence[int]) -> None:
    """Make the kernel forget the highest resident size of each process."""
    for pid in process_trees(roots):
        try:
            (_PROC / str(pid) / "clear_refs").write_text("5")
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue


def peak_memory_mb(roots: Sequence[int]) -> float:
    """Sum the highest resident sizes since the reset; shared pages count twice."""
    return sum(_status_kib(pid, "VmHWM:") for pid in process_trees(roots)) / 1024


def proportional_memory_mb(roots: Sequence[int]) -> float:
    """Sum the proportional set sizes: shared pages are divided by their users."""
    total_kib = 0
    for pid in process_trees(roots):
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
        total_kib += sum(int(x.split()[1]) for x in lines if x.startswith("Pss:"))
    return total_kib / 1024


def warm_page_cache(folder: Path, size_bytes: int) -> None:
    """Write and remove a file, so that the next one is given pages already in use.

    On a virtual machine the first touch of a page costs the host's time as well, up
    to ten times that of the write itself; whoever came first would pay for it.
    """
    piece, scratch = bytes(_WARM_PIECE_BYTES), folder / "warm"
    with scratch.open("wb", buffering=0) as file:
        for _ in range(0, size_bytes, _WARM_PIECE_BYTES):
            file.write(piece)
    scratch.unlink()


def forget_cached(folder: Path, since: float) -> None:
    """Free the memory in which the kernel keeps large files written since a time.

    Whoever writes next is given that: memory of the machine that nobody has touched
    yet, or not for a while, costs a virtual machine more than what is written to it.
    """
    os.sync()
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            found = path.lstat()
            if found.st_mtime >= since and found.st_size >= _LARGE_BYTES:
                fd = os.open(path, os.O_RDONLY)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(fd)


def describe() -> str:
    """Name the processor, its cores and the memory, and nothing that names a host."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((x.split(":", 1)[1].strip() for x in info if "model name" in x), "?")
    memory_gb = os.sysconf("SC_PHYS_PAGES") * _PAGE_BYTES / 1e9
    system = os.uname()
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores of {model} ({system.machine}), {memory_gb:.0f} GB of memory,"
        f" {system.sysname} {'.'.join(system.release.split('.')[:2])}, loopback network"
    )
