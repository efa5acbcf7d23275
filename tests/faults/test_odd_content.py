"""Well-formed pushes of odd content are stored or refused, and listed without fault."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from live.images import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    an_image,
    as_json,
    descriptor,
    digest_of,
)

if TYPE_CHECKING:
    from gitlab.v4.objects import Project

    from live.estate import Estate

pytestmark = pytest.mark.clients

IMAGE = an_image("odd")
GOOD = json.loads(IMAGE.manifest)

CONFIGS: dict[str, bytes] = {
    "empty": b"",
    "not json": b"\x00\x01\xff",
    "a list": b"[]",
    "null": b"null",
    "very deep": b"[" * 100_000,
    "created a number": as_json({"created": 7}),
    "created a word": as_json({"created": "yesterday"}),
    "created with nul": as_json({"created": "2026-01-01T00:00:00Z\0"}),
    "created in the year 0": as_json({"created": "0000-00-00T00:00:00Z"}),
    "created in the year 1": as_json({"created": "0001-01-01T00:00:00Z"}),
    "created in the year 9999": as_json({"created": "9999-12-31T23:59:59Z"}),
    "created with nanoseconds": as_json({"created": "2026-01-01T00:00:00.123456789Z"}),
    "created far east": as_json({"created": "2026-01-01T00:00:00+23:59"}),
    "created a leap second": as_json({"created": "2016-12-31T23:59:60Z"}),
    "platform with nul": as_json({"architecture": "a\0b", "os": "\0"}),
    "platform a surrogate": b'{"architecture": "\\ud800", "os": []}',
    "platform a number": as_json({"architecture": 1, "os": 2, "variant": 3}),
    "a megabyte": as_json({"history": ["x" * 100] * 10_000}),
}

MANIFESTS: dict[str, dict[str, Any]] = {
    "artifact type with nul": {"artifactType": "a/b\0"},
    "artifact type a surrogate": {"artifactType": "a/\ud800"},
    "artifact type very long": {"artifactType": "a/" + "b" * 50_000},
    "annotations with nul": {"annotations": {"a\0": "b\0"}},
    "annotations a surrogate": {"annotations": {"a": "\ud800"}},
    "annotations not texts": {"annotations": {"a": [1]}},
    "unknown fields": {"x": {"y": [1.5, None, True]}},
    "subject absent": {"subject": descriptor(b"absent", OCI_MANIFEST)},
    "subject type with nul": {"subject": descriptor(b"absent", "a/\0")},
    "config type with nul": {"config": {**GOOD["config"], "mediaType": "a/\0"}},
    "layer type with nul": {"layers": [{**GOOD["layers"][0], "mediaType": "a/\0"}]},
    "no layers": {"layers": []},
    "a layer twice": {"layers": GOOD["layers"] * 2},
    "a thousand equal layers": {"layers": GOOD["layers"] * 1000},
    "sizes at 63 bits": {"config": {**GOOD["config"], "size": 2**63 - 1}},
    "sizes beyond 63 bits in all": {
        "layers": [{**GOOD["layers"][0], "size": 2**63 - 1}] * 2
    },
    "a layer that is never pushed": {
        "layers": [
            descriptor(
                b"foreign",
                "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                urls=["https://example.com/layer"],
            )
        ]
    },
}

PLATFORMS: dict[str, Any] = {
    "none": None,
    "empty": {},
    "with nul": {"architecture": "\0", "os": "\0"},
    "numbers": {"architecture": 1, "os": [2]},
    "a text": "linux/amd64",
}


@pytest.fixture(scope="module")
def project(estate: Estate) -> Project:
    return estate.project()


def assert_seen_without_fault(estate: Estate, project: Project, path: str) -> None:
    """Ask everything that shows a tag."""
    number = estate.repository_id(project, path)
    base = f"/projects/{project.id}/registry/repositories"
    for address in (
        f"{base}?tags=1&tags_count=1",
        f"{base}/{number}/tags",
        f"{base}/{number}/tags/v1",
        f"/registry/repositories/{number}?size=1&tags=1",
    ):
        answer = estate.call(estate.admin, "GET", address)
        assert answer.status_code == 200, answer.text
    plan = estate.call(
        estate.admin,
        "DELETE",
        f"{base}/{number}/tags",
        data={"name_regex_delete": "none", "older_than": "1d", "keep_n": "1"},
    )
    assert plan.status_code == 202


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_any_configuration_can_be_pushed_and_is_shown(
    estate: Estate, project: Project, config: bytes
) -> None:
    path = f"{project.path_with_namespace}/{estate.new_name('config')}"
    manifest = as_json({**GOOD, "config": descriptor(config, OCI_CONFIG)})
    with estate.registry(estate.admin) as registry:
        for blob in (config, *IMAGE.blobs):
            registry.push_blob(path, blob)
        registry.put_manifest(path, "v1", manifest, OCI_MANIFEST)
        assert registry.pull(path, "v1") == digest_of(manifest)
    assert_seen_without_fault(estate, project, path)


@pytest.mark.parametrize("fields", MANIFESTS.values(), ids=MANIFESTS)
def test_an_odd_manifest_is_stored_as_it_is_or_refused(
    estate: Estate, project: Project, fields: dict[str, Any]
) -> None:
    path = f"{project.path_with_namespace}/{estate.new_name('manifest')}"
    manifest = as_json({**GOOD, **fields})
    with estate.registry(estate.admin) as registry:
        for blob in IMAGE.blobs:
            registry.push_blob(path, blob)
        answer = registry.http.put(
            f"/v2/{path}/manifests/v1",
            content=manifest,
            headers={
                **registry.authorization(path, "pull", "push"),
                "Content-Type": OCI_MANIFEST,
            },
        )
        assert answer.status_code in (201, 400), answer.text
        if answer.status_code == 400:
            assert registry.tags(path) == []
            return
        assert registry.manifest(path, "v1").content == manifest
        referrers = registry.http.get(
            f"/v2/{path}/referrers/{digest_of(b'absent')}",
            headers=registry.authorization(path, "pull"),
        )
        assert referrers.status_code in (200, 404)
    assert_seen_without_fault(estate, project, path)


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
def test_an_index_with_an_odd_platform_is_stored_or_refused(
    estate: Estate, project: Project, platform: Any
) -> None:
    path = f"{project.path_with_namespace}/{estate.new_name('index')}"
    child = descriptor(IMAGE.manifest, OCI_MANIFEST, platform=platform)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]}
    with estate.registry(estate.admin) as registry:
        registry.push(path, IMAGE.digest, IMAGE)
        answer = registry.http.put(
            f"/v2/{path}/manifests/v1",
            content=as_json(index),
            headers={
                **registry.authorization(path, "pull", "push"),
                "Content-Type": OCI_INDEX,
            },
        )
        assert answer.status_code in (201, 400), answer.text
        if answer.status_code == 201:
            registry.pull(path, "v1")
            assert_seen_without_fault(estate, project, path)


@pytest.mark.parametrize(
    "query", ["last=%00", "last=%ff", "n=0", "n=99999999999999", "n="]
)
@pytest.mark.parametrize("path", ["{name}/tags/list", "_catalog"])
def test_odd_places_in_a_list_are_no_fault(
    estate: Estate, project: Project, path: str, query: str
) -> None:
    name = f"{project.path_with_namespace}/listed"
    with estate.registry(estate.admin) as registry:
        registry.push(name, "v1", IMAGE)
        scope = (
            "registry:catalog:*" if path == "_catalog" else f"repository:{name}:pull"
        )
        answer = registry.http.get(
            f"/v2/{path.format(name=name)}?{query}",
            headers=registry.authorization_for(scope),
        )
    assert answer.status_code in (200, 400), answer.text


def test_a_layer_may_be_empty(estate: Estate, project: Project) -> None:
    path = f"{project.path_with_namespace}/empty"
    manifest = as_json({**GOOD, "layers": [descriptor(b"", OCI_LAYER)]})
    with estate.registry(estate.admin) as registry:
        for blob in (b"", *IMAGE.blobs):
            registry.push_blob(path, blob)
        registry.put_manifest(path, "v1", manifest, OCI_MANIFEST)
        assert registry.pull(path, "v1") == digest_of(manifest)
