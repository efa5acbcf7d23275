"""The docker command line, with a daemon of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from live.docker import DaemonUnavailableError, Docker, running_docker
from live.images import DOCKER_LIST, DOCKER_MANIFEST, an_image
from live.programs import ProgramFailedError, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from live.estate import Estate

pytestmark = pytest.mark.clients

_DOCKERFILE = """
FROM scratch
COPY busybox /bin/busybox
LABEL made-by={label}
ENTRYPOINT ["/bin/busybox"]
CMD ["echo", "{label}"]
"""


@pytest.fixture(scope="module")
def daemon() -> Iterator[Docker]:
    try:
        with running_docker() as docker:
            yield docker
    except DaemonUnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def docker(daemon: Docker, estate: Estate) -> Iterator[Docker]:
    daemon(*("login", "-u", "root", "-p", estate.admin.token, estate.server.host))
    yield daemon
    daemon("logout", estate.server.host)
    daemon.remove_images()


def build(docker: Docker, folder: Path, image: str, label: str) -> str:
    """Build an image that runs and says its label; return its number."""
    context = folder / label
    context.mkdir()
    (context / "Dockerfile").write_text(_DOCKERFILE.format(label=label))
    run("cp", "-L", "/bin/busybox", context / "busybox")
    docker("build", "--quiet", "--tag", image, context)
    return docker("inspect", "--format", "{{.Id}}", image)


def new_image(estate: Estate, tag: str = "v1") -> tuple[str, str]:
    """Give the path of a new repository, and the name of an image there."""
    path = f"{estate.project().path_with_namespace}/app"
    return path, f"{estate.server.host}/{path}:{tag}"


def test_what_was_built_and_pushed_is_pulled_and_runs(
    docker: Docker, estate: Estate, tmp_path: Path
) -> None:
    path, image = new_image(estate)
    number = build(docker, tmp_path, image, "first")
    docker("push", image)
    docker.remove_images()
    docker("pull", image)
    assert docker("inspect", "--format", "{{.Id}}", image) == number
    assert docker("run", "--rm", "--network=none", image) == "first"
    with estate.registry(estate.admin) as registry:
        digest = registry.pull(path, "v1")
    (shown,) = json.loads(docker("inspect", "--format", "{{json .RepoDigests}}", image))
    assert shown.endswith(f"@{digest}")


def test_an_image_is_pulled_by_its_digest(
    docker: Docker, estate: Estate, tmp_path: Path
) -> None:
    path, image = new_image(estate)
    number = build(docker, tmp_path, image, "digest")
    docker("push", image)
    docker.remove_images()
    with estate.registry(estate.admin) as registry:
        digest = registry.pull(path, "v1")
    by_digest = f"{estate.server.host}/{path}@{digest}"
    docker("pull", by_digest)
    assert docker("inspect", "--format", "{{.Id}}", by_digest) == number


def test_all_tags_are_pushed_and_pulled_at_once(
    docker: Docker, estate: Estate, tmp_path: Path
) -> None:
    path, image = new_image(estate)
    repository = image.removesuffix(":v1")
    build(docker, tmp_path, image, "one")
    build(docker, tmp_path, f"{repository}:v2", "two")
    docker("push", "--all-tags", repository)
    with estate.registry(estate.admin) as registry:
        assert registry.tags(path) == ["v1", "v2"]
    docker.remove_images()
    docker("pull", "--all-tags", repository)
    assert docker("run", "--rm", "--network=none", f"{repository}:v2") == "two"


def test_an_image_goes_to_a_second_repository_by_a_mount(
    docker: Docker, estate: Estate, tmp_path: Path
) -> None:
    _, image = new_image(estate)
    build(docker, tmp_path, image, "mounted")
    docker("push", image)
    _, other = new_image(estate)
    docker("tag", image, other)
    assert "Mounted from" in docker("push", other)
    docker.remove_images()
    docker("pull", other)


def test_an_image_in_the_format_of_the_oci_is_pulled(
    docker: Docker, estate: Estate
) -> None:
    path, image = new_image(estate)
    with estate.registry(estate.admin) as registry:
        digest = registry.push(path, "v1", an_image("oci"))
    assert f"Digest: {digest}" in docker("pull", image)


def test_a_manifest_list_is_made_of_pushed_images(
    docker: Docker, estate: Estate, tmp_path: Path
) -> None:
    path, image = new_image(estate, "multi")
    repository = image.removesuffix(":multi")
    for architecture in ("amd64", "arm64"):
        single = f"{repository}:{architecture}"
        build(docker, tmp_path, single, architecture)
        docker("push", single)
    singles = [f"{repository}:{one}" for one in ("amd64", "arm64")]
    docker("manifest", "create", "--insecure", image, *singles)
    docker("manifest", "annotate", "--arch", "arm64", image, singles[1])
    docker("manifest", "push", "--insecure", "--purge", image)
    with estate.registry(estate.admin) as registry:
        registry.pull(path, "multi")
        made = registry.manifest(path, "multi")
    assert made.headers["Content-Type"] == DOCKER_LIST
    assert [
        (entry["mediaType"], entry["platform"]["architecture"])
        for entry in made.json()["manifests"]
    ] == [(DOCKER_MANIFEST, "amd64"), (DOCKER_MANIFEST, "arm64")]
    docker.remove_images()
    docker("pull", image)
    assert docker("run", "--rm", "--network=none", image) == "amd64"


def test_a_login_is_kept_and_forgotten(docker: Docker, estate: Estate) -> None:
    host = estate.server.host
    assert host in json.loads(docker.client_settings.read_text())["auths"]
    docker("logout", host)
    assert host not in json.loads(docker.client_settings.read_text())["auths"]
    with pytest.raises(ProgramFailedError, match="denied"):
        docker("pull", new_image(estate)[1])


def test_a_wrong_password_is_refused_in_words(docker: Docker, estate: Estate) -> None:
    with pytest.raises(ProgramFailedError, match="unauthorized"):
        docker("login", "-u", "root", "-p", "wrong", estate.server.host)


def test_who_may_only_pull_is_told_that_a_push_is_denied(
    docker: Docker, estate: Estate, tmp_path: Path
) -> None:
    project = estate.project(visibility="public")
    image = f"{estate.server.host}/{project.path_with_namespace}/app:v1"
    build(docker, tmp_path, image, "denied")
    stranger = estate.person()
    docker("login", "-u", stranger.username, "-p", stranger.token, estate.server.host)
    with pytest.raises(ProgramFailedError, match="denied"):
        docker("push", image)
