"""A client of the registry protocol for tests in process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable
from typing import Any, Self

import httpx

from moorage.domain.digest import Digest
from moorage.domain.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from moorage.http.app import FrontEnds

ROOT_TOKEN = "glpat-root-of-all-tests"

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Registry:
    """Requests to one repository after another, as ``root`` if not said otherwise."""

    def __init__(self, app: FrontEnds) -> None:
        self._transport = httpx.ASGITransport(app)
        self._client = httpx.AsyncClient(
            transport=self._transport, base_url="http://127.0.0.1:5000"
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | AsyncIterable[bytes] = b"",
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = ("root", ROOT_TOKEN),
    ) -> httpx.Response:
        """Send one request."""
        return await self._client.request(
            method, path, content=content, headers=headers, auth=auth
        )

    async def send_json(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> httpx.Response:
        """Call the management API."""
        answer = await self._client.request(method, path, json=body, headers=headers)
        # Who calls is said each time.
        self._client.cookies.clear()
        return answer

    async def ask_token(
        self, scope: str, auth: tuple[str, str] | None
    ) -> httpx.Response:
        """Ask for a registry token."""
        return await self._client.get(
            "/jwt/auth",
            params={"service": "container_registry", "scope": scope},
            auth=auth or httpx.USE_CLIENT_DEFAULT,
        )

    async def token(
        self, scope: str, auth: tuple[str, str] | None = ("root", ROOT_TOKEN)
    ) -> str:
        """Fetch a registry token."""
        response = await self.ask_token(scope, auth)
        assert response.status_code == 200, response.text
        token: str = response.json()["token"]
        return token

    async def push_blob(self, name: str, content: bytes) -> Digest:
        """Upload a blob in one request."""
        digest = Digest.of(content)
        path = f"/v2/{name}/blobs/uploads/?digest={digest}"
        response = await self.send("POST", path, content=content)
        assert response.status_code == 201, response.text
        return digest

    async def push_image(
        self, name: str, reference: str = "v1", layers: tuple[bytes, ...] = (b"layer",)
    ) -> Digest:
        """Upload an image and tag it."""
        for content in (CONFIG, *layers):
            await self.push_blob(name, content)
        body = image(layers)
        response = await self.push_manifest(name, reference, body)
        assert response.status_code == 201, response.text
        return Digest.of(body)

    async def push_manifest(
        self, name: str, reference: str, body: bytes, media_type: str = OCI_MANIFEST
    ) -> httpx.Response:
        """Put a manifest."""
        return await self.send(
            "PUT",
            f"/v2/{name}/manifests/{reference}",
            content=body,
            headers={"Content-Type": media_type},
        )

    async def start_upload(self, name: str) -> str:
        """Begin an upload session; return its location."""
        response = await self.send("POST", f"/v2/{name}/blobs/uploads/")
        assert response.status_code == 202, response.text
        return response.headers["Location"]


CONFIG = json.dumps(
    {"created": "2024-05-01T12:00:00Z", "os": "linux", "architecture": "amd64"}
).encode()


def descriptor(content: bytes, media_type: str, **fields: Any) -> dict[str, Any]:
    """Describe bytes."""
    return {
        "mediaType": media_type,
        "digest": str(Digest.of(content)),
        "size": len(content),
        **fields,
    }


def image(layers: tuple[bytes, ...] = (b"layer",), **fields: Any) -> bytes:
    """Write an image manifest."""
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(CONFIG, OCI_CONFIG),
        "layers": [descriptor(layer, LAYER) for layer in layers],
        **fields,
    }
    return json.dumps(body).encode()


def index(*children: bytes, **fields: Any) -> bytes:
    """Write an index of manifests."""
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [descriptor(child, OCI_MANIFEST) for child in children],
        **fields,
    }
    return json.dumps(body).encode()


def codes(response: httpx.Response) -> list[str]:
    """Return the error codes of an answer."""
    return [error["code"] for error in response.json()["errors"]]
