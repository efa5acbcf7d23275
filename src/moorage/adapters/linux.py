"""What Linux offers and Python does not: asked for where it is there, else left out."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_SYNC_FILE_RANGE_WRITE = 2
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

_LIBC = ctypes.CDLL(None, use_errno=True)


def begin_writeback(fd: int, start: int, length: int) -> None:
    """Have a range of a file written to the disk, and do not wait for it.

    It promises nothing: ``fsync`` does, and has less to do then.
    """
    with suppress(AttributeError):
        _LIBC.sync_file_range(
            fd,
            ctypes.c_int64(start),
            ctypes.c_int64(length),
            _SYNC_FILE_RANGE_WRITE,
        )


def keep_freed_memory(kept_bytes: int, largest_bytes: int) -> None:
    """Keep memory that was freed for what is allocated next, up to a limit.

    By default glibc gives the system back what is free at the end of each of its heaps,
    and takes allocations above some size from the system one by one. The pages come
    anew each time, cleared: for the chunks of an upload that costs as much as to copy
    them.
    """
    with suppress(AttributeError):
        _LIBC.mallopt(_M_TRIM_THRESHOLD, kept_bytes)
        _LIBC.mallopt(_M_MMAP_THRESHOLD, largest_bytes)
