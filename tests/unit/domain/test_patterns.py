from __future__ import annotations

import time
from dataclasses import replace

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from moorage.domain.errors import InvalidError
from moorage.domain.patterns import MAX_TEXT_LENGTH, Pattern, PatternInvalidError

PIECES = ["a", "b", ".", "[ab]", "[^a|]", "(?:a|b)", "(a)", "\\.", "\\|", "\\Q|\\E"]
REPEATED = st.builds(
    str.__add__, st.sampled_from(PIECES), st.sampled_from(["", "*", "?", "{1,2}"])
)
BRANCHES = st.lists(REPEATED, min_size=1, max_size=4).map("".join)
PATTERNS = st.lists(BRANCHES, min_size=1, max_size=3).map("|".join)
NAMES = st.text("ab.|-", max_size=6)


def test_a_name_matches_as_a_whole_and_with_its_case() -> None:
    pattern = Pattern.parse("v1")
    assert pattern.matches("v1")
    for name in ("v10", "av1", "V1", ""):
        assert not pattern.matches(name)


def test_alternatives_are_grouped() -> None:
    pattern = Pattern.parse("v1|v2")
    assert pattern.matches("v1")
    assert pattern.matches("v2")
    assert not pattern.matches("v1-rc")
    assert not pattern.matches("old-v2")


def test_the_longer_alternative_is_found_too() -> None:
    assert Pattern.parse("a|ab").matches("ab")


def test_flags_and_anchors_in_the_text_work() -> None:
    assert Pattern.parse("(?i)rc.*").matches("RC1")
    assert Pattern.parse("^v1$").matches("v1")


def test_a_quotation_may_stay_open() -> None:
    assert Pattern.parse("\\Qa|b").matches("a|b")


def test_the_empty_pattern_matches_nothing() -> None:
    pattern = Pattern.parse("")
    assert not pattern.matches("")
    assert not pattern.matches("v1")
    assert not pattern.differs_ungrouped


def test_patterns_of_the_same_text_are_equal_and_hash_alike() -> None:
    assert Pattern.parse("v.*") == Pattern.parse("v.*")
    assert len({Pattern.parse("v.*"), Pattern.parse("v.*"), Pattern.parse("w")}) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(v1", "missing ): (v1"),
        ("*", "no argument for repetition operator: *"),
        ("(?=v)", "invalid perl operator: (?="),
        ("(a)\\1", "invalid escape sequence: \\1"),
        ("a{1001}", "invalid repetition size: {1001}"),
        ("v1)|(?:.*", "unexpected ): v1)|(?:.*"),
        ("\\pL{50}", "pattern too large - compile failed"),
        ("(?:\\pL{50}){20}", "pattern too large - compile failed"),
        ("\ud800", "pattern is not Unicode text"),
    ],
)
def test_what_re2_refuses_is_refused_with_its_message(text: str, message: str) -> None:
    with pytest.raises(PatternInvalidError) as caught:
        Pattern.parse(text)
    assert str(caught.value) == message
    assert isinstance(caught.value, InvalidError)


def test_a_pattern_has_at_most_1024_characters() -> None:
    assert Pattern.parse("é" * MAX_TEXT_LENGTH).matches("é" * MAX_TEXT_LENGTH)
    with pytest.raises(PatternInvalidError, match="longer than 1024 characters"):
        Pattern.parse("a" * (MAX_TEXT_LENGTH + 1))


def test_nothing_is_written_to_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    for text in ("(", "\\pL{50}"):
        with pytest.raises(PatternInvalidError):
            Pattern.parse(text)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        "v1|v2",
        "|v1",
        "v1|",
        "(a)|b",
        "a|(b|c)",
        "[|]|a",
        "\\Q|\\E|a",
        "\\\\|a",
        "[]]|a",
    ],
)
def test_alternatives_at_the_top_level_differ_ungrouped(text: str) -> None:
    assert Pattern.parse(text).differs_ungrouped


@pytest.mark.parametrize(
    "text",
    [
        *(".*", "(?:v1|v2)", "(a|(b|c))d", "(?i:a|b)", "(?P<name>a|b)"),
        *("\\|", "[|]", "[]|]", "[^]|]", "[a\\]|]", "[(]a", "[[:alpha:]|]", "[[|]"),
        *("\\Qa|b\\E", "\\Qa|b", "\\Q(\\Ea", "\\(\\|", "[[:^digit:]|)]", "\\[(a|b)"),
    ],
)
def test_other_bars_do_not_differ_ungrouped(text: str) -> None:
    assert not Pattern.parse(text).differs_ungrouped


def test_a_match_is_decided_without_the_automaton_when_it_gives_up() -> None:
    real = Pattern.parse("v.*")
    # No known input makes RE2 give up.
    tired = replace(real, _scan=lambda _name: [])
    assert tired.matches("v1")
    assert not tired.matches("w1")


@pytest.mark.parametrize("text", [".*", "(?:a|a)*b", "(?:a|b)*a(?:a|b){20}", "(a*)*b"])
def test_a_hundred_thousand_names_are_matched_in_linear_time(text: str) -> None:
    pattern = Pattern.parse(text)
    names = [f"{'a' * 40}{number}" for number in range(100_000)]
    started = time.process_time()
    for name in names:
        pattern.matches(name)
    assert time.process_time() - started < 2


@given(PATTERNS, NAMES)
def test_a_pattern_matches_as_its_grouped_and_anchored_text(
    text: str, name: str
) -> None:
    expected = re2.search(rf"\A(?:{text})\z", name) is not None
    assert Pattern.parse(text).matches(name) == expected


@given(PATTERNS, NAMES)
def test_without_alternatives_the_ungrouped_reading_is_the_same(
    text: str, name: str
) -> None:
    pattern = Pattern.parse(text)
    ungrouped = re2.search(rf"\A{text}\z", name) is not None
    assert pattern.differs_ungrouped or pattern.matches(name) == ungrouped


@given(st.lists(BRANCHES, min_size=1, max_size=3))
def test_exactly_several_branches_differ_ungrouped(branches: list[str]) -> None:
    pattern = Pattern.parse("|".join(branches))
    assert pattern.differs_ungrouped == (len(branches) > 1)


@given(st.text("ab|()[]\\QE^:-*?{1}.", max_size=12))
def test_any_text_is_a_pattern_or_invalid(text: str) -> None:
    try:
        pattern = Pattern.parse(text)
    except PatternInvalidError:
        return
    if not pattern.differs_ungrouped and "\\Q" not in text and text:
        grouped = re2.search(rf"\A{text}\z", "ab") is not None
        assert pattern.matches("ab") == grouped
