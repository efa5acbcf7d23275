from __future__ import annotations

import pytest

from moorage.domain.texts import length_complaints, name_complaints, only_complaints

TOO_LONG = "is too long (maximum is 255 characters)"


@pytest.mark.parametrize(
    ("name", "complaints"),
    [
        ("x", []),
        ("é" * 255, []),
        ("x" * 256, [TOO_LONG]),
        (" \n", ["can't be blank"]),
    ],
)
def test_what_can_be_a_name(name: str, complaints: list[str]) -> None:
    assert name_complaints(name) == complaints


def test_a_text_may_be_empty_and_has_an_end() -> None:
    assert length_complaints("", 1) == []
    assert length_complaints("xx", 1) == ["is too long (maximum is 1 characters)"]


def test_what_nothing_is_said_of_is_left_out() -> None:
    assert only_complaints(a=[], b=["x"]) == {"b": ["x"]}
