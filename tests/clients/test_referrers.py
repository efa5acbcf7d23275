"""What is attached to an image: artifacts, signatures, lists of parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import oras.client
import oras.oci
import pytest

from live.images import OCI_MANIFEST, an_image, as_json, descriptor
from live.registry import expect

if TYPE_CHECKING:
    from pathlib import Path

    from live.estate import Estate
    from live.images import Image
    from live.registry import RegistryClient

pytestmark = pytest.mark.clients

SBOM = "application/spdx+json"
SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"


def artifact(subject: Image, artifact_type: str, content: bytes) -> bytes:
    """Write the manifest of one file that belongs to an image."""
    return as_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": descriptor(b"{}", EMPTY),
            "layers": [descriptor(content, artifact_type)],
            "subject": descriptor(subject.manifest, subject.media_type),
            "annotations": {"org.example.of": subject.digest},
        }
    )


def attach(
    registry: RegistryClient, path: str, subject: Image, kind: str, content: bytes
) -> dict[str, Any]:
    """Push a file that belongs to an image; return how it has to be listed."""
    registry.push_blob(path, b"{}")
    registry.push_blob(path, content)
    manifest = artifact(subject, kind, content)
    made = descriptor(manifest, OCI_MANIFEST)
    registry.put_manifest(path, made["digest"], manifest, OCI_MANIFEST)
    annotations = {"org.example.of": subject.digest}
    return {**made, "artifactType": kind, "annotations": annotations}


def referrers(
    registry: RegistryClient, path: str, digest: str, **parameters: str
) -> list[dict[str, Any]]:
    """List what is attached to a digest."""
    answer = registry.http.get(
        f"/v2/{path}/referrers/{digest}",
        params=parameters,
        headers=registry.authorization(path, "pull"),
    )
    found: list[dict[str, Any]] = expect(answer, 200).json()["manifests"]
    return found


def by_digest(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: str(entry["digest"]))


def test_a_signature_and_a_list_of_parts_are_found_by_what_they_are(
    estate: Estate,
) -> None:
    path = f"{estate.project().path_with_namespace}/app"
    image = an_image("signed")
    with estate.registry(estate.admin) as registry:
        registry.push(path, "v1", image)
        sbom = attach(registry, path, image, SBOM, b'{"spdxVersion": "SPDX-2.3"}')
        signature = attach(registry, path, image, SIGNATURE, b"MEUCIQ")
        assert by_digest(referrers(registry, path, image.digest)) == by_digest(
            [sbom, signature]
        )
        assert referrers(registry, path, image.digest, artifactType=SBOM) == [sbom]
        for attached in (sbom, signature):
            assert registry.pull(path, attached["digest"]) == attached["digest"]
        assert registry.tags(path) == ["v1"]


def test_what_signs_a_signature_is_attached_to_it(estate: Estate) -> None:
    path = f"{estate.project().path_with_namespace}/app"
    image = an_image("signed twice")
    with estate.registry(estate.admin) as registry:
        registry.push(path, "v1", image)
        sbom = attach(registry, path, image, SBOM, b"{}")
        listed = artifact(image, SBOM, b"{}")
        signature = attach(
            *(registry, path, an_image_of(listed), SIGNATURE, b"of the list"),
        )
        assert referrers(registry, path, image.digest) == [sbom]
        assert referrers(registry, path, sbom["digest"]) == [signature]


def an_image_of(manifest: bytes) -> Image:
    """Let a manifest be the subject of another."""
    return type(an_image())(manifest, ())


def test_a_signature_that_came_before_its_image_is_found(estate: Estate) -> None:
    path = f"{estate.project().path_with_namespace}/app"
    image = an_image("late")
    with estate.registry(estate.admin) as registry:
        signature = attach(registry, path, image, SIGNATURE, b"early")
        registry.push(path, "v1", image)
        assert referrers(registry, path, image.digest) == [signature]


def test_what_is_deleted_is_attached_no_longer(estate: Estate) -> None:
    path = f"{estate.project().path_with_namespace}/app"
    image = an_image("unsigned")
    with estate.registry(estate.admin) as registry:
        registry.push(path, "v1", image)
        signature = attach(registry, path, image, SIGNATURE, b"to be withdrawn")
        expect(registry.delete(path, "manifests", signature["digest"]), 202)
        assert referrers(registry, path, image.digest) == []
        assert registry.pull(path, "v1") == image.digest


def test_oras_attaches_a_list_of_parts_to_an_image(
    estate: Estate, tmp_path: Path
) -> None:
    path = f"{estate.project().path_with_namespace}/app"
    image = an_image("with parts")
    with estate.registry(estate.admin) as registry:
        registry.push(path, "v1", image)
        client = oras.client.OrasClient(
            hostname=estate.server.host, insecure=True, auth_backend="basic"
        )
        client.login(
            hostname=estate.server.host,
            username="root",
            password=estate.admin.token,
            config_path=str(tmp_path / "config.json"),
        )
        parts, config = tmp_path / "parts.json", tmp_path / "empty.json"
        parts.write_text('{"spdxVersion": "SPDX-2.3"}')
        config.write_text("{}")
        size = len(image.manifest)
        client.push(
            target=f"{estate.server.host}/{path}:parts",
            files=[f"{parts}:{SBOM}"],
            manifest_config=f"{config}:{SBOM}",
            manifest_annotations={"org.example.made-by": "oras"},
            subject=oras.oci.Subject(image.media_type, image.digest, size),
            disable_path_validation=True,
        )
        client.session.close()
        (found,) = referrers(registry, path, image.digest, artifactType=SBOM)
        assert found["annotations"] == {"org.example.made-by": "oras"}
        assert registry.pull(path, "parts") == found["digest"]
        (layer,) = registry.manifest(path, "parts").json()["layers"]
        stored = registry.blob(path, layer["digest"]).content
        assert json.loads(stored) == {"spdxVersion": "SPDX-2.3"}
