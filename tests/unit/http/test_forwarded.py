from __future__ import annotations

import pytest

from moorage.domain.networks import parse_networks
from moorage.http.forwarded import BASE_URL, Forwarding, Hop, trace

TRUSTED = parse_networks("10.0.0.0/8, 192.0.2.7, fd00::/8")
PROXY = "10.0.0.1"


def test_a_stranger_is_not_believed() -> None:
    headers = {
        "x-forwarded-for": "203.0.113.5",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "evil.example",
        "forwarded": "for=203.0.113.5;proto=https;host=evil.example",
    }
    assert trace("203.0.113.9", headers, TRUSTED) == Hop()
    assert trace(PROXY, headers, ()) == Hop()


def test_a_trusted_proxy_is_believed() -> None:
    headers = {
        "x-forwarded-for": "203.0.113.5",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "registry.example:8443",
    }
    found = trace(PROXY, headers, TRUSTED)
    assert found == Hop("203.0.113.5", "https", "registry.example:8443")


@pytest.mark.parametrize(
    ("senders", "client"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("198.51.100.1, 203.0.113.5", "203.0.113.5"),
        ("198.51.100.1, 203.0.113.5, 10.9.9.9", "203.0.113.5"),
        ("10.1.1.1, 10.9.9.9", "10.1.1.1"),
        ("203.0.113.5:1234", "203.0.113.5"),
        ("[2001:db8::1]:1234", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("203.0.113.5, fd00::3", "203.0.113.5"),
        ("unknown", None),
        ("203.0.113.5, _hidden, 10.9.9.9", "10.9.9.9"),
        ("", None),
        (",,", None),
        ("203.0.113.5<script>", None),
    ],
)
def test_the_client_is_the_first_stranger_from_the_right(
    senders: str, client: str | None
) -> None:
    assert trace(PROXY, {"x-forwarded-for": senders}, TRUSTED).client == client


def test_of_two_proxies_the_outer_one_knows_how_the_client_came() -> None:
    headers = {
        "x-forwarded-for": "203.0.113.5, 10.9.9.9",
        "x-forwarded-proto": "https, http",
        "x-forwarded-host": "registry.example",
    }
    found = trace(PROXY, headers, TRUSTED)
    assert found == Hop("203.0.113.5", "https", "registry.example")


def test_what_a_client_wrote_itself_does_not_count() -> None:
    headers = {
        "x-forwarded-for": "10.6.6.6, 203.0.113.5",
        "x-forwarded-proto": "http, https",
        "x-forwarded-host": "evil.example, registry.example",
    }
    found = trace(PROXY, headers, TRUSTED)
    assert found == Hop("203.0.113.5", "https", "registry.example")


@pytest.mark.parametrize(
    "text",
    [
        "for=203.0.113.5;proto=https;host=registry.example",
        'For="203.0.113.5:99"; Proto=HTTPS; Host="registry.example"',
        'for=198.51.100.1, for="203.0.113.5";proto=https;host=registry.example',
    ],
)
def test_the_standard_header_is_read_where_the_common_ones_are_missing(
    text: str,
) -> None:
    found = trace(PROXY, {"forwarded": text}, TRUSTED)
    assert found == Hop("203.0.113.5", "https", "registry.example")


@pytest.mark.parametrize(
    "host", ["a b", "a/b", 'a"', "a\\", "a@b", "a,b c", "[::1", "x:123456", "x:y"]
)
def test_a_host_that_is_none_is_ignored(host: str) -> None:
    assert trace(PROXY, {"x-forwarded-host": host}, TRUSTED).host is None


def test_a_scheme_that_is_none_is_ignored() -> None:
    assert trace(PROXY, {"x-forwarded-proto": "gopher"}, TRUSTED).scheme is None


def test_an_address_written_as_ipv6_is_the_same_address() -> None:
    headers = {"x-forwarded-for": "203.0.113.5"}
    assert trace("::ffff:10.0.0.1", headers, TRUSTED).client == "203.0.113.5"


def scope(**headers: str) -> dict[str, object]:
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return {"client": (PROXY, 4711), "headers": raw}


FORWARDED = {"x_forwarded_proto": "https", "x_forwarded_for": "203.0.113.5"}


def test_a_request_is_rewritten_as_its_sender_made_it() -> None:
    forwarding = Forwarding(TRUSTED, has_external_url=False)
    changed = forwarding.apply(scope(host="registry.example", **FORWARDED))
    assert changed["client"] == ("203.0.113.5", 0)
    assert changed[BASE_URL] == "https://registry.example"


def test_links_stay_on_the_external_url_when_it_is_set() -> None:
    changed = Forwarding(TRUSTED).apply(scope(host="registry.example", **FORWARDED))
    assert changed["client"] == ("203.0.113.5", 0)
    assert BASE_URL not in changed


def test_a_proxy_that_says_nothing_changes_nothing() -> None:
    forwarding = Forwarding(TRUSTED, has_external_url=False)
    assert BASE_URL not in forwarding.apply(scope(host="registry.example"))


def test_nobody_is_trusted_by_default() -> None:
    given = scope(host="registry.example", **FORWARDED)
    assert Forwarding(has_external_url=False).apply(given) is given


def test_text_that_is_no_network_is_refused() -> None:
    for text in ("10.0.0.0/33", "proxy", "10.0.0.1, x"):
        with pytest.raises(ValueError, match="does not appear"):
            parse_networks(text)
    assert parse_networks(" , ") == ()
