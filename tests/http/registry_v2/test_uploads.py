import pytest

from conftest import ON_CEPH_TOO
from in_process.blob_places import BlobPlace
from in_process.registry import Registry, codes, image
from moorage.domain.digest import Digest

pytestmark = ON_CEPH_TOO

NAME = "root/app/image"
CONTENT = b"0123456789" * 1000
DIGEST = Digest.of(CONTENT)


async def blob_is(registry: Registry, content: bytes, digest: Digest) -> bool:
    response = await registry.send("GET", f"/v2/{NAME}/blobs/{digest}")
    return response.status_code == 200 and response.content == content


async def test_a_blob_in_one_request(registry: Registry) -> None:
    path = f"/v2/{NAME}/blobs/uploads/?digest={DIGEST}"
    response = await registry.send("POST", path, content=CONTENT)
    assert response.status_code == 201
    assert response.headers["Location"] == f"/v2/{NAME}/blobs/{DIGEST}"
    assert response.headers["Docker-Content-Digest"] == str(DIGEST)
    assert response.headers["Content-Length"] == "0"
    assert await blob_is(registry, CONTENT, DIGEST)


async def test_a_blob_by_post_and_put(registry: Registry) -> None:
    location = await registry.start_upload(NAME)
    response = await registry.send(
        "PUT", f"{location}?digest={DIGEST}", content=CONTENT
    )
    assert response.status_code == 201
    assert await blob_is(registry, CONTENT, DIGEST)


async def test_a_blob_in_chunks(registry: Registry) -> None:
    location = await registry.start_upload(NAME)
    for start in range(0, 9000, 3000):
        part = CONTENT[start : start + 3000]
        response = await registry.send(
            "PATCH",
            location,
            content=part,
            headers={"Content-Range": f"{start}-{start + 2999}"},
        )
        assert response.status_code == 202
        assert response.headers["Range"] == f"0-{start + 2999}"
        location = response.headers["Location"]
    response = await registry.send(
        "PUT",
        f"{location}?digest={DIGEST}",
        content=CONTENT[9000:],
        headers={"Content-Range": "9000-9999"},
    )
    assert response.status_code == 201
    assert await blob_is(registry, CONTENT, DIGEST)


async def test_a_fresh_session_tells_where_it_is(registry: Registry) -> None:
    response = await registry.send("POST", f"/v2/{NAME}/blobs/uploads/")
    assert response.headers["Range"] == "0-0"
    assert response.headers["Content-Length"] == "0"
    upload_id = response.headers["Docker-Upload-UUID"]
    assert response.headers["Location"].endswith(f"/{upload_id}")
    status = await registry.send("GET", response.headers["Location"])
    assert status.status_code == 204
    assert status.headers["Range"] == "0-0"


@pytest.mark.parametrize("content_range", ["0-9", "5-14", "11-20"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_chunk_out_of_order_is_refused_and_the_session_goes_on(
    registry: Registry, method: str, content_range: str
) -> None:
    location = await registry.start_upload(NAME)
    await registry.send("PATCH", location, content=CONTENT[:10])
    response = await registry.send(
        method,
        f"{location}?digest={DIGEST}",
        content=CONTENT[:10],
        headers={"Content-Range": content_range},
    )
    assert response.status_code == 416
    assert response.headers["Range"] == "0-9"
    status = await registry.send("GET", location)
    assert status.headers["Range"] == "0-9"
    response = await registry.send(
        "PUT", f"{location}?digest={DIGEST}", content=CONTENT[10:]
    )
    assert response.status_code == 201


async def test_another_digest_leaves_nothing(
    registry: Registry, blob_place: BlobPlace
) -> None:
    location = await registry.start_upload(NAME)
    response = await registry.send(
        "PUT", f"{location}?digest={DIGEST}", content=b"other"
    )
    assert response.status_code == 400
    assert codes(response) == ["DIGEST_INVALID"]
    assert (await registry.send("GET", location)).status_code == 404
    assert blob_place.names() == []


async def test_a_missing_or_malformed_digest_keeps_the_session(
    registry: Registry,
) -> None:
    location = await registry.start_upload(NAME)
    for query in ("", "?digest=", "?digest=sha256:no", "?digest=md5:00"):
        response = await registry.send("PUT", location + query, content=CONTENT)
        assert response.status_code == 400
        assert codes(response) == ["DIGEST_INVALID"]
    assert (await registry.send("GET", location)).headers["Range"] == "0-0"


async def test_sha512_may_come_unannounced(registry: Registry) -> None:
    digest = Digest.of(CONTENT, "sha512")
    location = await registry.start_upload(NAME)
    await registry.send("PATCH", location, content=CONTENT[:5000])
    response = await registry.send(
        "PUT", f"{location}?digest={digest}", content=CONTENT[5000:]
    )
    assert response.status_code == 201
    assert response.headers["Docker-Content-Digest"] == str(digest)
    assert await blob_is(registry, CONTENT, digest)


async def test_the_algorithm_may_be_announced(registry: Registry) -> None:
    path = f"/v2/{NAME}/blobs/uploads/?digest-algorithm="
    assert (await registry.send("POST", path + "sha512")).status_code == 202
    response = await registry.send("POST", path + "md5")
    assert response.status_code == 400
    assert codes(response) == ["DIGEST_INVALID"]


@pytest.mark.parametrize("content", [b"", bytes(1024)])
async def test_a_close_that_broke_off_may_be_tried_with_another_algorithm(
    registry: Registry, content: bytes
) -> None:
    location = await registry.start_upload(NAME)
    response = await registry.send(
        "PUT",
        f"{location}?digest={Digest.of(CONTENT, 'sha512')}",
        content=content,
        headers={"Content-Length": "10000"},
    )
    assert response.status_code == 400
    assert codes(response) == ["SIZE_INVALID"]
    response = await registry.send(
        "PUT", f"{location}?digest={Digest.of(content)}", content=content
    )
    assert response.status_code == 201
    assert await blob_is(registry, content, Digest.of(content))


@pytest.mark.parametrize("content", [b"", bytes(1024)])
async def test_empty_and_zero_blobs(registry: Registry, content: bytes) -> None:
    digest = Digest.of(content)
    location = await registry.start_upload(NAME)
    response = await registry.send(
        "PUT", f"{location}?digest={digest}", content=content
    )
    assert response.status_code == 201
    assert await blob_is(registry, content, digest)


async def test_a_cancelled_session_is_gone(
    registry: Registry, blob_place: BlobPlace
) -> None:
    location = await registry.start_upload(NAME)
    await registry.send("PATCH", location, content=CONTENT)
    assert (await registry.send("DELETE", location)).status_code == 204
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        response = await registry.send(method, f"{location}?digest={DIGEST}")
        assert response.status_code == 404
        assert codes(response) == ["BLOB_UPLOAD_UNKNOWN"]
    assert blob_place.names() == []


async def test_a_session_belongs_to_its_repository(registry: Registry) -> None:
    location = await registry.start_upload(NAME)
    await registry.start_upload("root/app/other")
    elsewhere = location.replace(NAME, "root/app/other")
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        response = await registry.send(method, f"{elsewhere}?digest={DIGEST}")
        assert response.status_code == 404
    assert (await registry.send("GET", location)).status_code == 204


async def test_a_closing_put_that_comes_again_is_answered_like_the_first(
    registry: Registry,
) -> None:
    location = await registry.start_upload(NAME)
    await registry.send("PATCH", location, content=CONTENT)
    answers = [
        await registry.send("PUT", f"{location}?digest={DIGEST}") for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    another = await registry.send("PUT", f"{location}?digest={Digest.of(b'other')}")
    assert another.status_code == 404


async def test_the_same_bytes_twice_are_one_object(
    registry: Registry, blob_place: BlobPlace
) -> None:
    await registry.push_blob(NAME, CONTENT)
    await registry.push_blob("root/app/other", CONTENT)
    assert len(blob_place.names()) == 1


async def test_a_range_of_another_length_than_the_body(registry: Registry) -> None:
    location = await registry.start_upload(NAME)
    response = await registry.send(
        "PATCH", location, content=CONTENT, headers={"Content-Range": "0-5"}
    )
    assert response.status_code == 400
    assert codes(response) == ["SIZE_INVALID"]
    assert (await registry.send("GET", location)).headers["Range"] == "0-0"


class TestLimits:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"max_blob_bytes": "100"}

    async def test_a_blob_over_the_limit_leaves_nothing(
        self, registry: Registry, blob_place: BlobPlace
    ) -> None:
        location = await registry.start_upload(NAME)
        await registry.send("PATCH", location, content=b"x" * 60)
        response = await registry.send("PATCH", location, content=b"x" * 60)
        assert response.status_code == 413
        assert (await registry.send("GET", location)).status_code == 404
        assert blob_place.names() == []


async def test_mounting_what_another_repository_holds(registry: Registry) -> None:
    await registry.push_blob("root/app/source", CONTENT)
    path = f"/v2/{NAME}/blobs/uploads/?mount={DIGEST}&from=root/app/source&origin=x"
    response = await registry.send("POST", path)
    assert response.status_code == 201
    assert response.headers["Location"] == f"/v2/{NAME}/blobs/{DIGEST}"
    assert await blob_is(registry, CONTENT, DIGEST)


async def test_mounting_from_anywhere(registry: Registry) -> None:
    await registry.push_blob("root/app/source", CONTENT)
    response = await registry.send("POST", f"/v2/{NAME}/blobs/uploads/?mount={DIGEST}")
    assert response.status_code == 201
    assert await blob_is(registry, CONTENT, DIGEST)


@pytest.mark.parametrize(
    "query",
    [
        f"mount={DIGEST}&from=root/app/none",
        f"mount={DIGEST}",
        f"mount={DIGEST}&from=NO",
        "mount=sha256:no&from=root/app/source",
        "mount=no",
    ],
)
async def test_a_mount_that_cannot_be_is_an_ordinary_upload(
    registry: Registry, query: str
) -> None:
    response = await registry.send("POST", f"/v2/{NAME}/blobs/uploads/?{query}")
    assert response.status_code == 202
    assert "Location" in response.headers


@pytest.mark.parametrize("upload_id", ["a%00b", "x", "0" * 32, "..", "%2e%2e"])
async def test_a_session_that_never_was(registry: Registry, upload_id: str) -> None:
    await registry.push_blob(NAME, b"x")
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        path = f"/v2/{NAME}/blobs/uploads/{upload_id}?digest={DIGEST}"
        response = await registry.send(method, path, content=b"x")
        assert response.status_code == 404


async def test_a_push_that_cannot_be_makes_nothing(registry: Registry) -> None:
    name = "root/ghost/x"
    path = f"/v2/{name}/blobs/uploads/"
    response = await registry.send("POST", f"{path}?digest-algorithm=md5")
    assert response.status_code == 400
    response = await registry.push_manifest(name, "v1", image())
    assert response.status_code == 400
    assert codes(response) == ["MANIFEST_BLOB_UNKNOWN"] * 2
    response = await registry.send("GET", "/v2/_catalog")
    assert response.json() == {"repositories": []}


async def test_a_source_that_is_no_name_is_an_ordinary_upload(
    registry: Registry,
) -> None:
    path = f"/v2/{NAME}/blobs/uploads/?mount={DIGEST}&from=%00"
    assert (await registry.send("POST", path)).status_code == 202
