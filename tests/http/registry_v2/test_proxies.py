"""Where the challenge sends clients, behind proxies and without."""

from __future__ import annotations

import re

import pytest

from in_process.registry import Registry

BEHIND = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "registry.example",
    "X-Forwarded-For": "203.0.113.5",
}


async def realm(registry: Registry) -> str:
    response = await registry.send("GET", "/v2/", headers=BEHIND, auth=None)
    assert response.status_code == 401
    (found,) = re.findall(r'realm="([^"]*)"', response.headers["WWW-Authenticate"])
    return str(found)


async def link(registry: Registry) -> str:
    response = await registry.send("GET", "/api/v4/projects", headers=BEHIND, auth=None)
    assert response.status_code == 200
    return response.headers["Link"].partition("/api/")[0]


async def test_forwarded_headers_of_strangers_do_nothing(registry: Registry) -> None:
    assert await realm(registry) == "http://127.0.0.1:5000/jwt/auth"
    assert await link(registry) == "<http://127.0.0.1:5000"


@pytest.mark.parametrize("settings", [{"trusted_proxies": "127.0.0.0/8"}])
async def test_behind_a_trusted_proxy_clients_stay_on_its_address(
    registry: Registry, settings: dict[str, str]
) -> None:
    assert settings
    assert await realm(registry) == "https://registry.example/jwt/auth"
    assert await link(registry) == "<https://registry.example"


@pytest.mark.parametrize(
    "settings",
    [{"trusted_proxies": "127.0.0.1", "external_url": "https://images.example"}],
)
async def test_the_external_url_wins(
    registry: Registry, settings: dict[str, str]
) -> None:
    assert settings
    assert await realm(registry) == "https://images.example/jwt/auth"
    assert await link(registry) == "<https://images.example"
