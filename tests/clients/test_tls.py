"""TLS on the listener, with a certificate that the test makes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from live.images import an_image, an_index, write_oci_layout
from live.network import free_port
from live.programs import layout_blobs, run
from live.server import PROGRAM, MoorageServer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.clients


@dataclass(frozen=True)
class Certificate:
    """A certificate for this machine that vouches for itself."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def key(self) -> Path:
        return self.folder / "server.pem"

    @property
    def settings(self) -> dict[str, str]:
        return {
            "MOORAGE_TLS_CERT": str(self.certificate),
            "MOORAGE_TLS_KEY": str(self.key),
        }

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)


class TlsServer(MoorageServer):
    """A server that speaks TLS."""

    def __init__(self, folder: Path, certificate: Certificate) -> None:
        super().__init__(folder, settings=certificate.settings)
        self.url = f"https://{self.host}"
        self.context = certificate.context

    def get(self, path: str) -> httpx.Response:
        return httpx.get(
            f"{self.url}{path}", verify=self.context, trust_env=False, timeout=5
        )

    def _is_ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return self.get("/-/readiness").status_code == httpx.codes.OK
        return False


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    made = Certificate(tmp_path_factory.mktemp("tls"))
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
        *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
        *("-keyout", made.key, "-out", made.certificate),
    )
    return made


@pytest.fixture(scope="module")
def server(certificate: Certificate) -> Iterator[TlsServer]:
    with tempfile.TemporaryDirectory(prefix="moorage-test-") as folder:
        made = TlsServer(Path(folder), certificate)
        made.start()
        yield made
        made.stop()


def test_the_challenge_leads_to_https(server: TlsServer) -> None:
    answer = server.get("/v2/")
    assert answer.status_code == 401
    realm = f'realm="{server.url}/jwt/auth"'
    assert realm in answer.headers["WWW-Authenticate"]


def test_a_client_without_the_certificate_does_not_connect(server: TlsServer) -> None:
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(server.url, trust_env=False)


def test_what_is_older_than_tls_1_2_is_refused(
    server: TlsServer, certificate: Certificate
) -> None:
    def shake_hands(version: ssl.TLSVersion) -> str | None:
        context = certificate.context
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(("127.0.0.1", server.port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            return secure.version()

    assert shake_hands(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert shake_hands(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    with pytest.warns(match="TLSv1_1"), pytest.raises(ssl.SSLError) as no:
        shake_hands(ssl.TLSVersion.TLSv1_1)
    # It is the server that refuses.
    assert "ALERT" in no.value.reason


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("path", ["/v2/root/app/blobs/uploads/", "/api/v4/x", "/x"])
def test_a_refusal_is_read_before_the_body_is_sent(
    server: TlsServer, certificate: Certificate, tmp_path: Path, path: str, version: str
) -> None:
    (tmp_path / "body").write_bytes(bytes(3 << 20))
    command = ("curl", "-sS", version, "--cacert", certificate.certificate)
    for body in (tmp_path / "body", "/etc/hostname"):
        told = run(
            *(*command, "--data-binary", f"@{body}", "-o", tmp_path / "answer"),
            *("-w", "%{http_version} %{http_code}", server.url + path),
        )
        assert told.startswith(version.removeprefix("--http"))
        assert told.endswith((" 401", " 404"))


def test_skopeo_pushes_and_pulls(
    server: TlsServer, certificate: Certificate, tmp_path: Path
) -> None:
    index = an_index(an_image("one"), an_image("two", architecture="arm64"))
    layout, back = tmp_path / "there", tmp_path / "back"
    write_oci_layout(layout, "v1", index)
    address = f"docker://{server.host}/root/tls/app:v1"
    credentials = f"root:{server.root_token}"
    copy = ("skopeo", "--insecure-policy", "copy", "--all")
    run(
        *(*copy, "--dest-cert-dir", certificate.folder),
        *("--dest-creds", credentials, f"oci:{layout}:v1", address),
    )
    run(
        *(*copy, "--src-cert-dir", certificate.folder),
        *("--src-creds", credentials, address, f"oci:{back}:v1"),
    )
    assert layout_blobs(back) == layout_blobs(layout)


def test_a_start_without_a_usable_certificate_is_one_sentence(
    certificate: Certificate, tmp_path: Path
) -> None:
    other = {**certificate.settings, "MOORAGE_TLS_CERT": str(tmp_path / "none.crt")}
    done = subprocess.run(
        [PROGRAM, "serve"],
        cwd=tmp_path,
        env={**other, "MOORAGE_LISTEN": f"127.0.0.1:{free_port()}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"MOORAGE_TLS_CERT is '{tmp_path / 'none.crt'}', but must be a file that can "
        "be read (No such file or directory).\n"
    )
