"""Docker's form of each kind of event, to the letter."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from moorage.domain.digest import Digest
from moorage.domain.events import (
    UNKNOWN,
    Change,
    Occasion,
    RequestFacts,
    blob_deleted,
    blob_mounted,
    blob_pushed,
    events_of,
    manifest_deleted,
    manifest_pulled,
    manifest_pushed,
    repository_deleted,
    tags_deleted,
)
from moorage.domain.manifest import Manifest
from moorage.jobs.docker_events import Source, render_envelope, render_event

AT = datetime(2024, 2, 29, 12, 30, 15, 250, tzinfo=UTC)
SOURCE = Source("https://registry.example", "127.0.0.1:5000", "an-instance")
OCCASION = Occasion(
    "alice",
    RequestFacts("a-request", "192.0.2.1:99", "registry.example", "PUT", "docker/27"),
)
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONTENT = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": str(Digest.of(b"{}")),
            "size": 2,
        },
        "layers": [],
    }
).encode()
MANIFEST = Manifest.parse(CONTENT, OCI_MANIFEST)
DIGEST = Digest.of(b"blob")
BLOB_URL = f"https://registry.example/v2/group/app/blobs/{DIGEST}"
MANIFEST_URL = f"https://registry.example/v2/group/app/manifests/{MANIFEST.digest}"
GONE = {"mediaType": "", "digest": "", "size": 0, "repository": "group/app"}

A_BLOB = {
    "mediaType": "application/octet-stream",
    "digest": str(DIGEST),
    "size": 4,
    "length": 4,
    "repository": "group/app",
    "url": BLOB_URL,
}
A_MANIFEST = {
    "mediaType": OCI_MANIFEST,
    "digest": str(MANIFEST.digest),
    "size": len(CONTENT),
    "length": len(CONTENT),
    "repository": "group/app",
    "url": MANIFEST_URL,
}


def rendered(change: Change, occasion: Occasion = OCCASION) -> dict[str, Any]:
    (event,) = events_of("group/app", [change], occasion, AT)
    return render_event(event, SOURCE)


@pytest.mark.parametrize(
    ("change", "action", "target"),
    [
        (blob_pushed(DIGEST, 4), "push", A_BLOB),
        (
            blob_mounted(DIGEST, 4, "group/base"),
            "mount",
            {**A_BLOB, "fromRepository": "group/base"},
        ),
        (blob_deleted(DIGEST), "delete", {**GONE, "digest": str(DIGEST)}),
        (manifest_pushed(MANIFEST, [])[0], "push", A_MANIFEST),
        (manifest_pushed(MANIFEST, ["v1"])[0], "push", {**A_MANIFEST, "tag": "v1"}),
        (
            manifest_pulled(MANIFEST.digest, OCI_MANIFEST, len(CONTENT), "v1"),
            "pull",
            {**A_MANIFEST, "tag": "v1"},
        ),
        (
            manifest_pulled(MANIFEST.digest, OCI_MANIFEST, len(CONTENT), None),
            "pull",
            A_MANIFEST,
        ),
        (manifest_deleted(DIGEST), "delete", {**GONE, "digest": str(DIGEST)}),
        (next(tags_deleted(["v1"])), "delete", {**GONE, "tag": "v1"}),
        (repository_deleted(), "delete", GONE),
    ],
)
def test_each_kind_of_event(
    change: Change, action: str, target: dict[str, Any]
) -> None:
    event = rendered(change)
    assert event.pop("id")
    assert event == {
        "timestamp": "2024-02-29T12:30:15.000250Z",
        "action": action,
        "target": target,
        "request": {
            "id": "a-request",
            "addr": "192.0.2.1:99",
            "host": "registry.example",
            "method": "PUT",
            "useragent": "docker/27",
        },
        "actor": {"name": "alice"},
        "source": {"addr": "127.0.0.1:5000", "instanceID": "an-instance"},
    }


def test_nobody_and_no_request_are_empty() -> None:
    event = rendered(blob_pushed(DIGEST, 4), UNKNOWN)
    assert (event["actor"], event["request"]) == ({}, {})


def test_a_link_leads_where_the_client_came_from() -> None:
    facts = RequestFacts("1", "", "", "GET", "", base_url="https://behind.example")
    event = rendered(blob_pushed(DIGEST, 4), Occasion(None, facts))
    assert (
        event["target"]["url"] == f"https://behind.example/v2/group/app/blobs/{DIGEST}"
    )


def test_a_manifest_pushed_under_several_tags_is_told_once_for_each() -> None:
    changes = manifest_pushed(MANIFEST, ["v1", "latest"])
    assert [change.tag for change in changes] == ["v1", "latest"]


def test_an_envelope_holds_events_in_order_and_each_id_is_one_of_a_kind() -> None:
    changes = [*tags_deleted(["a", "b"]), repository_deleted(), repository_deleted()]
    events = events_of("group/app", changes, OCCASION, AT)
    content = json.loads(render_envelope(events, SOURCE))
    assert list(content) == ["events"]
    assert [event["target"].get("tag") for event in content["events"]] == [
        "a",
        "b",
        None,
        None,
    ]
    assert len({event["id"] for event in content["events"]}) == 4


def test_events_made_again_have_the_same_ids() -> None:
    changes = list(tags_deleted(["a", "b"]))
    assert events_of("r", changes, OCCASION, AT) == events_of(
        "r", changes, OCCASION, AT
    )
