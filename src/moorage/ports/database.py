"""The metadata database: run this statement, in this transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Protocol, TypeAlias, TypeVar

from moorage.ports.query import Query

Row: TypeAlias = Mapping[str, Any]
Result = TypeVar("Result")

PATIENCE = ContextVar[float]("PATIENCE", default=600)
"""Seconds that whoever calls gives the database to do what it is asked.

Long for work in the background, whose statements may be long; who has a client waiting
sets it to less. What a commit came to is then unknown, as when a connection breaks.
"""


class Tx(Protocol):
    """A transaction in progress. Parameters go by name."""

    def one(self, query: Query, **parameters: Any) -> Row | None:
        """Return the first row, if there is one."""

    def all(self, query: Query, **parameters: Any) -> list[Row]:
        """Return every row."""

    def run(self, query: Query, **parameters: Any) -> int:
        """Run a statement; return how many rows it touched."""

    def run_many(self, query: Query, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run a statement once per row of parameters."""

    def script(self, text: str) -> None:
        """Run several statements without parameters: migrations only."""


class Database(Protocol):
    """One database, shared by every process that serves it.

    A body is a plain function of its ``Tx``. It takes time, secrets and ids from
    outside, does nothing but use the ``Tx``, and may run twice.

    Every method raises ``UnavailableError`` when the database does not answer, at the
    latest when ``PATIENCE`` is at its end.
    """

    async def quick(self, body: Callable[[Tx], Result]) -> Result:
        """Run a few indexed point reads, where that costs least.

        On SQLite this is the event loop itself: a body that scans blocks everybody.
        The statements need not see one snapshot.
        """

    async def read(self, body: Callable[[Tx], Result]) -> Result:
        """Run reads of any length in one snapshot, off the event loop."""

    async def write(
        self, body: Callable[[Tx], Result], *, durable: bool = True
    ) -> Result:
        """Run a body and commit; when this returns the outcome is durable.

        An exception out of the body undoes it and is raised here. What nobody was
        promised need not be ``durable``: the death of any process loses nothing of it,
        a loss of power may lose the last moments, and no disk is waited for.
        """

    def write_now(self, body: Callable[[Tx], Result]) -> Result:
        """Like ``write``, for programs without an event loop: migration, commands."""

    async def close(self) -> None:
        """Finish what was begun and let go of every connection."""
