"""Which events the calls of the protocol cause, on either engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from in_process.registry import CONFIG, ROOT_TOKEN, Registry, image
from live.hooks import Listener, listening
from moorage.config import load_settings
from moorage.domain.digest import Digest
from moorage.domain.media_types import OCI_MANIFEST
from moorage.ports.clock import SystemClock
from moorage.services.bootstrap import bootstrap
from moorage.services.webhooks import set_webhooks_of_instance
from moorage.store.migrate import migrate
from moorage.wiring import Services, build, open_database

NAME = "root/app"
CLIENT = "127.0.0.1:123"


@dataclass
class Scene:
    registry: Registry
    services: Services
    listener: Listener

    async def told(self) -> list[dict[str, Any]]:
        """Return what the listener was told since it was last asked."""
        await self.services.notices.drain()
        while await self.services.messenger.run_one():
            pass
        events = self.listener.events
        self.listener.told.clear()
        return events

    async def listen(self, *urls: str) -> None:
        await set_webhooks_of_instance(
            self.services.database, self.services.clock, urls
        )


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as made:
        yield made


@pytest.fixture
async def scene(
    database_url: str | None, tmp_path: Path, listener: Listener
) -> AsyncIterator[Scene]:
    given = {"data_dir": str(tmp_path), "external_url": "https://registry.example"}
    if database_url is not None:
        given["database_url"] = database_url
    settings = load_settings(given, {})
    database = open_database(settings)
    migrate(database, SystemClock().now())
    await bootstrap(database, SystemClock(), ROOT_TOKEN)
    services = await build(settings, database)
    async with Registry(services.front_ends) as registry:
        made = Scene(registry, services, listener)
        await made.listen(listener.url)
        yield made
    await database.close()


def told_of(events: list[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    return [
        (event["action"], event["target"]["digest"], event["target"].get("tag"))
        for event in events
    ]


async def test_a_push_tells_of_each_blob_then_of_the_manifest(scene: Scene) -> None:
    digest = await scene.registry.push_image(NAME)
    events = await scene.told()
    assert told_of(events) == [
        ("push", str(Digest.of(CONFIG)), None),
        ("push", str(Digest.of(b"layer")), None),
        ("push", str(digest), "v1"),
    ]
    blob, _, manifest = events
    assert blob["target"]["mediaType"] == "application/octet-stream"
    assert blob["target"]["size"] == blob["target"]["length"] == len(CONFIG)
    assert blob["request"]["method"] == "POST"
    assert manifest["target"] == {
        "mediaType": OCI_MANIFEST,
        "digest": str(digest),
        "size": len(image()),
        "length": len(image()),
        "repository": NAME,
        "url": f"https://registry.example/v2/{NAME}/manifests/{digest}",
        "tag": "v1",
    }
    assert manifest["actor"] == {"name": "root"}
    request = manifest["request"]
    assert request.pop("id")
    assert request.pop("useragent").startswith("python-httpx/")
    assert request == {"addr": CLIENT, "host": "127.0.0.1:5000", "method": "PUT"}


async def test_a_blob_that_is_there_already_is_told_of_again(scene: Scene) -> None:
    for _ in range(2):
        digest = await scene.registry.push_blob(NAME, b"layer")
    assert told_of(await scene.told()) == [("push", str(digest), None)] * 2


async def test_a_manifest_pushed_by_digest_under_tags_is_told_of_for_each(
    scene: Scene,
) -> None:
    await scene.registry.push_image(NAME)
    await scene.told()
    digest = Digest.of(image())
    await scene.registry.push_manifest(NAME, f"{digest}?tag=a&tag=b", image())
    await scene.registry.push_manifest(NAME, str(digest), image())
    assert told_of(await scene.told()) == [
        ("push", str(digest), "a"),
        ("push", str(digest), "b"),
        ("push", str(digest), None),
    ]


async def test_what_fails_is_not_told_of(scene: Scene) -> None:
    response = await scene.registry.push_manifest(NAME, "v1", image())
    assert response.status_code == 400
    for path in ("manifests/v9", f"manifests/{Digest.of(b'x')}"):
        await scene.registry.send("DELETE", f"/v2/{NAME}/{path}")
        await scene.registry.send("GET", f"/v2/{NAME}/{path}")
    assert await scene.told() == []


async def test_a_mount_names_where_it_came_from(scene: Scene) -> None:
    digest = await scene.registry.push_blob(NAME, b"layer")
    await scene.told()
    for _ in range(2):
        response = await scene.registry.send(
            "POST", f"/v2/root/other/blobs/uploads/?mount={digest}&from={NAME}"
        )
        assert response.status_code == 201
    (event,) = await scene.told()
    assert (event["action"], event["request"]["method"]) == ("mount", "POST")
    assert event["target"]["repository"] == "root/other"
    assert event["target"]["fromRepository"] == NAME


async def test_pulls_are_told_of_with_their_method(scene: Scene) -> None:
    digest = await scene.registry.push_image(NAME)
    await scene.told()
    for method, reference in (("GET", "v1"), ("HEAD", "v1"), ("GET", str(digest))):
        response = await scene.registry.send(
            method, f"/v2/{NAME}/manifests/{reference}"
        )
        assert response.status_code == 200
    events = await scene.told()
    assert [
        (event["action"], event["request"]["method"], event["target"].get("tag"))
        for event in events
    ] == [("pull", "GET", "v1"), ("pull", "HEAD", "v1"), ("pull", "GET", None)]


async def test_what_the_client_has_already_is_no_pull(scene: Scene) -> None:
    digest = await scene.registry.push_image(NAME)
    await scene.told()
    response = await scene.registry.send(
        "GET", f"/v2/{NAME}/manifests/v1", headers={"If-None-Match": f'"{digest}"'}
    )
    assert response.status_code == 304
    assert await scene.told() == []


async def test_deletes_are_told_of(scene: Scene) -> None:
    digest = await scene.registry.push_image(NAME)
    for tag in ("v2", "v3"):
        await scene.registry.push_manifest(NAME, tag, image())
    await scene.told()
    await scene.registry.send("DELETE", f"/v2/{NAME}/manifests/v2")
    await scene.registry.send("DELETE", f"/v2/{NAME}/manifests/{digest}")
    await scene.registry.send("DELETE", f"/v2/{NAME}/blobs/{Digest.of(b'layer')}")
    events = await scene.told()
    assert told_of(events) == [
        ("delete", "", "v2"),
        ("delete", str(digest), None),
        ("delete", "", "v1"),
        ("delete", "", "v3"),
        ("delete", str(Digest.of(b"layer")), None),
    ]
    assert all(event["request"]["method"] == "DELETE" for event in events)


async def test_while_nobody_listens_nothing_is_kept(scene: Scene) -> None:
    await scene.listen()
    await scene.registry.push_image(NAME)
    await scene.registry.send("GET", f"/v2/{NAME}/manifests/v1")
    await scene.services.notices.drain()
    assert not scene.services.notices.wanted
    await scene.listen(scene.listener.url)
    assert await scene.told() == []


async def test_the_events_of_jobs_name_who_asked(scene: Scene) -> None:
    await scene.registry.push_image(NAME)
    await scene.told()
    headers = {"PRIVATE-TOKEN": ROOT_TOKEN}
    send = scene.registry.send
    found = await send(
        "GET",
        "/api/v4/projects/root%2Fapp/registry/repositories",
        headers=headers,
        auth=None,
    )
    path = f"/api/v4/projects/root%2Fapp/registry/repositories/{found.json()[0]['id']}"
    for suffix in ("/tags?name_regex_delete=.*", ""):
        response = await send("DELETE", path + suffix, headers=headers, auth=None)
        assert response.status_code == 202
        while await scene.services.worker.run_one():
            pass
    tag, repository = await scene.told()
    assert (tag["action"], tag["target"]["tag"]) == ("delete", "v1")
    assert repository["target"] == {
        "mediaType": "",
        "digest": "",
        "size": 0,
        "repository": NAME,
    }
    for event in (tag, repository):
        assert (event["actor"], event["request"]) == ({"name": "root"}, {})
