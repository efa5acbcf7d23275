"""Networks, as people write them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read networks and addresses, separated by commas.

    Raises:
        ValueError: One of them is none.
    """
    parts = [part.strip() for part in text.split(",")]
    return tuple(ip_network(part, strict=False) for part in parts if part)
