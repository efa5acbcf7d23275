"""podman and buildah push and pull."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live.images import OCI_INDEX
from live.programs import ProgramFailedError, make_busybox_layout, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live.estate import Estate

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(
        os.geteuid() != 0, reason="podman's storage needs root on a plain Debian"
    ),
]

_DOCKERFILE = "FROM scratch\nCOPY busybox /bin/busybox\nLABEL made-by=buildah\n"


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_busybox_layout(tmp_path_factory.mktemp("podman"))


class ContainerTool:
    """podman or buildah on storage of its own, without a daemon or cgroups."""

    def __init__(self, program: str, folder: Path, estate: Estate) -> None:
        self.repository = f"{estate.project().path_with_namespace}/app"
        self.image = f"{estate.server.host}/{self.repository}"
        self.credentials = f"root:{estate.server.root_token}"
        self._options = ["--tls-verify=false", "--creds", self.credentials]
        self._command = [program, "--root", str(folder / "root")]
        self._command += ["--runroot", str(folder / "run"), "--storage-driver=vfs"]
        if program == "podman":
            self._command += ["--tmpdir", str(folder / "tmp"), "--events-backend=none"]
            self._command += ["--cgroup-manager=cgroupfs"]

    def __call__(self, *arguments: str | Path) -> str:
        return run(*self._command, *arguments).strip()

    def over_http(self, command: str, *arguments: str | Path) -> str:
        return self(command, *self._options, *arguments)


@pytest.fixture
def storage() -> Iterator[Path]:
    """Make a folder with a short name: podman takes no more than 50 characters."""
    with tempfile.TemporaryDirectory(prefix="moorage-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def podman(estate: Estate, storage: Path) -> ContainerTool:
    return ContainerTool("podman", storage, estate)


@pytest.fixture
def buildah(estate: Estate, storage: Path) -> ContainerTool:
    return ContainerTool("buildah", storage, estate)


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_podman_pulls_the_image_that_it_pushed(
    podman: ContainerTool, busybox: Path, tmp_path: Path, form: str
) -> None:
    pushed = podman("pull", f"oci:{busybox}:v1")
    podman("tag", pushed, f"{podman.image}:v1")
    digest_file = tmp_path / "digest"
    podman.over_http(
        *("push", "--format", form, "--digestfile", digest_file, f"{podman.image}:v1")
    )
    podman("rmi", "--all", "--force")
    podman.over_http("pull", f"{podman.image}:v1")
    name = f"{podman.image}:v1"
    assert podman("image", "inspect", "--format", "{{.Digest}}", name) == (
        digest_file.read_text()
    )
    layers = podman("image", "inspect", "--format", "{{.RootFS.Layers}}", name)
    assert layers.count("sha256:") == 1


def test_what_podman_pushed_verifies(
    podman: ContainerTool, busybox: Path, estate: Estate, tmp_path: Path
) -> None:
    pushed = podman("pull", f"oci:{busybox}:v1")
    digest_file = tmp_path / "digest"
    podman.over_http(
        *("push", "--digestfile", digest_file, pushed, f"docker://{podman.image}:v1")
    )
    with estate.registry(estate.admin) as registry:
        assert registry.pull(podman.repository, "v1") == digest_file.read_text()


def test_podman_pulls_a_public_image_without_credentials(
    estate: Estate, podman: ContainerTool, busybox: Path, tmp_path: Path
) -> None:
    public = estate.project(visibility="public").path_with_namespace
    pushed = podman("pull", f"oci:{busybox}:v1")
    address = f"{estate.server.host}/{public}/app:v1"
    podman.over_http("push", pushed, f"docker://{address}")
    nobody = tmp_path / "nobody.json"
    nobody.write_text("{}")
    podman("pull", "--tls-verify=false", "--authfile", nobody, address)


def test_podman_login_tells_a_wrong_password_from_a_right_one(
    estate: Estate, podman: ContainerTool, tmp_path: Path
) -> None:
    login = ("login", "--tls-verify=false", "--authfile", tmp_path / "auth.json")
    host = estate.server.host
    podman(*login, "-u", "root", "-p", estate.server.root_token, host)
    with pytest.raises(ProgramFailedError, match="invalid username/password"):
        podman(*login, "-u", "root", "-p", "wrong", host)


def test_buildah_pulls_the_image_that_it_built_and_pushed(
    buildah: ContainerTool, tmp_path: Path
) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(_DOCKERFILE)
    run("cp", "-L", "/bin/busybox", context / "busybox")
    image = f"{buildah.image}:v1"
    buildah("bud", "--isolation=chroot", "-t", image, context)
    buildah.over_http("push", "--digestfile", tmp_path / "digest", image)
    buildah("rmi", "--all", "--force")
    buildah.over_http("pull", image)
    assert buildah("inspect", "--format", "{{.FromImageDigest}}", image) == (
        (tmp_path / "digest").read_text()
    )


@pytest.mark.parametrize("program", ["podman", "buildah"])
def test_an_image_for_two_platforms_is_built_pushed_and_pulled_by_platform(
    estate: Estate, storage: Path, tmp_path: Path, program: str
) -> None:
    tool = ContainerTool(program, storage, estate)
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(_DOCKERFILE)
    run("cp", "-L", "/bin/busybox", context / "busybox")
    image = f"{tool.image}:multi"
    # Without --no-cache the second platform would be given the layers of the first.
    build = ("--no-cache", "--isolation=chroot", "--manifest", image, context)
    for architecture in ("amd64", "arm64"):
        tool("bud" if program == "buildah" else "build", "--arch", architecture, *build)
    push = ("manifest", "push", "--all", "--tls-verify=false")
    tool(*push, "--creds", tool.credentials, image, f"docker://{image}")
    tool("rmi", "--all", "--force")
    with estate.registry(estate.admin) as registry:
        registry.pull(tool.repository, "multi")
        made = registry.manifest(tool.repository, "multi")
    assert made.headers["Content-Type"] == OCI_INDEX
    architectures = [
        one["platform"]["architecture"] for one in made.json()["manifests"]
    ]
    assert architectures == ["amd64", "arm64"]
    tool.over_http("pull", "--arch", "arm64", image)
    shown = json.loads(tool("inspect", "--type", "image", image))
    found = shown["OCIv1"] if isinstance(shown, dict) else shown[0]
    assert (found.get("architecture") or found["Architecture"]) == "arm64"
