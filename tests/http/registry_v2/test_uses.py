"""What counts as a use, and what a hold keeps from this protocol's deletes."""

from __future__ import annotations

from datetime import UTC, datetime

from in_process.registry import Registry, codes
from moorage.domain.holds import NewHold
from moorage.domain.names import RepositoryName, TagName
from moorage.domain.repositories import TagDetail
from moorage.ports.database import Tx
from moorage.store import holds, repositories, tags
from moorage.wiring import Services

NAME = "root/project/image"


async def detail(services: Services) -> TagDetail:
    def body(tx: Tx) -> TagDetail | None:
        repository = repositories.find_by_path(tx, RepositoryName.parse(NAME))
        assert repository is not None
        return tags.find_detail(tx, repository.id, TagName("v1"))

    found = await services.database.read(body)
    assert found is not None
    return found


async def test_a_get_is_a_use_and_a_head_is_none(
    registry: Registry, services: Services
) -> None:
    digest = await registry.push_image(NAME, "v1")
    for method in ("GET", "HEAD", "GET", "HEAD"):
        await registry.send(method, f"/v2/{NAME}/manifests/v1")
    await registry.send("GET", f"/v2/{NAME}/manifests/{digest}")
    await registry.send("GET", f"/v2/{NAME}/manifests/v2")
    await services.uses.flush()
    found = await detail(services)
    assert found.pull_count == 2
    assert found.pulled_at is not None


async def test_deletes_of_what_is_held_are_refused(
    registry: Registry, services: Services
) -> None:
    digest = await registry.push_image(NAME, "v1")

    def body(tx: Tx) -> None:
        repository = repositories.find_by_path(tx, RepositoryName.parse(NAME))
        assert repository is not None
        new = NewHold(repository.id, "production runs it", "somebody", tag="v1")
        holds.create(tx, new, now=datetime.now(UTC))

    await services.database.write(body)
    for reference in ("v1", digest):
        answer = await registry.send("DELETE", f"/v2/{NAME}/manifests/{reference}")
        assert answer.status_code == 409
        assert codes(answer) == ["DENIED"]
        message = answer.json()["errors"][0]["message"]
        assert message == "tag v1 is held: production runs it"
    assert (await registry.send("GET", f"/v2/{NAME}/manifests/v1")).status_code == 200
