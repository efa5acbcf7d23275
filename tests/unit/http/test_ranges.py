import pytest

from moorage.domain.errors import RangeInvalidError
from moorage.http.ranges import parse_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=500-1499", (500, 1000)),
        ("bytes=500-", (500, 1548)),
        ("bytes=-500", (1548, 500)),
        ("bytes=2000-5000", (2000, 48)),
        ("bytes=0-0", (0, 1)),
        ("bytes=-5000", (0, 2048)),
        ("bytes=0-1,5-6", None),
        ("lines=1-2", None),
        ("bytes=a-b", None),
        ("bytes=-", None),
    ],
)
def test_cases_of_the_conformance_suite_and_beyond(
    header: str | None, expected: tuple[int, int] | None
) -> None:
    assert parse_range(header, 2048) == expected


@pytest.mark.parametrize("header", ["bytes=500-0", "bytes=5000-10000", "bytes=-0"])
def test_a_range_without_bytes_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(RangeInvalidError) as caught:
        parse_range(header, 2048)
    assert caught.value.detail == {"size": 2048}


@pytest.mark.parametrize("header", ["bytes=0-0", "bytes=0-", "bytes=-5"])
def test_no_range_of_nothing_can_be_satisfied(header: str) -> None:
    with pytest.raises(RangeInvalidError):
        parse_range(header, 0)


def test_numbers_may_be_huge_and_units_in_any_case() -> None:
    assert parse_range("BYTES=0-1", 2048) == (0, 2)
    with pytest.raises(RangeInvalidError):
        parse_range(f"bytes={'9' * 23}-", 2048)
    assert parse_range(f"bytes=0-{'9' * 40}", 2048) == (0, 2048)
