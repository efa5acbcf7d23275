from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.domain.cleanup import (
    BulkDelete,
    Decision,
    Rule,
    TagFacts,
    plan,
    warnings,
)
from moorage.domain.digest import Digest
from moorage.domain.patterns import Pattern

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def a_tag(name: str, age: timedelta = HOUR, content: bytes | None = None) -> TagFacts:
    digest = Digest.of(name.encode() if content is None else content)
    return TagFacts(name, digest, NOW - age, NOW - age, 1000)


def rules(
    delete: str = ".*",
    keep: str | None = None,
    keep_n: int = 0,
    older_than: timedelta | None = None,
) -> BulkDelete:
    kept = None if keep is None else Pattern.parse(keep)
    return BulkDelete(Pattern.parse(delete), kept, keep_n, older_than)


def deleted(tags: list[TagFacts], bulk_delete: BulkDelete) -> list[str]:
    return [choice.tag.name for choice in plan(tags, bulk_delete, NOW) if choice.delete]


def only(tag: TagFacts, bulk_delete: BulkDelete) -> Decision:
    [decision] = plan([tag], bulk_delete, NOW)
    return decision


def test_a_hold_goes_before_every_other_rule() -> None:
    held = a_tag("v1")._replace(hold="Production runs it.")
    decision = only(held, rules(keep="v1"))
    assert (decision.rule, decision.delete) == (Rule.HOLD, False)
    assert decision.reason == "It is held: Production runs it."


def test_a_held_tag_does_not_use_up_a_place_of_keep_n() -> None:
    held = a_tag("v3")._replace(hold="Production runs it.")
    tags = [held, a_tag("v2", 2 * HOUR), a_tag("v1", 3 * HOUR)]
    assert deleted(tags, rules(keep_n=1)) == ["v1"]


# GitLab's own vectors. There D and E have no date and count as newest but never as
# old; here every tag has a date, so they are the youngest by a minute and a second.
VECTOR_TAGS = [
    a_tag("latest", HOUR),
    a_tag("A", HOUR),
    a_tag("Ba", 5 * DAY),
    a_tag("Bb", 6 * DAY),
    a_tag("C", 30 * DAY),
    a_tag("D", timedelta(minutes=1)),
    a_tag("E", timedelta(seconds=1)),
]


@pytest.mark.parametrize(
    ("bulk_delete", "expected"),
    [
        (rules(), "A Ba Bb C D E"),
        (rules(keep="B.*"), "A C D E"),
        (rules("A|B.*|C", keep_n=1), "Ba Bb C"),
        (rules("A|B.*|C"), "A Ba Bb C"),
        (rules(keep_n=3), "Ba Bb C"),
        (rules(older_than=DAY), "Ba Bb C"),
        (rules(keep_n=1, older_than=DAY), "Ba Bb C"),
        (rules(keep=".*"), ""),
    ],
)
def test_the_vectors_of_gitlab_hold(bulk_delete: BulkDelete, expected: str) -> None:
    assert sorted(deleted(VECTOR_TAGS, bulk_delete)) == expected.split()


def test_alternatives_are_grouped_where_gitlab_would_delete_more() -> None:
    tags = [a_tag("A-release"), a_tag("x-B-y"), a_tag("not-C"), a_tag("A")]
    assert deleted(tags, rules("A|B.*|C")) == ["A"]


def test_latest_is_never_deleted_and_uses_up_no_place_of_keep_n() -> None:
    tags = [a_tag("latest"), a_tag("v2", 2 * HOUR), a_tag("v1", 3 * HOUR)]
    assert deleted(tags, rules(keep_n=1)) == ["v1"]
    assert only(a_tag("latest"), rules("latest")).rule is Rule.LATEST


def test_latest_is_spared_in_exactly_this_spelling() -> None:
    assert deleted([a_tag("Latest")], rules()) == ["Latest"]


def test_a_kept_tag_does_not_use_up_a_place_of_keep_n() -> None:
    tags = [a_tag("stable"), a_tag("v2", 2 * HOUR), a_tag("v1", 3 * HOUR)]
    assert deleted(tags, rules(keep="stable", keep_n=1)) == ["v1"]


def test_a_tag_that_does_not_match_uses_up_no_place_of_keep_n() -> None:
    tags = [a_tag("main"), a_tag("v2", 2 * HOUR), a_tag("v1", 3 * HOUR)]
    assert deleted(tags, rules("v.*", keep_n=1)) == ["v1"]


def test_an_empty_delete_pattern_deletes_nothing() -> None:
    assert deleted(VECTOR_TAGS, rules("")) == []


def test_an_empty_keep_pattern_keeps_nothing() -> None:
    assert deleted([a_tag("v1")], rules(keep="")) == ["v1"]


def test_keep_n_beyond_the_matches_deletes_nothing() -> None:
    assert deleted(VECTOR_TAGS, rules(keep_n=100)) == []


def test_a_negative_keep_n_acts_as_zero() -> None:
    assert deleted([a_tag("v1")], rules(keep_n=-5)) == ["v1"]


def test_of_equal_dates_the_greater_name_is_newer() -> None:
    tags = [a_tag("b"), a_tag("c"), a_tag("a")]
    assert deleted(tags, rules(keep_n=1)) == ["b", "a"]


def test_keep_n_counts_over_the_whole_repository() -> None:
    tags = [a_tag(f"v{number}", number * HOUR) for number in range(2500)]
    assert len(deleted(tags, rules(keep_n=5))) == 2495


def test_keep_n_goes_before_older_than() -> None:
    tags = [a_tag("young"), a_tag("old", 9 * DAY), a_tag("older", 10 * DAY)]
    assert deleted(tags, rules(keep_n=2, older_than=DAY)) == ["older"]


def test_an_old_tag_is_kept_by_rank_and_a_young_one_by_age() -> None:
    tags = [a_tag("newest", 9 * DAY), a_tag("second", 10 * DAY)]
    by_rank, gone = plan(tags, rules(keep_n=1, older_than=DAY), NOW)
    assert (by_rank.rule, gone.rule) == (Rule.KEEP_N, Rule.DELETE)
    assert only(a_tag("young"), rules(older_than=DAY)).rule is Rule.OLDER_THAN


def test_older_means_strictly_earlier() -> None:
    microsecond = timedelta(microseconds=1)
    assert not only(a_tag("v1", DAY), rules(older_than=DAY)).delete
    assert only(a_tag("v1", DAY + microsecond), rules(older_than=DAY)).delete


def test_a_duration_beyond_the_calendar_keeps_everything() -> None:
    assert deleted([a_tag("v1", 9 * DAY)], rules(older_than=timedelta.max)) == []


def test_tags_of_one_manifest_are_decided_each_on_its_own() -> None:
    tags = [a_tag(name, content=b"same") for name in ("foo", "bar", "latest")]
    assert deleted(tags, rules("foo")) == ["foo"]


@pytest.mark.parametrize(
    ("name", "bulk_delete", "rule", "reason"),
    [
        ("latest", rules(), "latest", "The tag latest is never deleted."),
        (
            "v1",
            rules("w.*"),
            "unmatched",
            "Its name does not match the delete pattern.",
        ),
        ("v1", rules(keep="v.*"), "keep", "Its name matches the keep pattern."),
        ("v1", rules(keep_n=3), "keep_n", "It is number 1 of the 3 newest."),
        (
            "v1",
            rules(older_than=DAY),
            "older_than",
            "It was not created before 2026-02-28T12:00:00+00:00.",
        ),
        ("v1", rules(), "delete", "Its name matches the delete pattern."),
    ],
)
def test_every_decision_names_its_rule_and_gives_a_sentence(
    name: str, bulk_delete: BulkDelete, rule: str, reason: str
) -> None:
    decision = only(a_tag(name), bulk_delete)
    assert (decision.rule, decision.reason) == (rule, reason)


def test_the_reason_of_a_deletion_tells_all_that_let_it_happen() -> None:
    tags = [a_tag("v2", 8 * DAY), a_tag("v1", 9 * DAY)]
    *_, gone = plan(tags, rules(keep_n=1, older_than=DAY), NOW)
    assert gone.reason == (
        "Its name matches the delete pattern, it is not among the 1 newest, "
        "it was created before 2026-02-28T12:00:00+00:00."
    )


def test_ordinary_rules_give_no_warning() -> None:
    assert warnings(rules("(?:v1|v2)", keep="stable", keep_n=5, older_than=DAY)) == []


def test_alternatives_in_either_pattern_give_a_warning() -> None:
    on_delete, on_keep = warnings(rules("v1|v2", keep="main|stable"))
    assert on_delete.startswith("The delete pattern 'v1|v2' has alternatives")
    assert on_keep.startswith("The keep pattern 'main|stable' has alternatives")


def test_rules_that_cannot_work_as_written_give_a_warning() -> None:
    assert warnings(rules("", keep_n=-1)) == [
        "The delete pattern is empty: it matches no tag.",
        "keep_n is -1: it acts as 0.",
    ]


def test_a_hundred_thousand_tags_are_planned_quickly() -> None:
    dice = random.Random(1)  # noqa: S311  no secrets here
    tags = [
        a_tag(f"build-{number}", dice.randrange(10**7) * timedelta(seconds=1))
        for number in range(100_000)
    ]
    bulk_delete = rules("build-.*", "build-.*0", keep_n=10, older_than=30 * DAY)
    started = time.process_time()
    plan(tags, bulk_delete, NOW)
    assert time.process_time() - started < 1.5


TAGS = st.lists(
    st.builds(
        a_tag,
        st.sampled_from(["latest", "main", *"abcdefgh", "v1", "v2", "v3"]),
        st.integers(0, 5).map(lambda days: days * DAY),
        st.sampled_from([None, b"same"]),
    ),
    unique_by=lambda tag: tag.name,
)
RULES = st.builds(
    rules,
    st.sampled_from([".*", "v.*", "[a-f]", "", "main|v1"]),
    st.sampled_from([None, "v1", "[a-c]|main", ""]),
    st.integers(-1, 4),
    st.sampled_from([None, DAY, 3 * DAY]),
)


@given(TAGS, RULES)
def test_every_tag_gets_one_decision_newest_first(
    tags: list[TagFacts], bulk_delete: BulkDelete
) -> None:
    planned = [decision.tag for decision in plan(tags, bulk_delete, NOW)]
    ranked = sorted(tags, key=lambda tag: (tag.created_at, tag.name), reverse=True)
    assert planned == ranked


@given(TAGS, RULES, st.randoms())
def test_the_order_of_the_tags_does_not_matter(
    tags: list[TagFacts], bulk_delete: BulkDelete, dice: random.Random
) -> None:
    before = plan(tags, bulk_delete, NOW)
    dice.shuffle(tags)
    assert plan(iter(tags), bulk_delete, NOW) == before


@given(TAGS, RULES)
def test_what_is_deleted_satisfies_every_rule(
    tags: list[TagFacts], bulk_delete: BulkDelete
) -> None:
    for tag in (choice.tag for choice in plan(tags, bulk_delete, NOW) if choice.delete):
        assert tag.name != "latest"
        assert bulk_delete.delete.matches(tag.name)
        assert bulk_delete.keep is None or not bulk_delete.keep.matches(tag.name)
        assert (
            bulk_delete.older_than is None
            or NOW - tag.created_at > bulk_delete.older_than
        )


@given(TAGS, st.integers(0, 5))
def test_exactly_keep_n_survive_beside_latest(
    tags: list[TagFacts], keep_n: int
) -> None:
    others = [tag for tag in tags if tag.name != "latest"]
    survivors = len(others) - len(deleted(tags, rules(keep_n=keep_n)))
    assert survivors == min(keep_n, len(others))


@given(TAGS, RULES)
def test_a_second_run_of_the_same_rules_deletes_nothing(
    tags: list[TagFacts], bulk_delete: BulkDelete
) -> None:
    gone = deleted(tags, bulk_delete)
    left = [tag for tag in tags if tag.name not in gone]
    assert deleted(left, bulk_delete) == []
