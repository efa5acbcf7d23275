"""What takes up space, and why it is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from contract import graph, rows
from contract.rows import NOW
from in_process.registry_api import RegistryApi, registry_api
from moorage.domain.history import Cause
from moorage.store import tags

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from contract.graph import Blob, Node
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:
        yield made


def an_image(tx: Tx, repository: Repository, name: str, *blobs: Blob) -> Node:
    node = graph.a_manifest(tx, repository, blobs=blobs)
    tags.put(
        tx,
        repository.id,
        name,
        node.id,
        digest=node.digest,
        created_at=NOW,
        total_bytes=sum(blob.size_bytes for blob in blobs),
        pushed_at=NOW,
        cause=Cause("pusher", NOW, NOW),
    )
    return node


async def usage(api: RegistryApi, path: str) -> Any:
    answer = await api.call("GET", path, "reporter")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_shared_layers_are_counted_right(api: RegistryApi) -> None:
    def body(tx: Tx) -> None:
        base, one, two, lost = (graph.a_blob(tx, n) for n in (1, 10, 100, 1000))
        an_image(tx, api.repository, "v1", base, one)
        an_image(tx, api.repository, "v2", base)
        graph.link(tx, api.repository, lost, NOW)
        other = rows.a_repository(tx, api.project, "other")
        an_image(tx, other, "v1", base, two)
        abroad = rows.a_repository(tx, rows.a_project(tx, api.group, "abroad"))
        an_image(tx, abroad, "v1", two)

    await api.database.write(body)
    assert await usage(api, f"{api.path}/usage") == {
        "listed_bytes": 12,
        "unique_bytes": 1011,
        "exclusive_bytes": 1010,
        "pending_bytes": 1000,
        "counts": {"repositories": 1, "tags": 2, "manifests": 2, "blobs": 3},
    }
    assert await usage(api, f"/projects/{api.project.id}/registry/usage") == {
        "listed_bytes": 113,
        "unique_bytes": 1111,
        "exclusive_bytes": 1011,
        "pending_bytes": 1000,
        "counts": {"repositories": 2, "tags": 3, "manifests": 3, "blobs": 4},
        "quota_bytes": None,
    }
    path = f"/groups/{api.group.id}/registry/usage"
    answer = await api.call("GET", path, "administrator")
    assert answer.json() == {
        "listed_bytes": 213,
        "unique_bytes": 1111,
        "exclusive_bytes": 1111,
        "pending_bytes": 1000,
        "counts": {"repositories": 3, "tags": 4, "manifests": 4, "blobs": 4},
        "quota_bytes": None,
    }
    await check_statistics(api, 111)


@pytest.mark.parametrize(
    ("caller", "status"), [("stranger", 404), ("guest", 403), ("reporter", 200)]
)
async def test_who_may_read_images_may_know_their_size(
    api: RegistryApi, caller: str, status: int
) -> None:
    for path in (f"{api.path}/usage", f"/projects/{api.project.id}/registry/usage"):
        assert (await api.call("GET", path, caller)).status_code == status


async def check_statistics(api: RegistryApi, size_bytes: int) -> None:
    path = f"/projects/{api.project.id}?statistics=true"
    (listed,) = await usage(api, f"/projects?statistics=true&search={api.project.path}")
    shown = await usage(api, path)
    for statistics in (listed["statistics"], shown["statistics"]):
        assert statistics["container_registry_size"] == size_bytes
        assert statistics["storage_size"] == size_bytes
        assert set(statistics.values()) == {0, size_bytes}
    assert "statistics" not in await usage(api, path.partition("?")[0])
    guest = await api.call("GET", path, "guest")
    assert guest.status_code == 200
    assert "statistics" not in guest.json()


async def test_a_group_is_shown_to_its_reporters(api: RegistryApi) -> None:
    path = f"/groups/{api.group.id}/registry/usage"
    assert (await api.call("GET", path, "stranger")).status_code == 403
    assert (await api.call("GET", path, "administrator")).status_code == 200


async def test_a_layer_says_which_tag_keeps_it(api: RegistryApi) -> None:
    def body(tx: Tx) -> tuple[Blob, Node]:
        blob = graph.a_blob(tx, 10)
        return blob, an_image(tx, api.repository, "v1", blob)

    blob, image = await api.database.write(body)
    path = f"{api.path}/manifests/{blob.key.digest}/why"
    answer = await api.call("GET", path, "reporter")
    assert answer.status_code == 200
    assert answer.json() == {
        "digest": str(blob.key.digest),
        "kind": "blob",
        "size": 10,
        "deleted_at": None,
        "collectable_at": None,
        "chains": [
            {
                "kept_by": "tag",
                "name": "v1",
                "until": None,
                "path": [
                    {
                        "kind": "manifest",
                        "digest": str(image.digest),
                        "relation": "layer",
                    },
                    {
                        "kind": "blob",
                        "digest": str(blob.key.digest),
                        "relation": None,
                    },
                ],
            }
        ],
        "complete": True,
    }


async def test_what_nothing_keeps_may_go_now(api: RegistryApi) -> None:
    node = await api.database.write(lambda tx: graph.a_manifest(tx, api.repository))
    answer = await api.call("GET", f"{api.path}/manifests/{node.digest}/why")
    assert answer.json()["chains"] == []
    assert answer.json()["collectable_at"] == "2024-02-29T12:00:00.000Z"


async def test_nothing_is_said_of_what_is_not_there(api: RegistryApi) -> None:
    for digest, status in (("sha256:" + "0" * 64, 404), ("sha256:0", 400)):
        path = f"{api.path}/manifests/{digest}/why"
        assert (await api.call("GET", path)).status_code == status
    path = f"{api.path}/manifests/sha256:{'0' * 64}/why"
    assert (await api.call("GET", path, "stranger")).status_code == 404
    assert (await api.call("GET", path, "guest")).status_code == 403
