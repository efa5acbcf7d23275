"""Where a request really comes from, when a proxy that is trusted brought it.

``X-Forwarded-For``, ``-Proto`` and ``-Host``, or else RFC 7239's ``Forwarded``, are
believed only of an address in the networks that the settings name: anybody can write
them. Each proxy adds to the right of what it got, so the lists are read from there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from moorage.domain.networks import Network, is_in

_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_PAIR = re.compile(r'\s*(\w+)\s*=\s*(?:"([^"]*)"|([^;,"]*))\s*(?:;|$)')
_PORT = re.compile(r"(?<=[\]\d]):\d{1,5}$")


@dataclass(frozen=True, slots=True)
class Hop:
    """What a request says of its way; ``None`` and empty are what it does not say."""

    client: str | None = None
    scheme: str | None = None
    host: str | None = None


def trace(peer: str, headers: Mapping[str, str], trusted: Sequence[Network]) -> Hop:
    """Follow a request back from the address that connected to its first stranger.

    ``headers`` are by lower-case name, repeated ones joined by commas. What an address
    that is not trusted says is not looked at.
    """
    if not is_in(peer, trusted):
        return Hop()
    senders, schemes, hosts = _lists(headers)
    client, hops = None, 0
    for text in reversed(senders):
        address = _address(text)
        if address is None:
            break
        client = address
        if not is_in(address, trusted):
            break
        hops += 1
    scheme = _said(schemes, hops).lower()
    host = _said(hosts, hops)
    return Hop(
        client,
        scheme if scheme in {"http", "https"} else None,
        host if _HOST.fullmatch(host) else None,
    )


def _said(values: Sequence[str], hops: int) -> str:
    """Return what the outermost trusted proxy said; a single value is everybody's."""
    return values[-1 - min(hops, len(values) - 1)] if values else ""


def _lists(headers: Mapping[str, str]) -> tuple[list[str], list[str], list[str]]:
    names = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
    if any(name in headers for name in names):
        senders, schemes, hosts = (_split(headers.get(name, "")) for name in names)
        return senders, schemes, hosts
    found = [_pairs(part) for part in _split(headers.get("forwarded", ""))]
    senders, schemes, hosts = (
        [pairs[key] for pairs in found if key in pairs]
        for key in ("for", "proto", "host")
    )
    return senders, schemes, hosts


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pairs(text: str) -> dict[str, str]:
    return {
        name.lower(): quoted or plain.strip()
        for name, quoted, plain in _PAIR.findall(text)
    }


def _address(text: str) -> str | None:
    """Read an address, with a port or without; ``None`` for what is hidden."""
    bare = text
    if text.startswith("[") or text.count(":") == 1:
        bare = _PORT.sub("", text)
    try:
        return str(ip_address(bare.strip("[]")))
    except ValueError:
        return None


def show_address(host: str, port: int) -> str:
    """Write where a request comes from; no port is known of who a proxy speaks for."""
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


BASE_URL = "moorage.base_url"
"""The key, in a request's scope, of the address that its sender used.

It is there only when a trusted proxy said it, and no setting does.
"""

PROXIED = "moorage.proxied"
"""The key, in a request's scope, that says that a trusted proxy brought it."""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Rewrites what a trusted proxy brought as if it had come by itself."""

    trusted: tuple[Network, ...] = ()
    has_external_url: bool = True
    scheme: str = "http"
    _names: frozenset[bytes] = field(
        default=frozenset(
            {
                b"x-forwarded-for",
                b"x-forwarded-proto",
                b"x-forwarded-host",
                b"forwarded",
                b"host",
            }
        )
    )

    def apply(self, scope: Any) -> Any:
        """Return the scope of a request as its first sender saw it."""
        peer = scope.get("client")
        if not self.trusted or peer is None or not is_in(peer[0], self.trusted):
            return scope
        headers = self._relevant(scope["headers"])
        hop = trace(peer[0], headers, self.trusted)
        changed = {**scope, PROXIED: True}
        if hop.client is not None:
            changed["client"] = (hop.client, 0)
        host = hop.host or headers.get("host", "")
        said_something = hop.scheme is not None or hop.host is not None
        if not self.has_external_url and said_something and _HOST.fullmatch(host):
            changed[BASE_URL] = f"{hop.scheme or self.scheme}://{host}"
        return changed

    def _relevant(self, headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
        joined: dict[str, str] = {}
        for raw_name, raw_value in headers:
            if raw_name.lower() in self._names:
                name, value = (
                    raw_name.decode("latin-1").lower(),
                    raw_value.decode("latin-1"),
                )
                joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined
