"""A clock that stands still until it is told to move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2024, 2, 29, 12, tzinfo=UTC)


class FrozenClock:
    """A ``Clock`` for tests."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the time that it was set to."""
        return self._now

    def advance(self, duration: timedelta) -> None:
        """Let time pass."""
        self._now += duration
