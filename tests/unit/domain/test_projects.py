from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.domain.access import Visibility
from moorage.domain.projects import (
    DIGITS_RULE,
    PATH_RULE,
    SPECIAL_RULE,
    group_path_complaints,
    is_wider,
    path_complaints,
    path_from_name,
)


@pytest.mark.parametrize(
    "path", ["a", "A-b.c_d", "0", "a--b", "a__b", "a" * 255, "x86-64"]
)
def test_what_is_a_path(path: str) -> None:
    assert path_complaints(path) == []


@pytest.mark.parametrize(
    "path",
    ["", "-a", ".", "..", "a.", "a.git", "a.atom", "a b", "a/b", "é"],
)
def test_what_is_no_path(path: str) -> None:
    assert path_complaints(path) == [PATH_RULE]


def test_a_path_may_be_too_long_whatever_else_it_is() -> None:
    too_long = "is too long (maximum is 255 characters)"
    assert path_complaints("a" * 256) == [too_long]
    assert path_complaints("-" * 256) == [PATH_RULE, too_long]
    assert path_complaints("a" * 255 + "-") == [SPECIAL_RULE, too_long]


@pytest.mark.parametrize(
    "path", ["x-", "_x", "x_", "a--b--", "a___b", "a.-b", "a_.b", "a..b", "a-_b"]
)
def test_what_no_image_s_name_can_begin_with(path: str) -> None:
    assert path_complaints(path) == [SPECIAL_RULE]


def test_a_group_s_path_is_not_taken_for_a_number() -> None:
    assert group_path_complaints("42") == [DIGITS_RULE]
    assert group_path_complaints("42a") == []
    assert group_path_complaints("-a") == [PATH_RULE]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("My App", "my-app"),
        ("a", "a"),
        ("  A & B! ", "a-b"),
        ("v1.0", "v1-0"),
        ("_a _ b_c", "a-b_c"),
    ],
)
def test_a_path_is_made_of_a_name(name: str, path: str) -> None:
    assert path_from_name(name) == path


@given(st.text())
def test_what_is_made_of_a_name_is_empty_or_almost_a_path(name: str) -> None:
    path = path_from_name(name)[:255]
    assert path == "" or path_complaints(path) == []


def test_visibilities_are_ordered() -> None:
    assert is_wider(Visibility.PUBLIC, Visibility.INTERNAL)
    assert is_wider(Visibility.INTERNAL, Visibility.PRIVATE)
    assert not is_wider(Visibility.PRIVATE, Visibility.PRIVATE)
    assert not is_wider(Visibility.PRIVATE, Visibility.PUBLIC)
