from __future__ import annotations

import pytest

from live.hooks import listening
from live.network import free_port
from moorage.adapters.http_sender import HttpSender, is_allowed
from moorage.domain.webhooks import DeliveryError

SENDER = HttpSender(timeout_seconds=5)


async def post(url: str, *, anywhere: bool = True) -> int:
    return await SENDER.post(url, "text/plain", b"words", anywhere=anywhere)


async def test_a_body_arrives_as_it_was_sent() -> None:
    with listening(202) as listener:
        assert await post(listener.url) == 202
    ((path, headers, body),) = listener.told
    assert (path, body) == ("/hook?a=b", b"words")
    assert headers["Content-Type"] == "text/plain"
    assert "Authorization" not in headers


async def test_credentials_in_the_address_are_sent_as_such() -> None:
    with listening() as listener:
        await post(listener.url.replace("://", "://me:s%40crit@"))
    ((path, headers, _body),) = listener.told
    assert path == "/hook?a=b"
    assert headers["Authorization"] == "Basic bWU6c0Bjcml0"


async def test_a_redirect_is_not_followed() -> None:
    with listening(302) as listener:
        assert await post(listener.url) == 302
    assert len(listener.told) == 1


async def test_nobody_there_is_an_error_of_delivery() -> None:
    with pytest.raises(DeliveryError):
        await post(f"http://127.0.0.1:{free_port()}/")


async def test_a_users_address_may_not_lead_to_this_machine() -> None:
    with listening() as listener:
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(DeliveryError, match="this machine"):
                await post(listener.url.replace("127.0.0.1", host), anywhere=False)
    assert listener.told == []


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("::1", False),
        ("169.254.169.254", False),
        ("::ffff:169.254.169.254", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),  # noqa: S104 (an address to be refused)
        ("::", False),
        ("224.0.0.1", False),
        ("10.0.0.5", True),
        ("192.0.2.1", True),
        ("2001:db8::1", True),
    ],
)
def test_where_users_may_have_something_sent(address: str, allowed: bool) -> None:
    assert is_allowed(address) is allowed
