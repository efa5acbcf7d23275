"""oras pushes and pulls artifacts that are no images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import oras.client
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from live.estate import Estate

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "in chunks"])
def test_files_come_back_as_they_were_pushed(
    estate: Estate, tmp_path: Path, chunked: bool
) -> None:
    target = f"{estate.server.host}/{estate.project().path_with_namespace}/files:v1"
    content = bytes(range(256)) * 4000
    source = tmp_path / "report.bin"
    source.write_bytes(content)
    # Its token backend keeps its first token, which may only pull, for ever.
    client = oras.client.OrasClient(
        hostname=estate.server.host, insecure=True, auth_backend="basic"
    )
    client.login(
        hostname=estate.server.host,
        username="root",
        password=estate.admin.token,
        config_path=str(tmp_path / "config.json"),
    )
    client.push(
        target=target,
        files=[str(source)],
        disable_path_validation=True,
        do_chunked=chunked,
        chunk_size=300_000,
    )
    assert client.get_tags(target) == ["v1"]
    client.pull(target=target, outdir=str(tmp_path / "pulled"))
    (pulled,) = (tmp_path / "pulled").rglob("report.bin")
    assert pulled.read_bytes() == content
    client.session.close()
