"""nginx before a server: downloads through it, from the object store, and of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from email.utils import formatdate
from http.client import HTTPConnection

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
DIGEST = digest_of(LAYER)
PATH = f"/v2/{REPOSITORY}/blobs/{DIGEST}"

SETTINGS = {
    "proxied.conf": {},
    "offloaded.conf": {"MOORAGE_REDIRECT_DOWNLOADS": "true"},
    "files.conf": {"MOORAGE_ACCEL_REDIRECT": "/moorage-files"},
}

SECONDS = 1_700_000_000
STORED = formatdate(SECONDS, usegmt=True)
LONG_AGO = formatdate(0, usegmt=True)

not_offloaded, with_files = (
    pytest.mark.parametrize("site", sites, indirect=True, scope="module")
    for sites in (["proxied.conf", "files.conf"], ["files.conf"])
)

CONNECTION = {"connection", "date", "server"}


@pytest.fixture(scope="module")
def s3_place(s3_server: S3Server) -> str:
    return storage_url(s3_server)


@pytest.fixture(scope="module", params=SETTINGS)
def site(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def behind(s3_place: str, site: str) -> Iterator[tuple[MoorageServer, Nginx]]:
    settings = {
        "MOORAGE_WORKERS": "1",
        "MOORAGE_TRUSTED_PROXIES": "127.0.0.1",
        **({} if site == "files.conf" else {"MOORAGE_STORAGE_URL": s3_place}),
        **SETTINGS[site],
    }
    with running_server(None, settings) as server:
        nginx = Nginx(site, [server.host], blobs=server.data_dir / "blobs")
        try:
            nginx.start()
            with server.registry() as client:
                client.push_blob(REPOSITORY, LAYER)
            for file in server.data_dir.glob("blobs/sha256/*/*"):
                os.utime(file, (SECONDS, SECONDS))
            yield server, nginx
        finally:
            nginx.stop()


@pytest.fixture
def client(behind: tuple[MoorageServer, Nginx]) -> Iterator[RegistryClient]:
    server, nginx = behind
    with RegistryClient(nginx.url, "root", server.root_token) as made:
        yield made


def connect(server: MoorageServer, address: str) -> httpx.Client:
    """Go past nginx, from an address of one's own."""
    return httpx.Client(
        base_url=server.url,
        auth=("root", server.root_token),
        transport=httpx.HTTPTransport(local_address=address),
    )


def test_an_image_is_pushed_and_pulled(client: RegistryClient) -> None:
    image = an_image(layers=[LAYER])
    client.push(REPOSITORY, "v1", image)
    assert client.pull(REPOSITORY, "v1") == image.digest


@pytest.mark.parametrize(
    ("headers", "status", "content"),
    [
        ({}, 200, LAYER),
        ({"Range": "bytes=0-9"}, 206, LAYER[:10]),
        ({"Range": "bytes=500-1500000"}, 206, LAYER[500:1500001]),
        ({"Range": "bytes=-5"}, 206, LAYER[-5:]),
        ({"If-None-Match": f'"{DIGEST}"'}, 304, b""),
    ],
)
def test_a_client_sees_one_answer_whoever_it_comes_from(
    client: RegistryClient, headers: dict[str, str], status: int, content: bytes
) -> None:
    asked = {**headers, **client.authorization(REPOSITORY, "pull")}
    answer = client.http.get(PATH, headers=asked)
    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers["Docker-Content-Digest"] == DIGEST


@not_offloaded
def test_a_range_beyond_the_end_is_refused(client: RegistryClient) -> None:
    asked = {"Range": f"bytes={len(LAYER)}-"}
    answer = client.http.get(
        PATH, headers={**asked, **client.authorization(REPOSITORY, "pull")}
    )
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(LAYER)}"


@not_offloaded
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {}),
        ("HEAD", {}),
        ("GET", {"Range": "bytes=1-3"}),
        ("GET", {"Range": "bytes=0-1, 4-5"}),
        ("GET", {"Range": "bytes=1-3", "If-Range": f'"{DIGEST}"'}),
        ("GET", {"Range": "bytes=1-3", "If-Range": '"x"'}),
        ("GET", {"Range": "bytes=1-3", "If-Range": STORED}),
        ("GET", {"Range": "bytes=1-3", "If-None-Match": '"x"'}),
        ("GET", {"If-Match": f'"{DIGEST}"'}),
        ("GET", {"If-Unmodified-Since": LONG_AGO}),
        ("GET", {"If-Modified-Since": STORED}),
    ],
)
def test_the_answer_is_that_of_the_server(
    behind: tuple[MoorageServer, Nginx],
    client: RegistryClient,
    method: str,
    headers: dict[str, str],
) -> None:
    asked = {**headers, **client.authorization(REPOSITORY, "pull")}
    answer = client.http.request(method, PATH, headers=asked)
    with connect(behind[0], "127.0.0.2") as stranger:
        expected = stranger.request(method, PATH, headers=headers)
    assert expected.content or method == "HEAD"
    assert shown(answer) == shown(expected)


def shown(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    headers = {k: v for k, v in answer.headers.items() if k not in CONNECTION}
    if answer.status_code == 206:
        # Whoever has a part knows it; nginx says it with the whole only.
        headers.pop("accept-ranges", None)
    return answer.status_code, answer.content, headers


@with_files
def test_the_server_sends_nginx_no_bytes(behind: tuple[MoorageServer, Nginx]) -> None:
    with connect(behind[0], "127.0.0.1") as trusted:
        answer = trusted.get(PATH)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["X-Accel-Redirect"].startswith("/moorage-files/sha256/")


@with_files
def test_nobody_reaches_the_files_by_themselves(
    behind: tuple[MoorageServer, Nginx],
) -> None:
    server, nginx = behind
    with connect(server, "127.0.0.1") as trusted:
        path = trusted.get(PATH).headers["X-Accel-Redirect"]
    connection = HTTPConnection("127.0.0.1", nginx.port)
    # As they are: other clients would tidy them up.
    for spelt in (path, f"/{path}", f"/%6D{path[2:]}", f"/v2/..{path}", path[:15]):
        connection.request("GET", spelt, headers={"X-Accel-Redirect": path})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 404
    connection.close()


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
