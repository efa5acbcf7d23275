import pytest

from conftest import ON_CEPH_TOO
from in_process.registry import Registry, codes
from moorage.domain.digest import Digest

pytestmark = ON_CEPH_TOO

NAME = "root/app/image"
CONTENT = bytes(range(256)) * 8


async def test_a_blob_and_its_headers(registry: Registry) -> None:
    digest = await registry.push_blob(NAME, CONTENT)
    for method in ("GET", "HEAD"):
        response = await registry.send(method, f"/v2/{NAME}/blobs/{digest}")
        assert response.status_code == 200
        assert response.headers["Content-Length"] == "2048"
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Docker-Content-Digest"] == str(digest)
        assert response.headers["ETag"] == f'"{digest}"'
        assert response.content == (CONTENT if method == "GET" else b"")


@pytest.mark.parametrize(
    ("asked", "answered", "part"),
    [
        ("bytes=500-1499", "bytes 500-1499/2048", CONTENT[500:1500]),
        ("bytes=500-", "bytes 500-2047/2048", CONTENT[500:]),
        ("bytes=-500", "bytes 1548-2047/2048", CONTENT[1548:]),
        ("bytes=2000-5000", "bytes 2000-2047/2048", CONTENT[2000:]),
    ],
)
async def test_a_range(
    registry: Registry, asked: str, answered: str, part: bytes
) -> None:
    digest = await registry.push_blob(NAME, CONTENT)
    response = await registry.send(
        "GET", f"/v2/{NAME}/blobs/{digest}", headers={"Range": asked}
    )
    assert response.status_code == 206
    assert response.headers["Content-Range"] == answered
    assert response.content == part


@pytest.mark.parametrize("asked", ["bytes=500-0", "bytes=5000-10000"])
async def test_a_range_without_bytes(registry: Registry, asked: str) -> None:
    digest = await registry.push_blob(NAME, CONTENT)
    response = await registry.send(
        "GET", f"/v2/{NAME}/blobs/{digest}", headers={"Range": asked}
    )
    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */2048"
    assert len(response.content) == int(response.headers["Content-Length"])


async def test_an_old_range_of_a_changed_thing_gets_the_whole(
    registry: Registry,
) -> None:
    digest = await registry.push_blob(NAME, CONTENT)
    response = await registry.send(
        "GET",
        f"/v2/{NAME}/blobs/{digest}",
        headers={"Range": "bytes=0-1", "If-Range": '"sha256:other"'},
    )
    assert response.status_code == 200


@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"', '"x", "{}"'])
async def test_who_has_it_already_is_told_so(registry: Registry, form: str) -> None:
    digest = await registry.push_blob(NAME, CONTENT)
    response = await registry.send(
        "GET",
        f"/v2/{NAME}/blobs/{digest}",
        headers={"If-None-Match": form.format(digest)},
    )
    assert response.status_code == 304
    assert response.content == b""


async def test_a_blob_is_served_only_where_it_was_pushed(registry: Registry) -> None:
    digest = await registry.push_blob(NAME, CONTENT)
    await registry.push_blob("root/app/other", b"something")
    for method in ("GET", "HEAD", "DELETE"):
        path = f"/v2/root/app/other/blobs/{digest}"
        response = await registry.send(method, path)
        assert response.status_code == 404


async def test_a_deleted_blob_is_gone_and_may_come_back(registry: Registry) -> None:
    digest = await registry.push_blob(NAME, CONTENT)
    path = f"/v2/{NAME}/blobs/{digest}"
    response = await registry.send("DELETE", path)
    assert response.status_code == 202
    assert response.headers["Content-Length"] == "0"
    assert (await registry.send("HEAD", path)).status_code == 404
    assert codes(await registry.send("DELETE", path)) == ["BLOB_UNKNOWN"]
    await registry.push_blob(NAME, CONTENT)
    assert (await registry.send("GET", path)).content == CONTENT


async def test_a_blob_that_an_image_uses_stays(registry: Registry) -> None:
    await registry.push_image(NAME, layers=(CONTENT,))
    response = await registry.send("DELETE", f"/v2/{NAME}/blobs/{Digest.of(CONTENT)}")
    assert response.status_code == 405
    assert codes(response) == ["UNSUPPORTED"]


@pytest.mark.parametrize("text", ["sha256:no", "sha257:" + "a" * 64, "latest"])
async def test_what_is_no_digest(registry: Registry, text: str) -> None:
    await registry.push_blob(NAME, CONTENT)
    for method in ("GET", "DELETE"):
        response = await registry.send(method, f"/v2/{NAME}/blobs/{text}")
        assert response.status_code == 400
        assert codes(response) == ["DIGEST_INVALID"]


@pytest.mark.parametrize("asked", ["bytes=0-0", "bytes=-1", "bytes=0-"])
async def test_no_range_of_nothing_can_be_satisfied(
    registry: Registry, asked: str
) -> None:
    digest = await registry.push_blob(NAME, b"")
    path = f"/v2/{NAME}/blobs/{digest}"
    assert (await registry.send("GET", path)).headers["Content-Length"] == "0"
    response = await registry.send("GET", path, headers={"Range": asked})
    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */0"


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes", "bytes=0-1,4-5"])
async def test_a_range_that_is_not_understood_gets_the_whole(
    registry: Registry, asked: str
) -> None:
    digest = await registry.push_blob(NAME, CONTENT)
    response = await registry.send(
        "GET", f"/v2/{NAME}/blobs/{digest}", headers={"Range": asked}
    )
    assert response.status_code == 200
    assert response.content == CONTENT


async def test_a_range_is_of_the_bytes_of_a_get_only(registry: Registry) -> None:
    digest = await registry.push_blob(NAME, CONTENT)
    for asked in ("bytes=0-1", "bytes=5000-"):
        response = await registry.send(
            "HEAD", f"/v2/{NAME}/blobs/{digest}", headers={"Range": asked}
        )
        assert response.status_code == 200
        assert response.headers["Content-Length"] == "2048"
