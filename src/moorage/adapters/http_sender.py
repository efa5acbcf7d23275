"""A sender on the standard library's HTTP client, in threads."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from moorage import __version__
from moorage.domain.webhooks import DeliveryError

TIMEOUT_SECONDS = 10


class HttpSender:
    """Sends with ``http.client``, which does exactly what it is told."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds

    async def post(
        self, url: str, media_type: str, body: bytes, *, anywhere: bool
    ) -> int:
        """Return the status of the answer.

        Raises:
            DeliveryError: There was no answer, or the address is not allowed.
        """
        parts = urlsplit(url)
        headers = {
            "Content-Type": media_type,
            "User-Agent": f"moorage/{__version__}",
            **_credentials(parts),
        }
        try:
            async with asyncio.timeout(3 * self._timeout_seconds):
                return await asyncio.to_thread(
                    self._post, parts, body, headers, anywhere=anywhere
                )
        except TimeoutError as error:
            raise DeliveryError("webhook does not answer in time") from error
        except (OSError, HTTPException, ValueError) as error:
            raise DeliveryError(f"webhook does not answer: {error}") from error

    def _post(
        self,
        parts: SplitResult,
        body: bytes,
        headers: dict[str, str],
        *,
        anywhere: bool,
    ) -> int:
        kind = _Secure if parts.scheme == "https" else _Plain
        connection = kind(
            parts.hostname or "", parts.port, timeout=self._timeout_seconds
        )
        connection.anywhere = anywhere
        path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()


class _Plain(HTTPConnection):
    anywhere = False

    def connect(self) -> None:
        self.sock = _reach(self.host, self.port, self.timeout, anywhere=self.anywhere)


class _Secure(HTTPSConnection):
    anywhere = False

    def connect(self) -> None:
        sock = _reach(self.host, self.port, self.timeout, anywhere=self.anywhere)
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(sock, server_hostname=self.host)


def _reach(
    host: str, port: int, timeout: float | None, *, anywhere: bool
) -> socket.socket:
    """Connect to the very address that was looked at: a name may change its mind."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
    failure: OSError = OSError("no address")
    for address in addresses:
        if not anywhere and not is_allowed(address):
            raise DeliveryError("webhook leads to this machine or its link")
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            failure = error
    raise failure


def is_allowed(address: str) -> bool:
    """Say whether users may have something sent to an address."""
    parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return not (
        parsed.is_loopback
        or parsed.is_link_local
        or parsed.is_unspecified
        or parsed.is_multicast
    )


def _credentials(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
