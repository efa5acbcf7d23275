"""Connections to PostgreSQL that wait for an answer only so long."""

from __future__ import annotations

import math
import time
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

POOL_SIZE = 8
"""Connections that a process has at most to each server; and one that listens."""

POOL_SECONDS = 10
"""How long a statement waits for a connection."""

CONNECT_SECONDS = 5

RECONNECT_SECONDS = 5
"""After so long the pool gives up to replace a connection. Else it would try ever more
seldom, and be late to notice that the server is back; a statement that waits has it try
at once."""

CONNECTING: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    # A machine that vanished is given up after half a minute, whether something was
    # sent to it or an answer of it is waited for.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""What holds where the URL does not say otherwise.

Source: PostgreSQL 17 documentation, "Parameter Key Words".
"""

Value = TypeVar("Value")


class OutOfPatienceError(psycopg.OperationalError):
    """No answer in time: the connection was closed, the statement may go on."""


class PatientConnection(psycopg.Connection[dict[str, Any]]):
    """A connection that is closed when its server does not answer by a deadline.

    A server that hangs keeps its end of the connection, and confirms what it is sent:
    nothing else would ever end the wait. What it was in the middle of it undoes when it
    finds the connection closed; a commit that it has got already it makes.
    """

    deadline = math.inf

    def wait(
        self, gen: PQGen[Value], interval: float = 0.1, timeout: float | None = None
    ) -> Value:
        """Wait for an answer."""
        if self.deadline == math.inf:
            return super().wait(gen, interval, timeout)
        left = max(0.0, self.deadline - time.monotonic())
        try:
            return super().wait(gen, interval, left)
        except psycopg.OperationalError as error:
            if time.monotonic() < self.deadline:
                raise
            self.close()
            raise OutOfPatienceError("no answer in time") from error


Pool: TypeAlias = "ConnectionPool[PatientConnection]"


def connecting(url: str) -> dict[str, Any]:
    """Return all that a URL says, and what holds where it does not."""
    return {**CONNECTING, **conninfo_to_dict(url)}


def pool_of(url: str) -> Pool:
    """Return a pool that connects to nothing before it is opened."""
    return ConnectionPool(
        connection_class=PatientConnection,
        min_size=1,
        max_size=POOL_SIZE,
        timeout=POOL_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
        open=False,
        kwargs={**connecting(url), "row_factory": dict_row, "autocommit": True},
        configure=_configure,
    )


def _configure(connection: PatientConnection) -> None:
    """Have statements run as they are: compiling one takes longer than it saves."""
    connection.deadline = time.monotonic() + CONNECT_SECONDS
    connection.execute("SET jit = off")
