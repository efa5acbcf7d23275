"""Byte ranges that clients ask for."""

from __future__ import annotations

import re

from moorage.domain.errors import RangeInvalidError

_RANGE = re.compile(r"bytes=([0-9]{0,99})-([0-9]{0,99})", re.IGNORECASE)


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return start and length of the asked range, or ``None`` for the whole.

    Several ranges in one request, and units other than bytes, get the whole.

    Raises:
        RangeInvalidError: No byte of the content lies in it, or it ends before it
            begins; ``detail["size"]`` is the content's length.

    Spec: RFC 9110, "Range Requests"; the cases of the distribution conformance suite.
    """
    match = None if header is None else _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or not (match[1] or match[2]):
        return None
    first, last = match[1], match[2]
    if first:
        start = int(first)
        end = min(int(last) + 1, size) if last else size
    else:
        start, end = max(0, size - int(last)), size
    if start >= end:
        raise RangeInvalidError(size=size)
    return start, end - start
