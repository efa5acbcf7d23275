"""Images of very many layers, and of a layer without a byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from live.images import a_layer, an_image, an_index, write_oci_layout
from live.programs import layout_blobs, run

if TYPE_CHECKING:
    from pathlib import Path

    from live.estate import Estate
    from live.images import Index

pytestmark = pytest.mark.clients

LAYERS = 300


def there_and_back(estate: Estate, folder: Path, index: Index) -> None:
    """Let skopeo copy an image to the registry and back, and compare every byte."""
    there, back = folder / "there", folder / "back"
    write_oci_layout(there, "v1", index)
    address = f"docker://{estate.server.host}/{estate.project().path_with_namespace}"
    credentials = f"root:{estate.server.root_token}"
    copy = ("skopeo", "--insecure-policy", "copy", "--all", "--preserve-digests")
    run(
        *(*copy, "--dest-tls-verify=false", "--dest-creds", credentials),
        *(f"oci:{there}:v1", f"{address}:v1"),
    )
    run(
        *(*copy, "--src-tls-verify=false", "--src-creds", credentials),
        *(f"{address}:v1", f"oci:{back}:v1"),
    )
    assert layout_blobs(back) == layout_blobs(there)


def test_an_image_of_300_layers_comes_back_byte_for_byte(
    estate: Estate, tmp_path: Path
) -> None:
    layers = [a_layer(f"layer {number}") for number in range(LAYERS)]
    there_and_back(estate, tmp_path, an_index(an_image("many", layers=layers)))


def test_a_layer_without_a_byte_comes_back(estate: Estate, tmp_path: Path) -> None:
    layers = [a_layer("before"), b"", a_layer("after")]
    there_and_back(estate, tmp_path, an_index(an_image("nothing", layers=layers)))


def test_a_layer_without_a_byte_is_pushed_in_steps_and_pulled(estate: Estate) -> None:
    path = estate.project().path_with_namespace
    image = an_image("nothing at all", layers=[b""])
    with estate.registry(estate.admin) as registry:
        assert registry.push(path, "v1", image) == registry.pull(path, "v1")
