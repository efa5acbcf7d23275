import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.domain.digest import Digest, new_hasher
from moorage.domain.errors import DigestInvalidError

SHA256 = "sha256:" + "a" * 64


def test_a_digest_reads_and_writes_the_same() -> None:
    assert str(Digest.parse(SHA256)) == SHA256


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "sha256",
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "sha512:" + "a" * 64,
        "sha257:" + "a" * 64,
        "md5:" + "a" * 32,
        SHA256 + "\n",
        " " + SHA256,
        "sha256:baddigeststring",
        "sha256:" + "²" * 64,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DigestInvalidError):
        Digest.parse(text)


@given(st.text(max_size=100))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        parsed = Digest.parse(text)
    except DigestInvalidError:
        return
    assert str(parsed) == text


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_digest_is_that_of_the_content(algorithm: str) -> None:
    expected = hashlib.new(algorithm, b"content").hexdigest()
    assert str(Digest.of(b"content", algorithm)) == f"{algorithm}:{expected}"


def test_an_unsupported_algorithm_is_refused() -> None:
    with pytest.raises(DigestInvalidError):
        new_hasher("md5")
