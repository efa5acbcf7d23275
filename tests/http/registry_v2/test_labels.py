"""Labels and annotations of pushed images are there for rules to look at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from in_process.registry import ROOT_TOKEN, image, index
from moorage.domain.digest import Digest
from moorage.domain.media_types import OCI_INDEX

if TYPE_CHECKING:
    from in_process.registry import Registry

NAME = "root/app/image"


def config(labels: Any) -> bytes:
    return json.dumps({"os": "linux", "config": {"Labels": labels}}).encode()


async def push(
    registry: Registry, tag: str, labels: Any, annotations: Any = None
) -> bytes:
    content = config(labels)
    await registry.push_blob(NAME, content)
    await registry.push_blob(NAME, b"layer")
    body = json.loads(image())
    body["config"] |= {"digest": str(Digest.of(content)), "size": len(content)}
    if annotations:
        body["annotations"] = annotations
    manifest = json.dumps(body).encode()
    response = await registry.push_manifest(NAME, tag, manifest)
    assert response.status_code == 201, response.text
    return manifest


async def matching(registry: Registry, when: Any) -> set[str]:
    """Return the tags for which a condition holds, as a plan tells."""
    headers = {"PRIVATE-TOKEN": ROOT_TOKEN}
    base = "/api/v4/projects/root%2Fapp/registry/repositories"
    found = await registry.send("GET", base, headers=headers, auth=None)
    path = f"{base}/{found.json()[0]['id']}/plans"
    rules = {"delete": [{"when": when}]}
    response = await registry.send_json("POST", path, {"rules": rules}, headers)
    assert response.status_code == 201, response.text
    items = response.json()["items"]
    return {each["name"] for each in items if each["decision"] == "delete"}


async def test_labels_of_the_configuration_and_annotations_count(
    registry: Registry,
) -> None:
    await push(registry, "v1", {"team": "blue", "odd": 7})
    await push(registry, "v2", {"team": "blue"}, {"team": "red"})
    await push(registry, "v3", None)
    await push(registry, "v4", ["no", "labels"])
    blue = {"label": {"name": "team", "value": "blue"}}
    assert await matching(registry, blue) == {"v1"}
    assert await matching(registry, {"label": "team"}) == {"v1", "v2"}
    assert await matching(registry, {"label": "odd"}) == set()
    assert await matching(registry, {"platform": "linux*"}) == {"v1", "v2", "v3", "v4"}


async def test_an_index_has_the_labels_that_its_children_share(
    registry: Registry,
) -> None:
    one = await push(registry, "v1", {"team": "blue", "only": "one"})
    two = await push(registry, "v2", {"team": "blue", "only": "two"})
    both = index(one, two)
    response = await registry.push_manifest(NAME, "both", both, OCI_INDEX)
    assert response.status_code == 201, response.text
    assert await matching(registry, {"label": "team"}) == {"both", "v1", "v2"}
    assert await matching(registry, {"label": "only"}) == {"v1", "v2"}
