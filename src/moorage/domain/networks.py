"""Networks, as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read networks and addresses, separated by commas.

    Raises:
        ValueError: One of them is none.
    """
    parts = [part.strip() for part in text.split(",")]
    return tuple(ip_network(part, strict=False) for part in parts if part)


def is_in(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of some networks; what is none lies nowhere."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)


EVERYWHERE = parse_networks("0.0.0.0/0, ::/0")
"""Every address there is."""
