from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.domain.durations import DurationInvalidError
from moorage.domain.policies import CleanupPolicy, parse_cadence, run_after

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "days"),
    [("1d", 1), ("7d", 7), ("14d", 14), ("1month", 30), ("3month", 90)],
)
def test_the_cadences_of_gitlab_are_days_and_a_month_has_thirty(
    text: str, days: int
) -> None:
    assert parse_cadence(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "59s", "11 years", "often", "-1d"])
def test_other_cadences_are_refused(text: str) -> None:
    with pytest.raises(DurationInvalidError):
        parse_cadence(text)


@given(
    st.timedeltas(timedelta(0), timedelta(days=4000)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=100)),
)
def test_a_policy_is_due_again_at_the_next_time_it_would_have_been(
    late: timedelta, cadence: timedelta
) -> None:
    again = run_after(NOW, cadence, NOW + late)
    assert NOW + late < again <= NOW + late + cadence
    assert (again - NOW) % cadence == timedelta(0)


def test_the_rules_of_gitlab_are_those_of_a_bulk_delete() -> None:
    rules = CleanupPolicy.default(NOW).bulk_delete()
    assert rules.delete.text == ".*"
    assert (rules.keep, rules.keep_n) == (None, 10)
    assert rules.older_than == timedelta(days=90)
