from __future__ import annotations

import pytest

from moorage.domain.accounts import is_email


@pytest.mark.parametrize("text", ["a@b", "first.last+tag@example.com"])
def test_what_is_an_address(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize("text", ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n"])
def test_what_is_no_address(text: str) -> None:
    assert not is_email(text)
