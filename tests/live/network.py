"""Loopback ports that nobody uses."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Find a TCP port of the loopback interface on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
