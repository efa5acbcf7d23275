"""Bad requests to ``/v2/``: the documented error, never a 500, nothing changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from live.images import (
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    an_image,
    as_json,
    descriptor,
    digest_of,
)
from live.registry import stored_bytes
from live.wire import exchange, request_head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live.estate import Estate
    from live.registry import RegistryClient

pytestmark = pytest.mark.clients

IMAGE = an_image("good")
GOOD = json.loads(IMAGE.manifest)
ABSENT = digest_of(b"absent")
UPPER = f"sha256:{'A' * 64}"
MAX_MANIFEST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bad:
    """A request below ``/v2/<repository>``, and what must come back."""

    method: str
    path: str
    status: int | tuple[int, ...]
    code: str | None = None
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def statuses(self) -> tuple[int, ...]:
        return self.status if isinstance(self.status, tuple) else (self.status,)


def put_manifest(
    content: bytes,
    *,
    status: int = 400,
    code: str = "MANIFEST_INVALID",
    media_type: str = OCI_MANIFEST,
    reference: str = "bad",
) -> Bad:
    headers = {"Content-Type": media_type}
    return Bad("PUT", f"/manifests/{reference}", status, code, content, headers)


def good_but(**changes: Any) -> bytes:
    """Spell the good manifest with some fields changed; ``None`` drops a field."""
    changed = {**GOOD, **changes}
    return as_json({key: value for key, value in changed.items() if value is not None})


def config_but(**changes: Any) -> bytes:
    return good_but(config={**GOOD["config"], **changes})


BAD: dict[str, Bad] = {
    # digests
    "blob digest too short": Bad("GET", "/blobs/sha256:abc", 400, "DIGEST_INVALID"),
    "blob digest upper case": Bad("GET", f"/blobs/{UPPER}", 400, "DIGEST_INVALID"),
    "blob digest algorithm": Bad(
        "GET", f"/blobs/sha257:{'a' * 64}", 400, "DIGEST_INVALID"
    ),
    "blob digest algorithm on delete": Bad(
        "DELETE", f"/blobs/sha257:{'a' * 64}", 400, "DIGEST_INVALID"
    ),
    "blob digest without colon": Bad("GET", "/blobs/latest", 400, "DIGEST_INVALID"),
    "blob digest with nul": Bad(
        "GET", f"/blobs/sha256:{'a' * 63}%00", 400, "DIGEST_INVALID"
    ),
    "blob digest not utf-8": Bad("GET", "/blobs/sha256:%ff%fe", 400, "DIGEST_INVALID"),
    "blob absent": Bad("GET", f"/blobs/{ABSENT}", 404, "BLOB_UNKNOWN"),
    "blob absent on delete": Bad("DELETE", f"/blobs/{ABSENT}", 404, "BLOB_UNKNOWN"),
    "blob digest asked as manifest": Bad(
        "GET", f"/manifests/{GOOD['config']['digest']}", 404, "MANIFEST_UNKNOWN"
    ),
    "referrers of a malformed digest": Bad(
        "GET", "/referrers/sha256:abc", 400, "DIGEST_INVALID"
    ),
    # tags and references
    "manifest absent": Bad("GET", f"/manifests/{ABSENT}", 404, "MANIFEST_UNKNOWN"),
    "manifest digest malformed": Bad(
        "GET", "/manifests/sha256:totallywrong", (400, 404)
    ),
    "manifest deleted twice": Bad(
        "DELETE", f"/manifests/{ABSENT}", 404, "MANIFEST_UNKNOWN"
    ),
    "tag absent on delete": Bad("DELETE", "/manifests/absent", 404, "MANIFEST_UNKNOWN"),
    "tag too long": put_manifest(IMAGE.manifest, reference="a" * 129, code=""),
    "tag with a forbidden character": put_manifest(
        IMAGE.manifest, reference="a%20b", code=""
    ),
    "tag with nul": put_manifest(IMAGE.manifest, reference="a%00b", code=""),
    "tag that begins with a dot": put_manifest(
        IMAGE.manifest, reference=".hidden", code=""
    ),
    "put under a malformed digest": put_manifest(
        IMAGE.manifest, reference="sha256:baddigeststring", code=""
    ),
    "put under another digest": put_manifest(
        IMAGE.manifest, reference=ABSENT, code="DIGEST_INVALID"
    ),
    # manifests
    "manifest empty": put_manifest(b""),
    "manifest not json": put_manifest(b"{"),
    "manifest not utf-8": put_manifest(b'{"schemaVersion": 2, "a": "\xff"}'),
    "manifest an array": put_manifest(b"[]"),
    "manifest a number": put_manifest(b"2"),
    "manifest null": put_manifest(b"null"),
    "manifest an empty object": put_manifest(b"{}"),
    "manifest very deep": put_manifest(b"[" * 100_000),
    "manifest deep but balanced": put_manifest(
        b'{"schemaVersion":2,"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    ),
    "manifest with a huge number": put_manifest(
        b'{"schemaVersion":2,"a":' + b"9" * 10_000 + b"}"
    ),
    "manifest schema 1": put_manifest(good_but(schemaVersion=1)),
    "manifest schema a text": put_manifest(good_but(schemaVersion="2")),
    "manifest without a configuration": put_manifest(good_but(config=None)),
    "manifest configuration a list": put_manifest(good_but(config=[])),
    "manifest layers an object": put_manifest(good_but(layers={})),
    "manifest layer a text": put_manifest(good_but(layers=["layer"])),
    "manifest size negative": put_manifest(config_but(size=-1)),
    "manifest size a text": put_manifest(config_but(size="2")),
    "manifest size beyond 64 bits": put_manifest(config_but(size=2**70)),
    "manifest size a fraction": put_manifest(config_but(size=1.5)),
    "manifest digest a number": put_manifest(config_but(digest=7)),
    "manifest digest malformed inside": put_manifest(
        config_but(digest="sha256:no"), code=""
    ),
    "manifest of an unknown type": put_manifest(
        IMAGE.manifest, media_type="text/plain"
    ),
    "manifest of another type than it says": put_manifest(
        IMAGE.manifest, media_type=DOCKER_MANIFEST
    ),
    "manifest type garbage": put_manifest(IMAGE.manifest, media_type="nonsense"),
    "manifest with absent content": put_manifest(
        config_but(digest=ABSENT), code="MANIFEST_BLOB_UNKNOWN"
    ),
    "index with an absent child": put_manifest(
        as_json(
            {
                "schemaVersion": 2,
                "mediaType": OCI_INDEX,
                "manifests": [descriptor(b"absent", OCI_MANIFEST)],
            }
        ),
        media_type=OCI_INDEX,
        code="MANIFEST_BLOB_UNKNOWN",
    ),
    "index children an object": put_manifest(
        as_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": {}}),
        media_type=OCI_INDEX,
    ),
    "subject malformed": put_manifest(good_but(subject={"digest": 1})),
    "manifest too big": put_manifest(
        good_but(annotations={"a": "b" * MAX_MANIFEST_BYTES}), status=413
    ),
    # uploads
    "upload session unknown": Bad(
        "PATCH", "/blobs/uploads/unknown", 404, "BLOB_UPLOAD_UNKNOWN", b"x"
    ),
    "upload session unknown, well formed": Bad(
        "GET",
        "/blobs/uploads/6b3c9a93-af5d-473f-a4cf-9710022185cd",
        404,
        "BLOB_UPLOAD_UNKNOWN",
    ),
    "upload session with nul": Bad("GET", "/blobs/uploads/a%00b", 404),
    "upload in one with another digest": Bad(
        "POST", f"/blobs/uploads/?digest={ABSENT}", 400, "DIGEST_INVALID", b"present"
    ),
    "upload in one with a malformed digest": Bad(
        "POST", "/blobs/uploads/?digest=sha256:abc", 400, "DIGEST_INVALID", b"x"
    ),
    "upload with an unknown algorithm": Bad(
        "POST", "/blobs/uploads/?digest-algorithm=md5", 400, "DIGEST_INVALID"
    ),
    # lists
    "tags n negative": Bad("GET", "/tags/list?n=-1", 400, "PAGINATION_NUMBER_INVALID"),
    "tags n a word": Bad("GET", "/tags/list?n=many", 400, "PAGINATION_NUMBER_INVALID"),
    "tags n a fraction": Bad(
        "GET", "/tags/list?n=1.5", 400, "PAGINATION_NUMBER_INVALID"
    ),
    # ranges
    "blob range beyond the end": Bad(
        "GET",
        f"/blobs/{GOOD['config']['digest']}",
        416,
        headers={"Range": "bytes=500000-600000"},
    ),
    "blob range backwards": Bad(
        "GET",
        f"/blobs/{GOOD['config']['digest']}",
        (416, 200),
        headers={"Range": "bytes=20-0"},
    ),
    # methods and paths
    "method not known for tags": Bad("POST", "/tags/list", 405),
    "method not known for manifests": Bad("PATCH", "/manifests/v1", 405),
    "method not known for blobs": Bad("PUT", f"/blobs/{ABSENT}", 405),
    "path not known": Bad("GET", "/nothing/here", (404, 405)),
    "path climbs": Bad("GET", "/%2e%2e/%2e%2e/manifests/v1", (400, 404)),
}

BAD_NAMES = [
    *("UPPER/case", "a//b", "a/_b", "a/-b", "a/b.", "a..b/c", "a/b___c"),
    *("a%00b/c", "%ff/c", "a%2fb", "a b", "a" * 256, "a/%2e%2e/b", "ü/b"),
]


@dataclass(frozen=True, slots=True)
class Place:
    """A repository that holds one good image, and the way to see it unchanged."""

    repository: str
    registry: RegistryClient
    estate: Estate
    project_id: int

    def request(self, bad: Bad) -> Any:
        return self.registry.http.request(
            bad.method,
            f"/v2/{self.repository}{bad.path}",
            content=bad.content or None,
            headers={**self.authorization(), **bad.headers},
        )

    def authorization(self) -> dict[str, str]:
        return self.registry.authorization(self.repository, "delete", "pull", "push")

    def state(self) -> tuple[Any, ...]:
        """Show all that a client can see of the place and of what is beside it."""
        root = self.estate.admin
        base = f"/projects/{self.project_id}/registry/repositories"
        return (
            self.registry.tags(self.repository),
            self.registry.pull(self.repository, "v1"),
            self.estate.call(root, "GET", f"{base}?tags=1").json(),
            self.estate.call(root, "HEAD", "/projects").headers["X-Total"],
        )


@pytest.fixture(scope="module")
def place(estate: Estate) -> Iterator[Place]:
    project = estate.project()
    repository = f"{project.path_with_namespace}/app"
    with estate.registry(estate.admin) as registry:
        registry.push(repository, "v1", IMAGE)
        yield Place(repository, registry, estate, project.id)


def assert_is_an_error(answer: Any, bad: Bad) -> None:
    assert answer.status_code in bad.statuses, answer.text
    if answer.status_code >= 400 and answer.status_code not in (405, 416):
        errors = answer.json()["errors"]
        assert errors
        if bad.code:
            assert errors[0]["code"] == bad.code, answer.text


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_request_gets_its_error_and_changes_nothing(
    place: Place, bad: Bad
) -> None:
    before = place.state()
    assert_is_an_error(place.request(bad), bad)
    assert place.state() == before


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_bad_name_is_refused_and_changes_nothing(
    place: Place, name: str, method: str
) -> None:
    before = place.state()
    answer = place.registry.http.request(
        method,
        f"/v2/{name}/manifests/v1",
        content=IMAGE.manifest if method == "PUT" else None,
        headers={**place.authorization(), "Content-Type": OCI_MANIFEST},
    )
    assert answer.status_code in (400, 401, 404), answer.text
    assert place.state() == before


def test_every_absent_blob_of_a_manifest_is_named(place: Place) -> None:
    layers = [descriptor(name, OCI_LAYER) for name in (b"one", b"two")]
    manifest = good_but(config=descriptor(b"none", OCI_CONFIG), layers=layers)
    answer = place.request(put_manifest(manifest))
    assert answer.status_code == 400
    errors = answer.json()["errors"]
    assert [error["code"] for error in errors] == ["MANIFEST_BLOB_UNKNOWN"] * 3


def test_a_manifest_just_within_the_limit_is_taken(place: Place) -> None:
    frame = len(good_but(annotations={"a": ""}))
    text = "b" * (MAX_MANIFEST_BYTES - frame)
    manifest = good_but(annotations={"a": text})
    assert len(manifest) == MAX_MANIFEST_BYTES
    place.registry.put_manifest(
        f"{place.repository}/big", "v1", *_with_blobs(place, manifest)
    )


def _with_blobs(place: Place, manifest: bytes) -> tuple[bytes, str]:
    for blob in IMAGE.blobs:
        place.registry.push_blob(f"{place.repository}/big", blob)
    return manifest, OCI_MANIFEST


@pytest.mark.parametrize(
    ("content_range", "content", "statuses"),
    [
        ("2-4", b"abc", (416,)),
        ("0-9", b"0123456789", (416,)),
        ("4-6", b"abc", (416,)),
        ("10-12", b"abcd", (400, 416)),
        ("10-20", b"abc", (400, 416)),
        ("12-10", b"abc", (400, 416)),
        ("bytes=2-4", b"abc", (400, 416)),
        ("pages 10-12", b"abc", (400, 416)),
        ("10-", b"abc", (400, 416)),
        ("ten", b"abc", (400, 416)),
        ("9" * 400 + "-" + "9" * 401, b"abc", (400, 416)),
    ],
)
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_bad_content_range_stores_nothing_and_the_session_goes_on(
    place: Place, method: str, content_range: str, content: bytes, statuses: list[int]
) -> None:
    registry, repository = place.registry, place.repository
    location = registry.start_upload(repository)
    location = registry.append(repository, location, b"0123456789")
    whole = digest_of(b"0123456789abc")
    url = location
    if method == "PUT":
        url += f"{'&' if '?' in location else '?'}digest={whole}"
    answer = registry.http.request(
        method,
        url,
        content=content,
        headers={**place.authorization(), "Content-Range": content_range},
    )
    assert answer.status_code in statuses, answer.text
    assert stored_bytes(registry.upload_status(repository, location)) == 10
    location = registry.append(repository, location, b"abc", start=10)
    registry.finish(repository, location, whole)


@pytest.mark.parametrize("query", ["", "digest=", "digest=sha256:abc", "digest=md5:00"])
def test_a_close_without_a_usable_digest_keeps_the_session(
    place: Place, query: str
) -> None:
    registry, repository = place.registry, place.repository
    location = registry.append(
        repository, registry.start_upload(repository), b"0123456789"
    )
    separator = "&" if "?" in location else "?"
    answer = registry.http.put(
        f"{location}{separator}{query}", headers=place.authorization()
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "DIGEST_INVALID"
    registry.finish(repository, location, digest_of(b"0123456789"))


def test_a_close_with_the_wrong_digest_stores_nothing(place: Place) -> None:
    registry, repository = place.registry, place.repository
    location = registry.append(repository, registry.start_upload(repository), b"other")
    separator = "&" if "?" in location else "?"
    answer = registry.http.put(
        f"{location}{separator}digest={ABSENT}", headers=place.authorization()
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "DIGEST_INVALID"
    assert registry.blob(repository, ABSENT).status_code == 404
    assert registry.blob(repository, digest_of(b"other")).status_code == 404


def test_a_session_does_not_exist_below_another_repository(place: Place) -> None:
    location = place.registry.start_upload(place.repository)
    other = place.estate.project().path_with_namespace
    answer = place.registry.http.patch(
        location.replace(place.repository, other),
        content=b"x",
        headers=place.registry.authorization(other, "pull", "push"),
    )
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["code"] == "BLOB_UPLOAD_UNKNOWN"


@pytest.mark.parametrize(
    "query",
    [
        f"mount={ABSENT}&from=no/such",
        f"mount={ABSENT}&from=NOT%20A%20NAME",
        f"mount={ABSENT}",
        "mount=nonsense&from=no/such",
        "mount=&from=",
        "origin=elsewhere&unknown=1",
    ],
)
def test_a_mount_that_cannot_be_done_opens_a_session(place: Place, query: str) -> None:
    answer = place.registry.http.post(
        f"/v2/{place.repository}/blobs/uploads/?{query}",
        headers=place.authorization(),
    )
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "-1"},
        {"Content-Length": "ten"},
        {"Content-Length": "9" * 40},
        {"Transfer-Encoding": "gzip"},
    ],
    ids=lambda headers: " ".join(headers.values())[:30],
)
def test_a_request_with_an_impossible_length_is_refused(
    place: Place, headers: dict[str, str]
) -> None:
    location = place.registry.start_upload(place.repository)
    closing = {**place.authorization(), **headers, "Connection": "close"}
    head = request_head("PATCH", location, closing)
    status, _ = exchange(location, head + b"5\r\nabcde\r\n0\r\n\r\n")
    assert 400 <= status < 500 or status == 501
    assert stored_bytes(place.registry.upload_status(place.repository, location)) == 0


def test_of_two_lengths_the_one_that_cannot_smuggle_counts(place: Place) -> None:
    """RFC 9112, 6.3: a transfer encoding overrides a length; the server drops that."""
    location = place.registry.start_upload(place.repository)
    closing = {
        **place.authorization(),
        "Content-Length": "30",
        "Transfer-Encoding": "chunked",
        "Connection": "close",
    }
    head = request_head("PATCH", location, closing)
    status, _ = exchange(location, head + b"5\r\nabcde\r\n0\r\n\r\n")
    assert status in {202, 400}
    stored = stored_bytes(place.registry.upload_status(place.repository, location))
    assert stored == (5 if status == 202 else 0)


@pytest.mark.parametrize(
    "header",
    [
        *(
            "Bearer nonsense",
            "Bearer a.b.c",
            "Bearer",
            "Basic !!!",
            "Basic bm9jb2xvbg==",
        ),
        *("Digest x", "Bearer " + "a" * 10_000),
    ],
    ids=lambda header: header[:20],
)
def test_a_senseless_authorization_is_challenged(place: Place, header: str) -> None:
    answer = place.registry.http.get(
        f"/v2/{place.repository}/manifests/v1", headers={"Authorization": header}
    )
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")


@pytest.mark.parametrize(
    "scope",
    [
        *("", "nonsense", "repository", "repository:", "repository::", ":::"),
        *("repository:A B:pull", "repository:x/y:fly", "repository:x/y:pull,,push"),
        *("registry:catalog:*", "repository(plugin):x/y:pull", "host:5000/x:pull"),
        *("repository:%00:pull", "repository:" + "a/" * 3000 + ":pull"),
    ],
    ids=lambda scope: scope[:30],
)
def test_any_scope_gets_a_token_that_grants_no_more_than_it_may(
    place: Place, scope: str
) -> None:
    answer = place.registry.http.get(
        "/jwt/auth", params={"service": "container_registry", "scope": scope}
    )
    assert answer.status_code in (200, 400, 403), answer.text
