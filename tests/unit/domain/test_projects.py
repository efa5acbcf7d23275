from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.domain.access import Visibility
from moorage.domain.projects import is_path, is_wider, path_from_name


@pytest.mark.parametrize("path", ["a", "_a", "A-b.c_d", "0", "a" * 255])
def test_what_is_a_path(path: str) -> None:
    assert is_path(path)


@pytest.mark.parametrize(
    "path", ["", "-a", ".", "..", "a.", "a.git", "a.atom", "a..b", "a b", "a/b", "é"]
)
def test_what_is_no_path(path: str) -> None:
    assert not is_path(path)


@pytest.mark.parametrize(
    ("name", "path"),
    [("My App", "my-app"), ("a", "a"), ("  A & B! ", "a-b"), ("v1.0", "v1-0")],
)
def test_a_path_is_made_of_a_name(name: str, path: str) -> None:
    assert path_from_name(name) == path


@given(st.text())
def test_what_is_made_of_a_name_is_empty_or_almost_a_path(name: str) -> None:
    path = path_from_name(name)[:255]
    assert path == "" or is_path(path)


def test_visibilities_are_ordered() -> None:
    assert is_wider(Visibility.PUBLIC, Visibility.INTERNAL)
    assert is_wider(Visibility.INTERNAL, Visibility.PRIVATE)
    assert not is_wider(Visibility.PRIVATE, Visibility.PRIVATE)
    assert not is_wider(Visibility.PRIVATE, Visibility.PUBLIC)
