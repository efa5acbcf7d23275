"""A quota refuses what is too much, says so, and stands in nobody's way otherwise."""

from __future__ import annotations

import pytest

from in_process.registry import CONFIG, Registry, codes, image, index
from moorage.domain.digest import Digest
from moorage.domain.manifest import Manifest
from moorage.domain.media_types import OCI_INDEX, OCI_MANIFEST
from moorage.domain.names import RepositoryName
from moorage.domain.projects import Scope
from moorage.domain.quotas import QuotaExceededError
from moorage.ports.database import Tx
from moorage.services.quotas import Quotas
from moorage.store import projects, repositories
from moorage.wiring import Services

NAME = "root/project/image"
SMALL = len(CONFIG) + 10


async def scope_of(services: Services, *, group: bool = False) -> Scope:
    def body(tx: Tx) -> Scope:
        repository = repositories.find_by_path(tx, RepositoryName.parse(NAME))
        assert repository is not None
        project = projects.find(tx, repository.project_id)
        assert project is not None
        if group:
            return Scope(namespace_id=project.namespace_id)
        return Scope(project_id=project.id)

    return await services.database.read(body)


async def limit(services: Services, size_bytes: int, *, group: bool = False) -> None:
    scope = await scope_of(services, group=group)
    quotas = Quotas(services.database, services.clock)
    await quotas.put(scope, size_bytes)


async def push(registry: Registry, tag: str, *layers: bytes) -> int:
    for content in (CONFIG, *layers):
        await registry.push_blob(NAME, content)
    answer = await registry.send(
        "PUT",
        f"/v2/{NAME}/manifests/{tag}",
        content=image(layers),
        headers={"Content-Type": OCI_MANIFEST},
    )
    if answer.status_code != 201:
        assert codes(answer) == ["DENIED"]
    return answer.status_code


@pytest.mark.parametrize("group", [False, True])
async def test_a_push_above_it_is_refused_with_a_sentence(
    registry: Registry, services: Services, group: bool
) -> None:
    await push(registry, "v1", b"x" * 10)
    await limit(services, SMALL + 5, group=group)
    await registry.push_blob(NAME, b"y" * 10)
    answer = await registry.send(
        "PUT",
        f"/v2/{NAME}/manifests/v2",
        content=image((b"y" * 10,)),
        headers={"Content-Type": OCI_MANIFEST},
    )
    path = "root" if group else "root/project"
    assert (answer.status_code, codes(answer)) == (403, ["DENIED"])
    assert answer.json()["errors"][0]["message"] == (
        f"the quota of {path} is {SMALL + 5} bytes; with this push its images would "
        f"take up {SMALL + 10}: delete tags or ask an administrator"
    )


async def test_shared_layers_count_once(registry: Registry, services: Services) -> None:
    await push(registry, "v1", b"x" * 10)
    await limit(services, SMALL + 5)
    assert await push(registry, "v2", b"x" * 10, b"y" * 5) == 201
    assert await push(registry, "v3", b"x" * 10, b"z") == 403


async def test_deleting_makes_room_at_once(
    registry: Registry, services: Services
) -> None:
    await push(registry, "v1", b"x" * 10)
    await limit(services, SMALL)
    assert await push(registry, "v2", b"y" * 10) == 403
    await registry.send("DELETE", f"/v2/{NAME}/manifests/v1")
    assert await push(registry, "v2", b"y" * 10) == 201


async def test_what_is_above_it_already_may_be_retagged_and_deleted(
    registry: Registry, services: Services
) -> None:
    await push(registry, "v1", b"x" * 10)
    await limit(services, 0)
    assert await push(registry, "v2", b"x" * 10) == 201
    assert await push(registry, "v3", b"y") == 403
    answer = await registry.send("DELETE", f"/v2/{NAME}/manifests/v1")
    assert answer.status_code == 202


async def test_an_index_brings_what_its_children_bring(
    registry: Registry, services: Services
) -> None:
    await push(registry, "v1", b"x" * 10)
    child = image((b"y" * 10,))
    await registry.push_blob(NAME, b"y" * 10)
    await registry.send(
        "PUT",
        f"/v2/{NAME}/manifests/{Digest.of(child)}",
        content=child,
        headers={"Content-Type": OCI_MANIFEST},
    )
    await limit(services, SMALL + 9)
    for size_bytes, status in ((SMALL + 9, 403), (SMALL + 10, 201)):
        await limit(services, size_bytes)
        answer = await registry.send(
            "PUT",
            f"/v2/{NAME}/manifests/multi",
            content=index(child),
            headers={"Content-Type": OCI_INDEX},
        )
        assert answer.status_code == status


async def test_pushes_up_to_it_add_up(registry: Registry, services: Services) -> None:
    await push(registry, "v0", b"x" * 10)
    await limit(services, SMALL + 300)
    statuses = [await push(registry, f"v{n}", bytes([n]) * 100) for n in range(1, 6)]
    assert statuses == [201, 201, 201, 403, 403]


async def test_what_others_push_meanwhile_counts(
    registry: Registry, services: Services
) -> None:
    """Another process that lately found much room."""
    await push(registry, "v0", b"x" * 10)
    await limit(services, SMALL + 3000)
    other = Quotas(services.database, services.clock)
    repository = await services.database.read(
        lambda tx: repositories.find_by_path(tx, RepositoryName.parse(NAME))
    )
    assert repository is not None
    manifest = Manifest.parse(image((b"y" * 1000,)), OCI_MANIFEST)
    await other.check(repository, manifest)
    statuses = [await push(registry, f"v{n}", bytes([n]) * 1000) for n in range(1, 5)]
    assert statuses == [201, 201, 201, 403]
    await registry.push_blob(NAME, b"y" * 1000)
    with pytest.raises(QuotaExceededError):
        await other.check(repository, manifest)
