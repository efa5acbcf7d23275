"""A registry as its clients see it: who they are to it, and how they push."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from bench.client import Connection, Endpoint, Response
from bench.errors import BenchmarkError
from bench.images import MANIFEST_TYPE, Image, digest_of

if TYPE_CHECKING:
    from pathlib import Path

_TOKEN_SECONDS = 120.0  # a measurement may begin with it and last two minutes more
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
CATALOG_SCOPE = "registry:catalog:*"


def repository_scope(repository: str) -> str:
    """Spell the scope that a pushing client asks for."""
    return f"repository:{repository}:pull,push"


class Registry:
    """A registry at an address, anonymous, with Basic or with Bearer tokens.

    Which of the three is the server's choice: its challenge on ``/v2/`` is obeyed.
    """

    def __init__(
        self, endpoint: Endpoint, credentials: tuple[str, str] | None = None
    ) -> None:
        self.endpoint = endpoint
        self._credentials = credentials
        self._challenge: str | None = None
        self._tokens: dict[str, tuple[float, str]] = {}

    def at(self, endpoint: Endpoint) -> Registry:
        """Reach it by another address."""
        return Registry(endpoint, self._credentials)

    def request(  # a request has this many parts
        self,
        method: str,
        path: str,
        scope: str,
        *,
        length: int | None = None,
        content_type: str = "application/octet-stream",
        is_chunked: bool = False,
    ) -> bytes:
        """Build request line and headers, with the token that the scope needs."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.endpoint.authority}"]
        lines += [f"{name}: {text}" for name, text in self.headers(scope).items()]
        if is_chunked:
            lines.append("Transfer-Encoding: chunked")
        if length is not None:
            lines.append(f"Content-Length: {length}")
        if length or is_chunked:
            lines.append(f"Content-Type: {content_type}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def headers(self, scope: str) -> dict[str, str]:
        """Give the headers of every request: what is accepted, and who asks."""
        headers = {"Accept": f"{MANIFEST_TYPE}, */*"}
        if self._challenge is None:
            self._challenge = self._find_challenge()
        kind = self._challenge.partition(" ")[0].lower()
        if kind == "basic":
            headers["Authorization"] = f"Basic {self._basic()}"
        elif kind == "bearer":
            headers["Authorization"] = f"Bearer {self._token(scope)}"
        return headers

    def push_blob(self, connection: Connection, repository: str, data: bytes) -> str:
        """Push a blob with POST and PUT; return its digest."""
        scope, digest = repository_scope(repository), digest_of(data)
        location = self.start_upload(connection, repository)
        path = closing(location, digest)
        request = self.request("PUT", path, scope, length=len(data))
        expect(connection.exchange(request, memoryview(data)), 201, f"PUT {path}")
        return digest

    def start_upload(self, connection: Connection, repository: str) -> str:
        """Open an upload session; return the path of its location."""
        path = f"/v2/{repository}/blobs/uploads/"
        request = self.request("POST", path, repository_scope(repository), length=0)
        return located(expect(connection.exchange(request), 202, f"POST {path}"))

    def push_manifest(
        self, connection: Connection, repository: str, reference: str, manifest: bytes
    ) -> None:
        """Store a manifest under a tag or its digest."""
        path = f"/v2/{repository}/manifests/{reference}"
        request = self.request(
            "PUT",
            path,
            repository_scope(repository),
            length=len(manifest),
            content_type=MANIFEST_TYPE,
        )
        expect(connection.exchange(request + manifest), 201, f"PUT {path}")

    def push_image(
        self, connection: Connection, repository: str, tag: str, image: Image
    ) -> None:
        """Push all blobs, then the manifest."""
        for data in image.blobs.values():
            self.push_blob(connection, repository, data)
        self.push_manifest(connection, repository, tag, image.manifest)

    def _find_challenge(self) -> str:
        with Connection(self.endpoint) as connection:
            answer = connection.exchange(
                f"GET /v2/ HTTP/1.1\r\nHost: {self.endpoint.authority}\r\n\r\n".encode()
            )
        if answer.status == 401:
            return answer.header("WWW-Authenticate") or ""
        expect(answer, 200, "GET /v2/")
        return "none"

    def _basic(self) -> str:
        if self._credentials is None:
            raise BenchmarkError(f"{self.endpoint.url} wants a user and a password")
        return base64.b64encode(":".join(self._credentials).encode()).decode()

    def _token(self, scope: str) -> str:
        made_at, token = self._tokens.get(scope, (0.0, ""))
        if token and time.monotonic() - made_at < _TOKEN_SECONDS:
            return token
        parameters = dict(_PARAMETER.findall(self._challenge or ""))
        realm = urlsplit(parameters["realm"])
        service = quote(parameters.get("service", ""), safe="")
        path = f"{realm.path}?service={service}&scope={quote(scope, safe=':/,*')}"
        endpoint = Endpoint.parse(f"{realm.scheme}://{realm.netloc}")
        head = f"GET {path} HTTP/1.1\r\nHost: {endpoint.authority}\r\n"
        if self._credentials is not None:
            head += f"Authorization: Basic {self._basic()}\r\n"
        with Connection(endpoint) as connection:
            answer = expect(
                connection.exchange(f"{head}\r\n".encode()), 200, f"GET {path}"
            )
        document = json.loads(answer.body)
        token = str(document.get("token") or document.get("access_token"))
        self._tokens[scope] = (time.monotonic(), token)
        return token


class StaticFiles(Registry):
    """A plain web server over a folder laid out like a registry's paths."""

    def __init__(self, endpoint: Endpoint, folder: Path) -> None:
        super().__init__(endpoint)
        self._challenge = "none"
        self._folder = folder

    def push_blob(self, connection: Connection, repository: str, data: bytes) -> str:
        """Write the blob where a GET will look for it."""
        del connection
        digest = digest_of(data)
        self._write(f"v2/{repository}/blobs/{digest}", data)
        return digest

    def push_manifest(
        self, connection: Connection, repository: str, reference: str, manifest: bytes
    ) -> None:
        """Write the manifest under its digest and its tag."""
        del connection
        for name in {reference, digest_of(manifest)}:
            self._write(f"v2/{repository}/manifests/{name}", manifest)

    def _write(self, path: str, data: bytes) -> None:
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def expect(answer: Response, status: int, what: str) -> Response:
    """Return the answer if it has the status.

    Raises:
        BenchmarkError: It has not.
    """
    if answer.status != status:
        text = answer.body[:300].decode(errors="replace")
        raise BenchmarkError(f"{what} answered {answer.status}, not {status}: {text}")
    return answer


def located(answer: Response) -> str:
    """Return path and query of an answer's ``Location``.

    Raises:
        BenchmarkError: There is none.
    """
    location = answer.header("Location")
    if location is None:
        raise BenchmarkError("an upload was accepted without a Location")
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def closing(location: str, digest: str) -> str:
    """Add the digest to an upload's location."""
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"
