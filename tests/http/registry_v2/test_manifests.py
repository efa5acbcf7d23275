import json
from datetime import UTC, datetime, timedelta

import pytest

from in_process.registry import (
    CONFIG,
    Registry,
    codes,
    descriptor,
    image,
    index,
)
from moorage.domain.digest import Digest
from moorage.domain.media_types import (
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
)
from moorage.services.garbage import Garbage
from moorage.testing.clock import FrozenClock
from moorage.wiring import Services

NAME = "root/app/image"


async def test_a_manifest_comes_back_byte_for_byte(registry: Registry) -> None:
    digest = await registry.push_image(NAME, "v1")
    for reference in ("v1", str(digest)):
        response = await registry.send("GET", f"/v2/{NAME}/manifests/{reference}")
        assert response.status_code == 200
        assert response.content == image()
        assert response.headers["Content-Type"] == OCI_MANIFEST
        assert response.headers["Docker-Content-Digest"] == str(digest)
        head = await registry.send("HEAD", f"/v2/{NAME}/manifests/{reference}")
        assert head.content == b""
        assert head.headers["Content-Length"] == str(len(image()))
        assert head.headers["Docker-Content-Digest"] == str(digest)


async def test_a_push_says_where_it_went(registry: Registry) -> None:
    await registry.push_image(NAME)
    digest = Digest.of(image())
    for reference in ("v2", str(digest)):
        response = await registry.push_manifest(NAME, reference, image())
        assert response.status_code == 201
        assert response.headers["Location"] == f"/v2/{NAME}/manifests/{digest}"
        assert response.headers["Docker-Content-Digest"] == str(digest)


async def test_a_tag_moves_and_the_old_manifest_stays(registry: Registry) -> None:
    old = await registry.push_image(NAME, "v1", layers=(b"old",))
    new = await registry.push_image(NAME, "v1", layers=(b"new",))
    response = await registry.send("GET", f"/v2/{NAME}/manifests/v1")
    assert response.headers["Docker-Content-Digest"] == str(new)
    response = await registry.send("GET", f"/v2/{NAME}/manifests/{old}")
    assert response.status_code == 200


async def test_a_manifest_pushed_by_sha512(registry: Registry) -> None:
    await registry.push_image(NAME)
    digest = Digest.of(image(), "sha512")
    path = f"{digest}?tag=big&tag=bigger"
    response = await registry.push_manifest(NAME, path, image())
    assert response.status_code == 201
    assert response.headers["OCI-Tag"] == "big, bigger"
    for reference in ("big", "bigger", str(digest)):
        response = await registry.send("HEAD", f"/v2/{NAME}/manifests/{reference}")
        assert response.headers["Docker-Content-Digest"] == str(digest)


async def test_a_tag_in_path_and_query_is_refused(registry: Registry) -> None:
    await registry.push_image(NAME)
    response = await registry.push_manifest(NAME, "a?tag=b", image())
    assert response.status_code == 400
    digest = Digest.of(image())
    response = await registry.push_manifest(NAME, f"{digest}?tag=-no", image())
    assert response.status_code == 400
    response = await registry.send("GET", f"/v2/{NAME}/tags/list")
    assert response.json()["tags"] == ["v1"]


async def test_another_digest_than_that_of_the_body(registry: Registry) -> None:
    await registry.push_image(NAME)
    other = Digest.of(b"other")
    response = await registry.push_manifest(NAME, str(other), image())
    assert response.status_code == 400
    assert codes(response) == ["DIGEST_INVALID"]


async def test_everything_that_is_missing_is_named(registry: Registry) -> None:
    await registry.push_blob(NAME, b"there")
    body = image((b"there", b"not", b"neither"))
    response = await registry.push_manifest(NAME, "v1", body)
    assert response.status_code == 400
    assert codes(response) == ["MANIFEST_BLOB_UNKNOWN"] * 3
    missing = [error["detail"]["digest"] for error in response.json()["errors"]]
    assert missing == [
        str(Digest.of(content)) for content in (CONFIG, b"not", b"neither")
    ]
    assert (await registry.send("GET", f"/v2/{NAME}/manifests/v1")).status_code == 404


async def test_a_blob_of_another_repository_is_missing_here(
    registry: Registry,
) -> None:
    await registry.push_image("root/app/other")
    await registry.push_blob(NAME, b"something")
    response = await registry.push_manifest(NAME, "v1", image())
    assert codes(response) == ["MANIFEST_BLOB_UNKNOWN"] * 2


async def test_an_index_needs_its_children(registry: Registry) -> None:
    await registry.push_image(NAME)
    response = await registry.push_manifest(
        NAME, "list", index(image(), image((b"none",))), OCI_INDEX
    )
    assert response.status_code == 400
    assert codes(response) == ["MANIFEST_BLOB_UNKNOWN"]
    for body in (index(image()), index(), index(index(image()))):
        response = await registry.push_manifest(NAME, "list", body, OCI_INDEX)
        assert response.status_code == 201, response.text
        response = await registry.send("GET", f"/v2/{NAME}/manifests/list")
        assert response.content == body
        assert response.headers["Content-Type"] == OCI_INDEX


class TestSparse:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"sparse_indexes": "true"}

    async def test_a_setting_lets_children_be_missing(self, registry: Registry) -> None:
        await registry.push_image(NAME)
        body = index(image((b"none",)))
        response = await registry.push_manifest(NAME, "list", body, OCI_INDEX)
        assert response.status_code == 201


class TestSparseImages:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"sparse_images": "true"}

    async def test_a_setting_lets_blobs_be_missing(self, registry: Registry) -> None:
        response = await registry.push_manifest("root/app/new", "v1", image())
        assert response.status_code == 201

    async def test_blobs_that_come_late_are_in_use(
        self, registry: Registry, services: Services
    ) -> None:
        await registry.push_blob(NAME, CONFIG)
        await registry.push_manifest(NAME, "v1", image((b"late",)))
        await registry.push_blob(NAME, b"late")
        await registry.push_blob(NAME, b"of no image")
        assert await collect_later(services) == 1
        path = f"/v2/{NAME}/blobs/{Digest.of(b'late')}"
        assert (await registry.send("GET", path)).content == b"late"
        assert (await registry.send("DELETE", path)).status_code == 405

    async def test_blobs_that_came_late_go_with_their_image(
        self, registry: Registry, services: Services
    ) -> None:
        await registry.push_manifest(NAME, "v1", image((b"late",)))
        for content in (CONFIG, b"late"):
            await registry.push_blob(NAME, content)
        assert await collect_later(services) == 0
        digest = Digest.of(image((b"late",)))
        await registry.send("DELETE", f"/v2/{NAME}/manifests/{digest}")
        assert await collect_later(services) == 2


async def collect_later(services: Services) -> int:
    """Collect what has no use in a month; return the number of blobs that went."""
    clock = FrozenClock(datetime.now(UTC) + timedelta(30))
    garbage = Garbage(services.database, services.store, clock)
    return (await garbage.collect()).blobs


async def test_layers_that_lie_elsewhere_need_not_be_pushed(
    registry: Registry,
) -> None:
    await registry.push_blob(NAME, CONFIG)
    foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    body = json.loads(image())
    body["layers"] = [
        descriptor(b"far", foreign),
        descriptor(b"away", "text/plain", urls=["https://example.com"]),
    ]
    response = await registry.push_manifest(NAME, "v1", json.dumps(body).encode())
    assert response.status_code == 201


async def test_layers_that_were_pushed_all_the_same_are_in_use(
    registry: Registry,
) -> None:
    await registry.push_blob(NAME, CONFIG)
    await registry.push_blob(NAME, b"far")
    await registry.push_blob("root/app/other", b"away")
    body = json.loads(image())
    body["layers"] = [
        descriptor(b"far", "text/plain", urls=["https://example.com"]),
        descriptor(b"away", "text/plain", urls=["https://example.com"]),
    ]
    response = await registry.push_manifest(NAME, "v1", json.dumps(body).encode())
    assert response.status_code == 201
    for content, status in ((b"far", 405), (b"away", 404)):
        path = f"/v2/{NAME}/blobs/{Digest.of(content)}"
        assert (await registry.send("DELETE", path)).status_code == status


async def test_a_type_that_the_body_contradicts(registry: Registry) -> None:
    await registry.push_image(NAME)
    response = await registry.push_manifest(NAME, "v2", image(), DOCKER_MANIFEST)
    assert response.status_code == 400
    assert codes(response) == ["MANIFEST_INVALID"]


async def test_four_megabytes_fit_and_more_do_not(registry: Registry) -> None:
    await registry.push_image(NAME)
    fits = image(annotations={"a": "x" * 3_900_000})
    assert (await registry.push_manifest(NAME, "big", fits)).status_code == 201
    too_big = image(annotations={"a": "x" * (4 << 20)})
    response = await registry.push_manifest(NAME, "big", too_big)
    assert response.status_code == 413
    assert codes(response) == ["MANIFEST_INVALID"]


async def test_deleting_a_tag_leaves_the_manifest(registry: Registry) -> None:
    digest = await registry.push_image(NAME, "v1")
    await registry.push_image(NAME, "v2")
    assert (
        await registry.send("DELETE", f"/v2/{NAME}/manifests/v1")
    ).status_code == 202
    response = await registry.send("GET", f"/v2/{NAME}/manifests/v1")
    assert response.status_code == 404
    assert codes(response) == ["MANIFEST_UNKNOWN"]
    for reference in ("v2", str(digest)):
        response = await registry.send("GET", f"/v2/{NAME}/manifests/{reference}")
        assert response.status_code == 200
    path = f"/v2/{NAME}/tags/reference/v2"
    assert (await registry.send("DELETE", path)).status_code == 202
    assert (await registry.send("DELETE", path)).status_code == 404


async def test_deleting_a_manifest_takes_its_tags(registry: Registry) -> None:
    digest = await registry.push_image(NAME, "v1")
    await registry.push_image(NAME, "v2")
    await registry.push_image(NAME, "other", layers=(b"other",))
    path = f"/v2/{NAME}/manifests/{digest}"
    assert (await registry.send("DELETE", path)).status_code == 202
    response = await registry.send("GET", f"/v2/{NAME}/tags/list")
    assert response.json()["tags"] == ["other"]
    assert (await registry.send("GET", path)).status_code == 404
    assert (await registry.send("DELETE", path)).status_code == 404
    await registry.push_image(NAME, "v1")
    assert (await registry.send("GET", path)).status_code == 200


async def test_a_manifest_that_an_index_lists_stays(registry: Registry) -> None:
    digest = await registry.push_image(NAME)
    await registry.push_manifest(NAME, "list", index(image()), OCI_INDEX)
    response = await registry.send("DELETE", f"/v2/{NAME}/manifests/{digest}")
    assert response.status_code == 409
    assert codes(response) == ["MANIFEST_REFERENCED"]
    parent = Digest.of(index(image()))
    await registry.send("DELETE", f"/v2/{NAME}/manifests/{parent}")
    response = await registry.send("DELETE", f"/v2/{NAME}/manifests/{digest}")
    assert response.status_code == 202


async def test_a_blob_digest_is_no_manifest(registry: Registry) -> None:
    await registry.push_image(NAME)
    path = f"/v2/{NAME}/manifests/{Digest.of(CONFIG)}"
    assert (await registry.send("GET", path)).status_code == 404


@pytest.mark.parametrize("reference", ["-no", ".INVALID", "a" * 129, "%C3%A4", "%00"])
async def test_nothing_can_be_under_what_is_no_tag(
    registry: Registry, reference: str
) -> None:
    await registry.push_image(NAME)
    path = f"/v2/{NAME}/manifests/{reference}"
    response = await registry.send("PUT", path, content=image())
    assert response.status_code == 400
    assert codes(response) == ["TAG_INVALID"]
    for method in ("GET", "HEAD", "DELETE"):
        response = await registry.send(method, path)
        assert response.status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_what_is_no_digest(registry: Registry, method: str) -> None:
    await registry.push_image(NAME)
    for text in ("sha256:totallywrong", f"sha257:{'a' * 64}", f"sha256:{'A' * 64}"):
        path = f"/v2/{NAME}/manifests/{text}"
        response = await registry.send(method, path, content=image())
        assert response.status_code == 400


async def test_not_modified(registry: Registry) -> None:
    digest = await registry.push_image(NAME)
    response = await registry.send(
        "GET", f"/v2/{NAME}/manifests/v1", headers={"If-None-Match": f'"{digest}"'}
    )
    assert response.status_code == 304


async def test_sizes_that_add_up_to_more_than_there_is(registry: Registry) -> None:
    await registry.push_image(NAME)
    body = json.loads(image())
    body["layers"] = [{**layer, "size": 2**63 - 1} for layer in body["layers"] * 2]
    response = await registry.push_manifest(NAME, "big", json.dumps(body).encode())
    assert response.status_code == 201


async def test_ten_tags_and_more_in_one_push(registry: Registry) -> None:
    await registry.push_image(NAME)
    names = [f"t{number:02}" for number in range(12)]
    query = "&".join(f"tag={name}" for name in names)
    path = f"{Digest.of(image())}?{query}"
    response = await registry.push_manifest(NAME, path, image())
    assert response.status_code == 201
    assert response.headers["OCI-Tag"].split(", ") == names
    response = await registry.send("GET", f"/v2/{NAME}/tags/list")
    assert response.json()["tags"] == [*names, "v1"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_nothing_is_in_a_repository_that_is_not(
    registry: Registry, method: str
) -> None:
    digest = Digest.of(image())
    for path in ("manifests/v1", f"manifests/{digest}", f"blobs/{digest}"):
        response = await registry.send(method, f"/v2/root/app/none/{path}")
        assert response.status_code == 404


async def test_a_subject_is_confirmed_by_tag_as_well(registry: Registry) -> None:
    await registry.push_image(NAME)
    missing = descriptor(b"nobody has it", OCI_MANIFEST)
    for body, media_type in (
        (image(subject=missing), OCI_MANIFEST),
        (index(subject=missing), OCI_INDEX),
    ):
        response = await registry.push_manifest(NAME, "about", body, media_type)
        assert response.status_code == 201
        assert response.headers["OCI-Subject"] == missing["digest"]
    response = await registry.push_manifest(NAME, "v1", image())
    assert "OCI-Subject" not in response.headers
