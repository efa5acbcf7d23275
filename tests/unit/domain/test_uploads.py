import pytest

from moorage.domain.errors import RangeInvalidError, SizeInvalidError
from moorage.domain.uploads import Chunk, UploadSession


def at(offset: int) -> UploadSession:
    return UploadSession("id", 1, "sha256", offset)


def test_a_range_says_where_and_how_much() -> None:
    assert Chunk.parse("10-19", None) == Chunk(10, 10)
    assert Chunk.parse("0-0", 1) == Chunk(0, 1)
    assert Chunk.parse(None, 5) == Chunk(None, 5)


@pytest.mark.parametrize("text", ["", "5", "5-4", "-5", "5-", "a-b", "1-2-3", "²-³"])
def test_a_malformed_range_is_refused(text: str) -> None:
    with pytest.raises(RangeInvalidError):
        Chunk.parse(text, None)


def test_a_range_of_another_length_than_the_body_is_refused() -> None:
    with pytest.raises(SizeInvalidError):
        Chunk.parse("0-9", 9)


@pytest.mark.parametrize("first", [0, 9, 11])
def test_a_gap_a_repeat_and_an_overlap_are_refused(first: int) -> None:
    with pytest.raises(RangeInvalidError) as caught:
        Chunk.parse(f"{first}-20", None).check_follows(at(10))
    assert caught.value.detail == {"offset": 10}


def test_what_follows_and_what_does_not_say_are_accepted() -> None:
    Chunk.parse("10-20", None).check_follows(at(10))
    Chunk.parse(None, None).check_follows(at(10))
