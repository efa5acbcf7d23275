"""Waking those who wait for jobs, where that is quicker than their next look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

Listen: TypeAlias = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Passes on what other processes tell, until the event is set."""


class JobSignal(Protocol):
    """A hint that there may be work; workers also look by themselves."""

    def notify(self) -> None:
        """Tell one who waits, or who waits next."""

    async def wait(self, timeout_seconds: float) -> None:
        """Return when told, or when the time is over."""


class LocalSignal:
    """Within one process and event loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake everybody who waits, or let the next one not wait."""
        self._event.set()

    async def wait(self, timeout_seconds: float) -> None:
        """Return when told, or when the time is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), timeout_seconds)
        self._event.clear()
