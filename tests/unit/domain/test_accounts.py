from __future__ import annotations

import pytest

from moorage.domain.accounts import email_complaints, password_complaints


@pytest.mark.parametrize("text", ["a@b", "first.last+tag@example.com"])
def test_what_is_an_address(text: str) -> None:
    assert email_complaints(text) == []


@pytest.mark.parametrize("text", ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n"])
def test_what_is_no_address(text: str) -> None:
    assert email_complaints(text) == ["is invalid"]


@pytest.mark.parametrize(
    ("length", "complaints"),
    [
        (7, ["is too short (minimum is 8 characters)"]),
        (8, []),
        (128, []),
        (129, ["is too long (maximum is 128 characters)"]),
    ],
)
def test_how_long_a_password_is(length: int, complaints: list[str]) -> None:
    assert password_complaints("x" * length) == complaints
