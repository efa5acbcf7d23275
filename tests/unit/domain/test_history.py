from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from moorage.domain.history import held_until

NOW = datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC)
SECOND, WEEK = timedelta(seconds=1), timedelta(days=7)


@pytest.mark.parametrize("window", [SECOND, timedelta(hours=1), WEEK])
def test_what_is_removed_is_kept_for_the_window_and_hardly_longer(
    window: timedelta,
) -> None:
    kept = held_until(NOW, window) - NOW
    assert window <= kept < window + window / 9_999


def test_what_a_run_removes_within_a_minute_is_kept_until_the_same_moment() -> None:
    ends = {held_until(NOW + at * SECOND, WEEK) for at in range(60)}
    assert len(ends) <= 2


def test_without_a_window_nothing_is_kept() -> None:
    assert held_until(NOW, timedelta(0)) == NOW
