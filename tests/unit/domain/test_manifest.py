import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.domain.digest import Digest
from moorage.domain.errors import ManifestInvalidError
from moorage.domain.manifest import ImageConfig, Manifest, effective_created_at
from moorage.domain.media_types import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    NON_DISTRIBUTABLE_LAYERS,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def a_descriptor(text: str = "x", **fields: Any) -> dict[str, Any]:
    digest = str(Digest.of(text.encode()))
    return {"mediaType": "text/plain", "digest": digest, "size": len(text), **fields}


def a_manifest(**fields: Any) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "config": a_descriptor("config", mediaType=OCI_CONFIG),
        "layers": [a_descriptor("one"), a_descriptor("three")],
        **fields,
    }


def parse(body: object, content_type: str = OCI_MANIFEST) -> Manifest:
    return Manifest.parse(json.dumps(body).encode(), content_type)


def test_an_image_says_what_it_needs() -> None:
    manifest = parse(a_manifest())
    assert manifest.needed_blobs == (
        Digest.of(b"config"),
        Digest.of(b"one"),
        Digest.of(b"three"),
    )
    assert manifest.layer_bytes == 8
    assert manifest.has_image_config


def test_the_digest_is_over_the_bytes() -> None:
    content = json.dumps(a_manifest(), indent=7).encode()
    assert Manifest.parse(content, OCI_MANIFEST).digest == Digest.of(content)
    sha512 = Manifest.parse(content, OCI_MANIFEST, "sha512")
    assert sha512.digest == Digest.of(content, "sha512")


@pytest.mark.parametrize("content_type", [OCI_INDEX, DOCKER_LIST])
def test_an_index_lists_children_and_platforms(content_type: str) -> None:
    platform = {"os": "linux", "architecture": "arm64", "variant": "v8"}
    body = {
        "schemaVersion": 2,
        "manifests": [a_descriptor("a", platform=platform), a_descriptor("b")],
    }
    manifest = parse(body, content_type)
    assert [child.digest for child in manifest.children] == [
        Digest.of(b"a"),
        Digest.of(b"b"),
    ]
    assert manifest.platforms == ("linux/arm64/v8",)
    assert manifest.needed_blobs == ()


@pytest.mark.parametrize("media_type", sorted(NON_DISTRIBUTABLE_LAYERS))
def test_layers_that_clients_never_push_are_not_needed(media_type: str) -> None:
    layers = [a_descriptor("far", mediaType=media_type)]
    assert parse(a_manifest(layers=layers)).needed_blobs == (Digest.of(b"config"),)


def test_the_type_may_come_from_the_body_alone() -> None:
    body = a_manifest(mediaType=DOCKER_MANIFEST)
    assert parse(body, "").media_type == DOCKER_MANIFEST
    assert parse(body, "application/json").media_type == DOCKER_MANIFEST


def test_parameters_of_the_content_type_are_ignored() -> None:
    found = parse(a_manifest(), OCI_MANIFEST + "; charset=utf-8")
    assert found.media_type == OCI_MANIFEST


def test_a_referrer_is_shown_by_its_own_type_or_by_that_of_its_config() -> None:
    assert parse(a_manifest(artifactType="a/b")).shown_artifact_type == "a/b"
    assert parse(a_manifest()).shown_artifact_type == OCI_CONFIG
    index = {"schemaVersion": 2, "manifests": []}
    assert parse(index, OCI_INDEX).shown_artifact_type is None


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        None,
        {},
        a_manifest(schemaVersion=1),
        a_manifest(mediaType=DOCKER_MANIFEST),
        a_manifest(mediaType=7),
        a_manifest(config=None),
        a_manifest(config=[]),
        a_manifest(layers={}),
        a_manifest(layers=["x"]),
        a_manifest(layers=[{}]),
        a_manifest(layers=[a_descriptor(size=-1)]),
        a_manifest(layers=[a_descriptor(size="1")]),
        a_manifest(layers=[a_descriptor(size=True)]),
        a_manifest(layers=[a_descriptor(size=2**63)]),
        a_manifest(layers=[a_descriptor(size=1.5)]),
        a_manifest(layers=[a_descriptor(digest="sha256:no")]),
        a_manifest(layers=[a_descriptor(digest=None)]),
        a_manifest(subject="x"),
        a_manifest(annotations=[]),
        a_manifest(annotations={"a": 1}),
        a_manifest(artifactType={}),
        a_manifest(artifactType="a/b\0"),
        a_manifest(artifactType="a/\ud800"),
        a_manifest(config=a_descriptor(mediaType="a\0")),
        a_manifest(annotations={"\ud800": ""}),
    ],
)
def test_what_is_no_manifest_is_refused(body: object) -> None:
    with pytest.raises(ManifestInvalidError):
        parse(body)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        "{}".encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"schemaVersion": NaN}',
        b"nul",
    ],
)
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(ManifestInvalidError):
        Manifest.parse(content, OCI_MANIFEST)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ManifestInvalidError):
        parse(a_manifest(), "application/vnd.docker.distribution.manifest.v1+json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["config", "layers", "manifests", "subject", "digest"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from([OCI_MANIFEST, OCI_INDEX, DOCKER_LIST]))
def test_no_json_breaks_the_parser(body: object, content_type: str) -> None:
    if isinstance(body, dict):
        body["schemaVersion"] = 2
    with suppress(ManifestInvalidError):
        parse(body, content_type)


def config(**fields: Any) -> ImageConfig:
    return ImageConfig.parse(json.dumps(fields).encode())


def test_a_configuration_tells_date_and_platform() -> None:
    found = config(
        created="2019-01-06T16:49:51.272339187+02:00", os="linux", architecture="amd64"
    )
    assert found.created_at == datetime(2019, 1, 6, 14, 49, 51, 272339, tzinfo=UTC)
    assert found.platform == "linux/amd64"


@pytest.mark.parametrize(
    "created", [None, 5, "", "yesterday", "2019-01-06", "0001-01-01T00:00:00+10:00"]
)
def test_a_date_that_cannot_be_read_is_missing(created: object) -> None:
    assert config(created=created).created_at is None


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_a_configuration_that_cannot_be_read_is_no_error(content: bytes) -> None:
    assert ImageConfig.parse(content) == ImageConfig(None, None)


@pytest.mark.parametrize(
    "created",
    [
        None,
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1980, 1, 2, 23, 59, tzinfo=UTC),
        NOW + timedelta(seconds=1),
    ],
)
def test_what_is_no_date_of_an_image_gives_way_to_the_push(
    created: datetime | None,
) -> None:
    assert effective_created_at(created, NOW) == NOW


def test_the_image_own_date_counts_otherwise() -> None:
    created = datetime(1980, 1, 3, tzinfo=UTC)
    assert effective_created_at(created, NOW) == created
