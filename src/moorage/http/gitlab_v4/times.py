"""Times, as parameters say them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from moorage.domain.errors import ParameterError

_UNENCODED_PLUS = re.compile(r"(T\S+) (\d\d:?\d\d)$")


def read_time(name: str, text: str | None) -> datetime | None:
    """Read a date or time, in UTC where it names no zone; nothing is ``None``.

    A zone whose plus sign was not encoded, and came as a blank, is understood.

    Raises:
        ParameterError: It is neither.
    """
    if not text:
        return None
    try:
        time = datetime.fromisoformat(_UNENCODED_PLUS.sub(r"\1+\2", text))
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterError(f"{name} is invalid") from None
