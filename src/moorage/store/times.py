"""Times as the database keeps them: microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_us(time: datetime) -> int:
    """Convert an aware time."""
    return (time - _EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """Convert back, to UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def to_us_or_none(time: datetime | None) -> int | None:
    """Convert a time that may be missing."""
    return None if time is None else to_us(time)


def from_us_or_none(microseconds: int | None) -> datetime | None:
    """Convert a time back that may be missing."""
    return None if microseconds is None else from_us(microseconds)
