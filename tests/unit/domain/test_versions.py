from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.domain.versions import version_key, version_key_beginning

IN_ORDER = [
    ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"],
    ["1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"],
    ["1.0.0-rc9", "1.0.0-rc10", "v1.0.0", "1.0.1", "v1.0.9", "1.0.10"],
    ["1", "1.0", "1.0.0", "2", "10", "2019.01.31"],
    ["2024.9", "2024.10", "2024.10.1-alpine", "2024.10.1"],
    ["10", "build-9", "build-10", "latest"],
    ["feature", "feature-2", "feature-10"],
]


@pytest.mark.parametrize("names", IN_ORDER)
def test_names_sort_as_people_read_them(names: list[str]) -> None:
    shuffled = random.Random(1).sample(names, len(names))  # noqa: S311 (no secret)
    assert sorted(shuffled, key=lambda name: version_key(name).encode()) == names


def test_a_leading_v_and_the_case_do_not_count() -> None:
    assert version_key("v1.2-RC1") == version_key("1.2-rc1")


def test_numbers_of_any_length_have_a_key() -> None:
    assert version_key("9" * 127) < version_key("1" + "0" * 127)


@given(st.text("vV01a.-", min_size=1, max_size=9), st.integers(1, 9))
def test_keys_of_names_that_begin_alike_begin_alike(name: str, length: int) -> None:
    assert version_key(name).startswith(version_key_beginning(name[:length]))


def test_what_all_keys_begin_with_is_not_nothing() -> None:
    assert version_key_beginning("Build-00") == "build-"
    assert version_key_beginning("b12-") == version_key("b12-").rstrip('"')
    assert version_key_beginning("v") == version_key_beginning("1.2") == ""
