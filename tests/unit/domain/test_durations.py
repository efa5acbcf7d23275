from __future__ import annotations

import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.domain.durations import (
    MAX_TEXT_LENGTH,
    DurationInvalidError,
    parse_duration,
)
from moorage.domain.errors import InvalidError

SPELLINGS = {
    1: "s sec secs second seconds",
    60: "m min mins minute minutes",
    3600: "h hr hrs hour hours",
    86_400: "d dy day days",
    604_800: "w wk wks week weeks",
    2_592_000: "mo mos month months",
    31_557_600: "y yr yrs year years",
}
UNITS = [
    (spelling, seconds)
    for seconds, spellings in SPELLINGS.items()
    for spelling in spellings.split()
]


@pytest.mark.parametrize(("unit", "seconds"), UNITS)
def test_every_spelling_of_a_unit_is_read_with_or_without_a_space(
    unit: str, seconds: int
) -> None:
    expected = timedelta(seconds=2 * seconds)
    assert parse_duration(f"2{unit}") == expected
    assert parse_duration(f"2 {unit}") == expected
    assert parse_duration(f"2 {unit.upper()}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 days", timedelta(days=2)),
        ("1month", timedelta(days=30)),
        ("1 year", timedelta(days=365.25)),
        ("1.5h", timedelta(minutes=90)),
        (".5d", timedelta(hours=12)),
        ("1d 12h", timedelta(hours=36)),
        ("1d12h", timedelta(hours=36)),
        ("1 day and 12 hours", timedelta(hours=36)),
        ("1 day, with 12 hours plus 1 minute", timedelta(hours=36, minutes=1)),
        ("  90d\n", timedelta(days=90)),
        ("0 days 1 hour", timedelta(hours=1)),
        ("1h 1h", timedelta(hours=2)),
        ("two days", timedelta(days=2)),
        ("twelve hours", timedelta(hours=12)),
        ("0.000001s", timedelta(microseconds=1)),
    ],
)
def test_numbers_units_and_sums_are_read(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


def test_a_unit_that_starts_the_text_means_one_of_it() -> None:
    assert parse_duration("month") == timedelta(days=30)
    assert parse_duration("minute 30sec") == timedelta(seconds=90)


def test_a_number_without_a_unit_is_seconds() -> None:
    assert parse_duration("3600") == timedelta(hours=1)
    assert parse_duration("1 minute 30") == timedelta(seconds=90)


def test_capital_m_is_a_minute_and_not_a_month() -> None:
    assert parse_duration("1M") == timedelta(minutes=1)
    assert parse_duration("1MO") == timedelta(days=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1:30", timedelta(seconds=90)),
        ("1:00:00", timedelta(hours=1)),
        ("1:30.5", timedelta(seconds=90.5)),
        ("2 : 00 : 00 : 00", timedelta(days=2)),
        ("1:0:0:0:0", timedelta(days=30)),
        ("1:0:0:0:0:0", timedelta(days=365.25)),
    ],
)
def test_the_colon_form_counts_from_seconds_up_to_years_without_weeks(
    text: str, expected: timedelta
) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", ",", "and"),
        *("0", "0d", "0:00", "0.0000001s"),
        *("-1d", "1d -2h", "+1d"),
        *("old", "1 fortnight", "1dayold", "1e3", "1.d", "1.2.3d", "٣ days", "1;2"),
        *("1 2d", "1,5 h", "1,000 days", "two 2 days"),
        *("1 day hour", "1d and h"),
        *("1:2:3:4:5:6:7", ":30", "1:", "1::2", "1:30 minutes", "1:-30"),
    ],
)
def test_what_is_no_positive_duration_is_refused(text: str) -> None:
    with pytest.raises(DurationInvalidError):
        parse_duration(text)


def test_a_thousand_years_are_the_most() -> None:
    assert parse_duration("1000 years") == timedelta(days=365_250)
    for text in ("1000 years 1s", "9" * 200 + "d", "999999:0:0:0:0:0"):
        with pytest.raises(DurationInvalidError, match="thousand years"):
            parse_duration(text)


def test_a_refusal_is_an_error_that_a_client_may_be_shown() -> None:
    with pytest.raises(InvalidError, match="duration has an unknown word") as caught:
        parse_duration("1 fortnight")
    assert caught.value.detail == {"word": "fortnight"}


@pytest.mark.parametrize("piece", ["1", "1d", "a", " ", ":", ".", "1:", "d 1 "])
def test_a_huge_text_is_refused_at_once(piece: str) -> None:
    started = time.process_time()
    with pytest.raises(DurationInvalidError, match="too long"):
        parse_duration(piece * 1_000_000)
    assert time.process_time() - started < 0.5


@given(st.text(max_size=MAX_TEXT_LENGTH) | st.text("0123456789.:dhms ,-and"))
def test_any_text_is_a_positive_duration_or_invalid(text: str) -> None:
    try:
        duration = parse_duration(text)
    except DurationInvalidError:
        return
    assert timedelta() < duration <= timedelta(days=365_250)


@given(st.lists(st.tuples(st.integers(1, 99), st.sampled_from(UNITS)), min_size=1))
def test_a_sum_is_the_sum_of_its_terms(
    terms: list[tuple[int, tuple[str, int]]],
) -> None:
    terms = terms[:8]
    text = " ".join(f"{amount}{unit}" for amount, (unit, _) in terms)
    expected = sum(amount * seconds for amount, (_, seconds) in terms)
    assert parse_duration(text) == timedelta(seconds=expected)
