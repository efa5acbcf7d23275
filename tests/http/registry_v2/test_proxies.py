"""Where the challenge sends clients, behind proxies and without."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from in_process.blob_places import BlobPlace
from in_process.registry import Registry

NAME = "root/app/image"

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


FILES = pytest.mark.parametrize("blobs", ["files"], indirect=True)


@FILES
@pytest.mark.parametrize(
    "settings", [{"trusted_proxies": "127.0.0.1", "accel_redirect": "/internal/"}]
)
@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=1-3"}, {"Range": "bytes=9-"}])
async def test_a_trusted_proxy_is_told_where_the_file_lies(
    registry: Registry,
    blob_place: BlobPlace,
    settings: dict[str, str],
    asked: dict[str, str],
) -> None:
    assert settings
    digest = await registry.push_blob(NAME, b"content")
    path = f"/v2/{NAME}/blobs/{digest}"
    answer = await registry.send("GET", path, headers={**BEHIND, **asked})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == "0"
    assert answer.headers["ETag"] == f'"{digest}"'
    folder = Path(blob_place.settings["storage_url"].removeprefix("file://"))
    place = answer.headers["X-Accel-Redirect"].removeprefix("/internal/")
    assert (folder / place).read_bytes() == b"content"
    answer = await registry.send("HEAD", path, headers=BEHIND)
    assert answer.headers["Content-Length"] == "7"
    assert "X-Accel-Redirect" not in answer.headers


@FILES
@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({"trusted_proxies": "192.0.2.1", "accel_redirect": "/internal"}, {}),
        ({"trusted_proxies": "127.0.0.1"}, {}),
        (
            {"trusted_proxies": "127.0.0.1", "accel_redirect": "/internal"},
            {"If-Match": "what nginx does not know"},
        ),
    ],
)
async def test_everybody_else_gets_the_bytes(
    registry: Registry, settings: dict[str, str], asked: dict[str, str]
) -> None:
    assert settings
    digest = await registry.push_blob(NAME, b"content")
    path = f"/v2/{NAME}/blobs/{digest}"
    answer = await registry.send("GET", path, headers={**BEHIND, **asked})
    assert answer.content == b"content"
    assert "X-Accel-Redirect" not in answer.headers
