"""A small, plain client of the registry protocol that shows each step."""

from __future__ import annotations

import base64
import re
import time
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import httpx

from live.images import ALL_MANIFESTS, Image, Index, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Content: TypeAlias = "bytes | Iterable[bytes]"

_TOKEN_SECONDS = 120
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_PULL = ("pull",)
_PUSH = ("pull", "push")
_DELETE = ("delete", "pull", "push")


class UnexpectedAnswerError(Exception):
    """The registry gave another answer than the one that the step needs."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(
            f"{answer.request.method} {answer.request.url}: "
            f"{answer.status_code} {answer.text[:500]}"
        )
        self.status = answer.status_code
        self.answer = answer


def expect(answer: httpx.Response, *statuses: int) -> httpx.Response:
    """Return the answer if its status is one of those named.

    Raises:
        UnexpectedAnswerError: It is another one.
    """
    if answer.status_code not in statuses:
        raise UnexpectedAnswerError(answer)
    return answer


def stored_bytes(answer: httpx.Response) -> int:
    """Read how far an upload session got from its ``Range``.

    ``0-0`` is what a fresh session says; a session of exactly one byte, which looks
    the same, is not told apart.
    """
    last = int(answer.headers["Range"].removeprefix("0-"))
    return last + 1 if last > 0 else 0


class RegistryClient:
    """Somebody who pushes and pulls, with the token dance done for him."""

    def __init__(
        self, url: str, username: str | None = None, password: str | None = None
    ) -> None:
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self._credentials = (
            httpx.BasicAuth(username, password or "") if username else None
        )
        self._challenge: dict[str, str] | None = None
        self._tokens: dict[str, tuple[float, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def authorization(self, repository: str, *actions: str) -> dict[str, str]:
        """Give the header for these actions; an empty one where none is asked for."""
        return self.authorization_for(f"repository:{repository}:{','.join(actions)}")

    def authorization_for(self, scope: str) -> dict[str, str]:
        """Give the header for a scope as the token service spells it."""
        if self._challenge is None:
            header = self.http.get("/v2/").headers.get("WWW-Authenticate", "")
            self._challenge = dict(_CHALLENGE.findall(header))
        if not self._challenge:
            return {}
        made_at, token = self._tokens.get(scope, (float("-inf"), ""))
        if time.monotonic() - made_at > _TOKEN_SECONDS:
            token = self._fetch_token(self._challenge, scope)
            self._tokens[scope] = (time.monotonic(), token)
        return {"Authorization": f"Bearer {token}"}

    def start_upload(self, repository: str, **parameters: str) -> str:
        """Open an upload session and return its location."""
        answer = self.http.post(
            f"/v2/{repository}/blobs/uploads/",
            params=parameters,
            headers=self.authorization(repository, *_PUSH),
        )
        return self._location(expect(answer, 202))

    def append(
        self,
        repository: str,
        location: str,
        content: Content,
        *,
        start: int | None = None,
    ) -> str:
        """Send the next bytes of an upload and return its next location.

        With ``start`` the place is named by ``Content-Range``, for which the content
        must be bytes.
        """
        headers = self.authorization(repository, *_PUSH)
        if start is not None and isinstance(content, bytes):
            headers["Content-Range"] = f"{start}-{start + len(content) - 1}"
        answer = self.http.patch(location, content=content, headers=headers)
        return self._location(expect(answer, 202))

    def upload_status(self, repository: str, location: str) -> httpx.Response:
        """Ask how far an upload got."""
        return self.http.get(location, headers=self.authorization(repository, *_PUSH))

    def finish(
        self, repository: str, location: str, digest: str, content: bytes = b""
    ) -> None:
        """Close an upload: from the answer on the blob is stored."""
        answer = self.http.put(
            httpx.URL(location).copy_merge_params({"digest": digest}),
            content=content,
            headers=self.authorization(repository, *_PUSH),
        )
        expect(answer, 201)

    def push_blob(self, repository: str, content: bytes) -> str:
        """Upload a blob in two requests and return its digest."""
        digest = digest_of(content)
        self.finish(repository, self.start_upload(repository), digest, content)
        return digest

    def put_manifest(
        self, repository: str, reference: str, content: bytes, media_type: str
    ) -> None:
        """Store a manifest under a tag or its digest."""
        answer = self.http.put(
            f"/v2/{repository}/manifests/{reference}",
            content=content,
            headers={
                **self.authorization(repository, *_PUSH),
                "Content-Type": media_type,
            },
        )
        expect(answer, 201)

    def push(self, repository: str, tag: str, image: Image | Index) -> str:
        """Push an image, or an index with its images, and return its digest."""
        if isinstance(image, Index):
            for child in image.images:
                self.push(repository, child.digest, child)
        else:
            for blob in image.blobs:
                self.push_blob(repository, blob)
        self.put_manifest(repository, tag, image.manifest, image.media_type)
        return image.digest

    def manifest(self, repository: str, reference: str) -> httpx.Response:
        """Ask for a manifest, whatever the answer."""
        return self.http.get(
            f"/v2/{repository}/manifests/{reference}",
            headers={
                **self.authorization(repository, *_PULL),
                "Accept": ", ".join(ALL_MANIFESTS),
            },
        )

    def blob(self, repository: str, digest: str) -> httpx.Response:
        """Ask for a blob, whatever the answer."""
        return self.http.get(
            f"/v2/{repository}/blobs/{digest}",
            headers=self.authorization(repository, *_PULL),
        )

    def stream_blob(self, repository: str, digest: str) -> Iterator[bytes]:
        """Read a blob piece by piece."""
        with self.http.stream(
            "GET",
            f"/v2/{repository}/blobs/{digest}",
            headers=self.authorization(repository, *_PULL),
        ) as answer:
            if answer.status_code != httpx.codes.OK:
                answer.read()
            expect(answer, 200)
            yield from answer.iter_raw()

    def pull(self, repository: str, reference: str) -> str:
        """Pull everything that a reference leads to, check it, return its digest.

        Raises:
            UnexpectedAnswerError: Something is not there.
            AssertionError: Something has other bytes than its digest says.
        """
        answer = expect(self.manifest(repository, reference), 200)
        digest = digest_of(answer.content)
        assert answer.headers["Docker-Content-Digest"] == digest
        content: dict[str, Any] = answer.json()
        for child in content.get("manifests", []):
            assert self.pull(repository, child["digest"]) == child["digest"]
        for part in (*content.get("layers", []), content.get("config")):
            if part is not None:
                blob = expect(self.blob(repository, part["digest"]), 200)
                assert digest_of(blob.content) == part["digest"]
                assert len(blob.content) == part["size"]
        return digest

    def tags(self, repository: str) -> list[str]:
        """List the tags; a repository that is not there has none."""
        answer = self.http.get(
            f"/v2/{repository}/tags/list",
            headers=self.authorization(repository, *_PULL),
        )
        if expect(answer, 200, 404).status_code == httpx.codes.NOT_FOUND:
            return []
        tags: list[str] = answer.json()["tags"]
        return tags

    def delete(self, repository: str, kind: str, reference: str) -> httpx.Response:
        """Delete a manifest, tag or blob; ``kind`` is ``manifests`` or ``blobs``."""
        return self.http.delete(
            f"/v2/{repository}/{kind}/{reference}",
            headers=self.authorization(repository, *_DELETE),
        )

    def _fetch_token(self, challenge: Mapping[str, str], scope: str) -> str:
        answer = self.http.get(
            challenge["realm"],
            params={"service": challenge["service"], "scope": scope},
            auth=self._credentials or httpx.USE_CLIENT_DEFAULT,
        )
        token: str = expect(answer, 200).json()["token"]
        return token

    @staticmethod
    def _location(answer: httpx.Response) -> str:
        return str(answer.request.url.join(answer.headers["Location"]))


def basic(username: str, password: str) -> dict[str, str]:
    """Give the header of Basic authentication."""
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}
