"""A mount never gives what a pull would not: the caller decides, not the token."""

import json
from typing import Any

import httpx
import pytest

from conftest import ON_CEPH_TOO
from in_process.registry import ROOT_TOKEN, Registry, codes
from moorage.domain.digest import Digest

pytestmark = ON_CEPH_TOO

SOURCE = "root/secret/image"
TARGET = "alice/app/image"
CONTENT = b"a layer of a private project"
DIGEST = Digest.of(CONTENT)
PASSWORD = "a-long-secret-password"


@pytest.fixture
async def shared(registry: Registry) -> Registry:
    """Give alice an account and one private blob that is not hers."""
    alice = {
        "username": "alice",
        "name": "Alice",
        "email": "alice@example.com",
        "password": PASSWORD,
    }
    await manage(registry, "POST", "/users", alice)
    await registry.push_blob(SOURCE, CONTENT)
    return registry


async def manage(
    registry: Registry, method: str, path: str, body: dict[str, Any]
) -> None:
    response = await registry.send(
        method,
        f"/api/v4{path}",
        content=json.dumps(body).encode(),
        headers={"PRIVATE-TOKEN": ROOT_TOKEN, "Content-Type": "application/json"},
        auth=None,
    )
    assert response.status_code in {200, 201}, response.text


async def mount(registry: Registry, query: str) -> httpx.Response:
    path = f"/v2/{TARGET}/blobs/uploads/?mount={DIGEST}{query}"
    return await registry.send("POST", path, auth=("alice", PASSWORD))


FROM = pytest.mark.parametrize("query", ["", f"&from={SOURCE}"])


@FROM
async def test_what_the_caller_may_not_read_is_not_mounted(
    shared: Registry, query: str
) -> None:
    response = await mount(shared, query)
    assert response.status_code == 202
    assert "Docker-Upload-UUID" in response.headers
    path = f"/v2/{TARGET}/blobs/{DIGEST}"
    response = await shared.send("HEAD", path, auth=("alice", PASSWORD))
    assert response.status_code == 404


@FROM
async def test_the_answer_does_not_tell_whether_somebody_has_it(
    shared: Registry, query: str
) -> None:
    refused = await mount(shared, query)
    path = f"/v2/{TARGET}/blobs/uploads/?mount={Digest.of(b'no')}{query}"
    absent = await shared.send("POST", path, auth=("alice", PASSWORD))
    assert absent.status_code == refused.status_code
    assert absent.headers.keys() == refused.headers.keys()


@FROM
async def test_what_the_caller_may_read_is_mounted(
    shared: Registry, query: str
) -> None:
    await manage(shared, "PUT", "/projects/root%2Fsecret", {"visibility": "public"})
    response = await mount(shared, query)
    assert response.status_code == 201
    assert response.headers["Location"] == f"/v2/{TARGET}/blobs/{DIGEST}"
    assert response.headers["Docker-Content-Digest"] == str(DIGEST)


async def test_a_target_that_has_it_needs_no_source(shared: Registry) -> None:
    path = f"/v2/{TARGET}/blobs/uploads/?digest={DIGEST}"
    await shared.send("POST", path, content=CONTENT, auth=("alice", PASSWORD))
    assert (await mount(shared, f"&from={SOURCE}")).status_code == 201


async def test_no_blob_is_read_or_removed_through_another_repository(
    shared: Registry,
) -> None:
    path = f"/v2/{TARGET}/blobs/{DIGEST}"
    assert (await mount(shared, "")).status_code == 202
    for method in ("GET", "HEAD", "DELETE"):
        response = await shared.send(method, path)
        assert response.status_code == 404
    assert codes(await shared.send("GET", path)) == ["BLOB_UNKNOWN"]
