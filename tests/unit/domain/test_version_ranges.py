from __future__ import annotations

import pytest

from moorage.domain.version_ranges import RangeInvalidError, Version, VersionRange


def version(text: str) -> Version:
    found = Version.parse(text)
    assert found is not None
    return found


ORDER = "0.9 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta.2 1.0.0-beta.11"
ORDER += " 1.0.0-rc.1 1.0 v1.0.1 1.2.3 1.2.3.1 1.10 2"


def test_versions_are_ordered_by_precedence() -> None:
    texts = ORDER.split()
    shuffled = [texts[at] for at in (7, 3, 12, 0, 5, 9, 1, 11, 4, 10, 2, 8, 6)]
    assert sorted(shuffled, key=lambda text: version(text).order) == texts


@pytest.mark.parametrize(
    "text", ["", "main", "v", "1.", "1.2.3.4.5", "1_0", "1.0-", "x1"]
)
def test_other_names_are_no_versions(text: str) -> None:
    assert Version.parse(text) is None


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=1.2 <2", "1.2 v1.9.9 1.2.0.1", "1.1 2.0.0-rc.1 2 1.2.0-rc.1"),
        (">1.0", "1.0.1 1.1-rc", "1.0 1.0.0-rc"),
        ("<=1.0", "1.0 1.0-rc 0.9", "1.0.1 1.0.0.1"),
        ("<1.0-rc.2", "1.0-rc.1", "1.0-rc.2 1.0"),
        ("=1.2", "1.2 v1.2.0", "1.2.1 1.2-rc"),
        ("1.2", "1.2.0.0", "1.2.1"),
        ("^1.2", "1.2 1.9", "1.1 2.0 2.0-rc"),
        ("^0.2", "0.2.9", "0.3 0.1"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("~1.2", "1.2 1.2.9", "1.3 1.3-rc"),
        ("~1", "1.9", "2"),
        ("1.x", "1 1.9 1.0-rc", "2.0-rc 0.9"),
        ("1.2.*", "1.2.0-rc 1.2.9", "1.3"),
        ("1.x || >=3, <4", "1.1 3.9", "2 4"),
    ],
)
def test_a_range_holds_what_people_expect(text: str, inside: str, outside: str) -> None:
    wanted = VersionRange.parse(text)
    assert [each for each in inside.split() if not wanted.holds(version(each))] == []
    assert [each for each in outside.split() if wanted.holds(version(each))] == []


@pytest.mark.parametrize(
    "text",
    ["", "x", ">", ">=", "1.2 ||", ">=1.x", "1.2.3.4.x", "=>1", "1 2x", "1" * 300],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(RangeInvalidError):
        VersionRange.parse(text)
