import pytest

from moorage.domain.digest import Digest
from moorage.domain.errors import (
    DigestInvalidError,
    NameInvalidError,
    TagInvalidError,
)
from moorage.domain.names import RepositoryName, TagName, parse_reference


@pytest.mark.parametrize(
    "name",
    ["a", "a/b", "a.b/c_d/e__f/g-h/i---j", "0/1", "a/blobs/uploads", "x" * 255],
)
def test_names_of_the_specification_are_accepted(name: str) -> None:
    assert RepositoryName.parse(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "A",
        "a..b",
        "a___b",
        "a._b",
        "-a",
        "a-",
        "a b",
        "a\n",
        "ä",
        "_catalog",
        "x" * 256,
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(NameInvalidError):
        RepositoryName.parse(name)


@pytest.mark.parametrize("tag", ["latest", "V1.0", "_x", "a" * 128, "1-2.3_4"])
def test_tags_of_the_specification_are_accepted(tag: str) -> None:
    assert TagName.parse(tag) == tag


@pytest.mark.parametrize("tag", ["", ".a", "-a", "a" * 129, "a b", "a/b", "a\n", "ä"])
def test_other_tags_are_refused(tag: str) -> None:
    with pytest.raises(TagInvalidError):
        TagName.parse(tag)


def test_a_colon_makes_a_reference_a_digest() -> None:
    digest = "sha256:" + "0" * 64
    assert parse_reference(digest) == Digest.parse(digest)
    assert parse_reference("latest") == TagName("latest")
    with pytest.raises(DigestInvalidError):
        parse_reference("sha256:no")
