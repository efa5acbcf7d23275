from __future__ import annotations

import pytest

from moorage.domain.accounts import is_email, is_username


@pytest.mark.parametrize("name", ["a", "_a", "A-b.c_d", "a" * 255, "0"])
def test_what_is_a_user_name(name: str) -> None:
    assert is_username(name)


@pytest.mark.parametrize(
    "name", ["", "-a", ".a", "a.", "a.git", "a.atom", "a..b", "a b", "a/b", "é", "a\n"]
)
def test_what_is_no_user_name(name: str) -> None:
    assert not is_username(name)


@pytest.mark.parametrize("text", ["a@b", "first.last+tag@example.com"])
def test_what_is_an_address(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize("text", ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n"])
def test_what_is_no_address(text: str) -> None:
    assert not is_email(text)
