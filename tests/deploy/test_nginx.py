"""nginx before a server: downloads through it, and straight from the object store."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from conftest import running_server
from live.images import an_image, digest_of
from live.nginx import Nginx
from live.registry import RegistryClient
from live.s3 import S3Server, storage_url
from live.server import MoorageServer

pytestmark = [
    pytest.mark.clients,
    pytest.mark.parametrize("s3_server", ["moto"], indirect=True, scope="module"),
]

REPOSITORY = "root/behind/nginx"
LAYER = bytes(range(256)) * 8192
PATH = f"/v2/{REPOSITORY}/blobs/{digest_of(LAYER)}"


@pytest.fixture(scope="module")
def s3_place(s3_server: S3Server) -> str:
    return storage_url(s3_server)


@pytest.fixture(scope="module", params=["proxied.conf", "offloaded.conf"])
def site(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def behind(s3_place: str, site: str) -> Iterator[tuple[MoorageServer, Nginx]]:
    settings = {
        "MOORAGE_STORAGE_URL": s3_place,
        "MOORAGE_WORKERS": "1",
        "MOORAGE_TRUSTED_PROXIES": "127.0.0.0/8",
        "MOORAGE_REDIRECT_DOWNLOADS": "true" if site == "offloaded.conf" else "false",
    }
    with running_server(None, settings) as server:
        nginx = Nginx(site, [server.host])
        try:
            nginx.start()
            yield server, nginx
        finally:
            nginx.stop()


@pytest.fixture
def client(behind: tuple[MoorageServer, Nginx]) -> Iterator[RegistryClient]:
    server, nginx = behind
    with RegistryClient(nginx.url, "root", server.root_token) as made:
        yield made


def test_an_image_is_pushed_and_pulled(client: RegistryClient) -> None:
    image = an_image(layers=[LAYER])
    client.push(REPOSITORY, "v1", image)
    assert client.pull(REPOSITORY, "v1") == image.digest


def test_a_client_sees_one_answer_whoever_it_comes_from(client: RegistryClient) -> None:
    client.push_blob(REPOSITORY, LAYER)
    answer = client.blob(REPOSITORY, digest_of(LAYER))
    assert (answer.status_code, answer.content) == (200, LAYER)
    assert answer.headers["Docker-Content-Digest"] == digest_of(LAYER)
    headers = client.authorization(REPOSITORY, "pull")
    part = client.http.get(PATH, headers={**headers, "Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, LAYER[1:4])


def test_nobody_gets_a_blob_without_asking_the_registry(
    behind: tuple[MoorageServer, Nginx],
) -> None:
    answer = httpx.get(f"{behind[1].url}{PATH}", trust_env=False)
    assert answer.status_code == 401
    assert behind[1].url in answer.headers["WWW-Authenticate"]


def test_encoded_slashes_arrive(behind: tuple[MoorageServer, Nginx]) -> None:
    server, nginx = behind
    answer = httpx.get(
        f"{nginx.url}/api/v4/projects/root%2Fbehind",
        headers={"PRIVATE-TOKEN": server.root_token},
        trust_env=False,
    )
    assert answer.json()["path_with_namespace"] == "root/behind"
