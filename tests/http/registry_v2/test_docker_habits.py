"""What Docker and its relatives do that no specification asks for."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from in_process.blob_places import BlobPlace
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
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
)
from moorage.wiring import Services

NAME = "root/app/image"
CONTENT = b"0123456789" * 1000
DIGEST = Digest.of(CONTENT)


async def pieces(content: bytes, size: int = 700) -> AsyncIterator[bytes]:
    """Send bytes the way Docker does: in pieces, their number not known before."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def push_docker_list(registry: Registry) -> tuple[bytes, bytes]:
    await registry.push_image(NAME)
    child = image(mediaType=DOCKER_MANIFEST, config=descriptor(CONFIG, DOCKER_CONFIG))
    response = await registry.push_manifest(NAME, "child", child, DOCKER_MANIFEST)
    assert response.status_code == 201
    entry = descriptor(child, DOCKER_MANIFEST)
    listing = index(mediaType=DOCKER_LIST, manifests=[entry])
    response = await registry.push_manifest(NAME, "list", listing, DOCKER_LIST)
    assert response.status_code == 201
    return child, listing


async def test_docker_s_own_types_come_back_as_they_were(registry: Registry) -> None:
    child, listing = await push_docker_list(registry)
    for reference, body, media_type in (
        ("child", child, DOCKER_MANIFEST),
        ("list", listing, DOCKER_LIST),
    ):
        response = await registry.send("GET", f"/v2/{NAME}/manifests/{reference}")
        assert response.content == body
        assert response.headers["Content-Type"] == media_type


@pytest.mark.parametrize(
    "accept", [None, "*/*", DOCKER_MANIFEST, OCI_MANIFEST, "text/plain;q=0.5, x"]
)
async def test_accept_changes_nothing(registry: Registry, accept: str | None) -> None:
    _child, listing = await push_docker_list(registry)
    headers = {} if accept is None else {"Accept": accept}
    response = await registry.send("GET", f"/v2/{NAME}/manifests/list", headers=headers)
    assert response.status_code == 200
    assert response.content == listing
    assert response.headers["Docker-Content-Digest"] == str(Digest.of(listing))


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/json",
    ],
)
async def test_schema_1_is_refused_in_clear_words(
    registry: Registry, media_type: str
) -> None:
    await registry.push_image(NAME)
    body = {"schemaVersion": 1, "name": NAME, "tag": "v1", "fsLayers": []}
    response = await registry.push_manifest(
        NAME, "old", json.dumps(body).encode(), media_type
    )
    assert response.status_code == 400
    assert codes(response) == ["MANIFEST_INVALID"]
    assert "schema 1" in response.json()["errors"][0]["message"]


async def test_one_patch_without_range_length_or_type(registry: Registry) -> None:
    location = await registry.start_upload(NAME)
    response = await registry.send("PATCH", location, content=pieces(CONTENT))
    assert "Content-Length" not in response.request.headers
    assert response.status_code == 202
    assert response.headers["Range"] == "0-9999"
    response = await registry.send("PUT", f"{location}?digest={DIGEST}")
    assert response.status_code == 201


async def test_a_range_may_come_without_a_length(registry: Registry) -> None:
    location = await registry.start_upload(NAME)
    headers = {"Content-Range": "0-99"}
    response = await registry.send(
        "PATCH", location, content=pieces(CONTENT), headers=headers
    )
    assert response.status_code == 400
    assert (await registry.send("GET", location)).headers["Range"] == "0-0"
    response = await registry.send(
        "PATCH", location, content=pieces(CONTENT[:100]), headers=headers
    )
    assert response.status_code == 202
    assert response.headers["Range"] == "0-99"


async def test_locations_survive_what_clients_add(registry: Registry) -> None:
    for query in ("digest={}", "a=b&digest={}", "digest={}&_state=x", "digest={}&"):
        location = await registry.start_upload(NAME)
        for text in (str(DIGEST), str(DIGEST).replace(":", "%3A")):
            path = f"{location}?{query.format(text)}"
            assert (await registry.send("GET", path)).status_code == 204
        response = await registry.send("PUT", path, content=CONTENT)
        assert response.status_code == 201


async def test_an_upload_may_start_without_the_slash(registry: Registry) -> None:
    response = await registry.send("POST", f"/v2/{NAME}/blobs/uploads")
    assert response.status_code == 202


async def test_two_writers_of_one_session_never_mix(registry: Registry) -> None:
    location = await registry.start_upload(NAME)
    responses = await asyncio.gather(
        *(
            registry.send(
                "PATCH",
                location,
                content=pieces(letter * 9000),
                headers={"Content-Range": "0-8999"},
            )
            for letter in (b"a", b"b")
        )
    )
    assert sorted(response.status_code for response in responses) == [202, 416]
    assert (await registry.send("GET", location)).headers["Range"] == "0-8999"
    first = b"ab"[[response.status_code for response in responses].index(202)]
    digest = Digest.of(bytes([first]) * 9000)
    response = await registry.send("PUT", f"{location}?digest={digest}")
    assert response.status_code == 201


async def test_the_same_blob_from_two_clients_is_there_for_both(
    registry: Registry, services: Services, blob_place: BlobPlace
) -> None:
    locations = [await registry.start_upload(NAME) for _ in range(2)]
    responses = await asyncio.gather(
        *(
            registry.send("PUT", f"{location}?digest={DIGEST}", content=CONTENT)
            for location in locations
        )
    )
    assert [response.status_code for response in responses] == [201, 201]
    await services.garbage.collect()
    assert len(blob_place.names()) == 1
    answer = await registry.send("GET", f"/v2/{NAME}/blobs/{DIGEST}")
    assert answer.content == CONTENT


@pytest.mark.parametrize("path", ["manifests/v1", "blobs/{}", "tags/list"])
async def test_a_mirror_s_parameter_is_ignored(registry: Registry, path: str) -> None:
    await registry.push_image(NAME)
    path = path.format(Digest.of(CONFIG))
    response = await registry.send("GET", f"/v2/{NAME}/{path}?ns=docker.io")
    assert response.status_code == 200
    assert "OCI-Namespace" not in response.headers


async def test_nothing_is_compressed(registry: Registry) -> None:
    await registry.push_image(NAME, layers=(CONTENT,))
    for path in (f"blobs/{DIGEST}", "manifests/v1"):
        response = await registry.send(
            "GET", f"/v2/{NAME}/{path}", headers={"Accept-Encoding": "gzip"}
        )
        assert "Content-Encoding" not in response.headers


async def test_a_manifest_without_media_type_is_stored_with_a_warning(
    registry: Registry,
) -> None:
    await registry.push_image(NAME)
    body = json.loads(image())
    del body["mediaType"]
    response = await registry.push_manifest(NAME, "v2", json.dumps(body).encode())
    assert response.status_code == 201
    warning = response.headers["Warning"]
    assert warning.startswith('299 - "')
    assert len(warning) < 4096
    assert "Warning" not in (await registry.push_manifest(NAME, "v1", image())).headers


async def test_parameters_of_the_content_type_are_ignored(registry: Registry) -> None:
    await registry.push_image(NAME)
    for media_type in (f"{OCI_MANIFEST}; charset=utf-8", ""):
        response = await registry.push_manifest(NAME, "v3", image(), media_type)
        assert response.status_code == 201
        response = await registry.send("GET", f"/v2/{NAME}/manifests/v3")
        assert response.headers["Content-Type"] == OCI_MANIFEST


async def test_empty_and_nested_indexes_and_empty_artifacts(registry: Registry) -> None:
    await registry.push_blob(NAME, b"{}")
    empty = descriptor(b"{}", "application/vnd.oci.empty.v1+json", data="e30=")
    no_layers = image((), config=empty)
    fields = {"layers": [empty, empty], "artifactType": "a/b", "x": {"y": 1}}
    artifact = json.dumps({**json.loads(no_layers), **fields}).encode()
    for body, media_type in (
        (artifact, OCI_MANIFEST),
        (no_layers, OCI_MANIFEST),
        (index(), OCI_INDEX),
        (index(artifact, no_layers), OCI_INDEX),
    ):
        digest = Digest.of(body)
        response = await registry.push_manifest(NAME, str(digest), body, media_type)
        assert response.status_code == 201, response.text
        response = await registry.send("GET", f"/v2/{NAME}/manifests/{digest}")
        assert response.content == body
