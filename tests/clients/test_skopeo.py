"""skopeo copies images to the registry and back, and nothing changes on the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from live.images import an_image, an_index, digest_of, write_oci_layout
from live.programs import (
    ProgramFailedError,
    layout_blobs,
    make_busybox_layout,
    run,
)

if TYPE_CHECKING:
    from pathlib import Path

    from live.estate import Estate

pytestmark = pytest.mark.clients


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_busybox_layout(tmp_path_factory.mktemp("skopeo"))


class Skopeo:
    """skopeo with an administrator's credentials for one new repository."""

    def __init__(self, estate: Estate) -> None:
        self.repository = f"{estate.project().path_with_namespace}/app"
        self.address = f"docker://{estate.server.host}/{self.repository}"
        self.credentials = f"root:{estate.server.root_token}"

    def push(self, source: str, tag: str, *options: str) -> None:
        run(
            *("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false"),
            *("--dest-creds", self.credentials, *options),
            *(source, f"{self.address}:{tag}"),
        )

    def pull(self, tag: str, destination: str, *options: str) -> None:
        run(
            *("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false"),
            *("--src-creds", self.credentials, *options),
            *(f"{self.address}:{tag}", destination),
        )

    def ask(self, command: str, reference: str, *options: str) -> str:
        return run(
            *("skopeo", command, "--tls-verify=false"),
            *("--creds", self.credentials, *options),
            f"{self.address}{reference}",
        )


@pytest.fixture
def skopeo(estate: Estate) -> Skopeo:
    return Skopeo(estate)


def test_an_image_comes_back_byte_for_byte(
    skopeo: Skopeo, busybox: Path, tmp_path: Path
) -> None:
    skopeo.push(f"oci:{busybox}:v1", "v1")
    skopeo.pull("v1", f"oci:{tmp_path}/back:v1")
    assert layout_blobs(tmp_path / "back") == layout_blobs(busybox)


def test_an_image_in_dockers_format_comes_back_with_its_digest(
    skopeo: Skopeo, busybox: Path, tmp_path: Path
) -> None:
    skopeo.push(f"oci:{busybox}:v1", "v1", "--format", "v2s2")
    skopeo.pull("v1", f"dir:{tmp_path}/back")
    manifest = (tmp_path / "back" / "manifest.json").read_bytes()
    assert "docker" in json.loads(manifest)["mediaType"]
    assert skopeo.ask("inspect", ":v1", "--format", "{{.Digest}}").strip() == (
        digest_of(manifest)
    )


def test_an_image_compressed_with_zstd_is_taken(
    skopeo: Skopeo, busybox: Path, tmp_path: Path
) -> None:
    skopeo.push(f"oci:{busybox}:v1", "v1", "--dest-compress-format", "zstd")
    skopeo.pull("v1", f"dir:{tmp_path}/back")


def test_a_multi_platform_image_comes_back_with_every_platform(
    skopeo: Skopeo, tmp_path: Path
) -> None:
    created = datetime(2026, 1, 2, tzinfo=UTC)
    index = an_index(
        an_image("for amd64", created=created, architecture="amd64"),
        an_image("for arm64", created=created, architecture="arm64"),
    )
    write_oci_layout(tmp_path / "made", "multi", index)
    skopeo.push(f"oci:{tmp_path}/made:multi", "multi", "--all")
    assert skopeo.ask("inspect", ":multi", "--raw").encode() == index.manifest
    skopeo.pull("multi", f"oci:{tmp_path}/back:multi", "--all")
    assert layout_blobs(tmp_path / "back") == layout_blobs(tmp_path / "made")


def test_one_platform_of_a_multi_platform_image_can_be_pulled(
    skopeo: Skopeo, tmp_path: Path
) -> None:
    amd64, arm64 = (an_image(name, architecture=name) for name in ("amd64", "arm64"))
    write_oci_layout(tmp_path / "made", "multi", an_index(amd64, arm64))
    skopeo.push(f"oci:{tmp_path}/made:multi", "multi", "--all")
    run(
        *("skopeo", "--insecure-policy", "--override-arch", "arm64", "copy"),
        *("--src-tls-verify=false", "--src-creds", skopeo.credentials),
        *(f"{skopeo.address}:multi", f"dir:{tmp_path}/arm64"),
    )
    assert (tmp_path / "arm64" / "manifest.json").read_bytes() == arm64.manifest


def test_a_copy_between_two_repositories_of_the_registry_pulls(
    skopeo: Skopeo, estate: Estate, busybox: Path
) -> None:
    skopeo.push(f"oci:{busybox}:v1", "v1")
    elsewhere = f"{estate.project().path_with_namespace}/copy"
    run(
        *("skopeo", "--insecure-policy", "copy"),
        *("--src-tls-verify=false", "--src-creds", skopeo.credentials),
        *("--dest-tls-verify=false", "--dest-creds", skopeo.credentials),
        *(f"{skopeo.address}:v1", f"docker://{estate.server.host}/{elsewhere}:v1"),
    )
    with estate.registry(estate.admin) as registry:
        assert registry.pull(elsewhere, "v1") == registry.pull(skopeo.repository, "v1")


def test_tags_are_listed_in_byte_order(skopeo: Skopeo, busybox: Path) -> None:
    for tag in ("v1", "b", "B", "v10", "_x"):
        skopeo.push(f"oci:{busybox}:v1", tag)
    assert json.loads(skopeo.ask("list-tags", ""))["Tags"] == [
        *("B", "_x", "b", "v1", "v10"),
    ]


def test_an_image_can_be_deleted(skopeo: Skopeo, busybox: Path) -> None:
    skopeo.push(f"oci:{busybox}:v1", "v1")
    skopeo.ask("delete", ":v1")
    with pytest.raises(ProgramFailedError, match="manifest unknown"):
        skopeo.ask("inspect", ":v1")


def test_a_wrong_password_is_refused_in_words(estate: Estate, tmp_path: Path) -> None:
    with pytest.raises(ProgramFailedError, match="invalid username/password"):
        run(
            *("skopeo", "login", "--tls-verify=false"),
            *("--authfile", tmp_path / "auth.json"),
            *("-u", "root", "-p", "wrong", estate.server.host),
        )


def test_a_login_with_a_token_succeeds(estate: Estate, tmp_path: Path) -> None:
    said = run(
        *("skopeo", "login", "--tls-verify=false"),
        *("--authfile", tmp_path / "auth.json"),
        *("-u", "root", "-p", estate.server.root_token, estate.server.host),
    )
    assert "Login Succeeded" in said
