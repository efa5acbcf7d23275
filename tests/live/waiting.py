"""Waiting for what background jobs lead to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

State = TypeVar("State")


def eventually(
    state: Callable[[], State], expected: State, seconds: float = 20
) -> None:
    """Wait until a state is the expected one, and fail when it never is."""
    deadline = time.monotonic() + seconds
    while state() != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert state() == expected
