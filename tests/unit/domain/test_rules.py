from __future__ import annotations

import re
import time
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.rule_documents import DOCUMENTS, NOW, TAGS, a_bulk_delete
from moorage.domain.cleanup import Decision, Rule, TagFacts, Traits, plan
from moorage.domain.digest import Digest
from moorage.domain.protection import ProtectionRule, RuleKind, TagGuard
from moorage.domain.rules import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_RULES,
    RuleSet,
    RulesInvalidError,
    Sparing,
)

DAY = timedelta(days=1)


def a_tag(name: str, age: timedelta = DAY, **facts: Any) -> TagFacts:
    digest = Digest.of(name.encode())
    return TagFacts(name, digest, NOW - age, NOW - age, 1000)._replace(**facts)


def decided(tags: list[TagFacts], **document: Any) -> dict[str, Decision]:
    found = plan(tags, RuleSet.parse(document), NOW)
    return {decision.tag.name: decision for decision in found}


def chosen(tags: list[TagFacts], **when: Any) -> list[str]:
    """Return the names of tags for which a condition holds, in order."""
    found = decided(tags, delete=[{"when": when}])
    return sorted(name for name, decision in found.items() if decision.delete)


def named(*names: str) -> list[TagFacts]:
    """Return tags, each a day older than the one before."""
    return [a_tag(name, number * DAY) for number, name in enumerate(names, 1)]


def complaint(document: object) -> str:
    with pytest.raises(RulesInvalidError) as raised:
        RuleSet.parse(document)
    return str(raised.value)


# What conditions mean


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"name": "v1|v2"}, ["v1", "v2"]),
        ({"name": "v"}, []),
        ({"glob": "v?"}, ["v1", "v2"]),
        ({"glob": "v[!1]"}, ["v2"]),
        ({"glob": "v.*"}, []),
        ({"glob": "v*", "name": ".*-rc"}, ["v2-rc"]),
        ({"any": [{"name": "v1"}, {"name": "main"}]}, ["main", "v1"]),
        ({"all": [{"glob": "v*"}, {"not": {"name": "v1"}}]}, ["v2", "v2-rc"]),
        ({"version": ">=1 <2"}, ["v1"]),
        ({"version": ">=1"}, ["v1", "v2", "v2-rc"]),
        ({"pre_release": True}, ["v2-rc"]),
        ({"pre_release": False}, ["v1", "v2"]),
    ],
)
def test_names_and_versions(when: dict[str, Any], expected: list[str]) -> None:
    assert chosen(named("v1", "v2", "v2-rc", "main"), **when) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"older_than": "10d"}, ["new-push"]),
        ({"pushed_older_than": "10d"}, []),
        ({"pulled_older_than": "1d"}, ["rare"]),
        ({"never_pulled": True}, ["new-push"]),
        ({"never_pulled": False}, ["rare", "used"]),
        ({"unused_for": "1d"}, ["rare"]),
        ({"larger_than": 1000}, ["used"]),
    ],
)
def test_ages_and_sizes(when: dict[str, Any], expected: list[str]) -> None:
    tags = [
        a_tag("new-push", 20 * DAY, pushed_at=NOW),
        a_tag("used", 5 * DAY, last_pulled_at=NOW, total_size=1001),
        a_tag("rare", 5 * DAY, last_pulled_at=NOW - 3 * DAY),
    ]
    assert chosen(tags, **when) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"platform": "linux/arm64*"}, ["arm"]),
        ({"label": "team"}, ["arm", "plain"]),
        ({"label": {"name": "team", "value": "blue*"}}, ["arm"]),
        ({"label": {"name": "team", "value": "blue"}}, []),
        ({"referred": True}, ["plain"]),
        ({"referred": False}, ["arm", "nothing"]),
    ],
)
def test_what_images_are(when: dict[str, Any], expected: list[str]) -> None:
    arm = Traits(("linux/arm64/v8",), {"team": "blue-1"})
    tags = [
        a_tag("arm", traits=arm),
        a_tag("plain", traits=Traits(("linux/amd64",), {"team": "red"}, referred=True)),
        a_tag("nothing"),
    ]
    assert RuleSet.parse({"delete": [{"when": when}]}).needs_traits
    assert chosen(tags, **when) == expected


@pytest.mark.parametrize(
    ("label", "lifetime", "gone"),
    [
        ("org.moorage.expires-after", "4d", True),
        ("org.moorage.expires-after", "5d", False),
        ("quay.expires-after", "1h", True),
        ("org.moorage.expires-after", "soon", False),
        ("other", "1h", False),
    ],
)
def test_a_lifetime_counts_from_the_push(
    label: str, lifetime: str, *, gone: bool
) -> None:
    traits = Traits(labels={label: lifetime})
    tag = a_tag("v1", 50 * DAY, pushed_at=NOW - 5 * DAY, traits=traits)
    assert chosen([tag], expired=True) == (["v1"] if gone else [])


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        (2, ["feature-a-1", "feature-b-7"]),
        ({"count": 1, "per": "(feature-[a-z]+)-.*"}, ["feature-a-1", "feature-b-7"]),
        (
            {"count": 9, "per": "(feature-[a-z]+)-.*", "of": {"glob": "*2"}},
            ["feature-a-2"],
        ),
        ({"count": 1, "per": "minor", "by": "version"}, ["1.3.0", "v1.2.10"]),
        ({"count": 1, "per": "major", "by": "version"}, ["1.3.0"]),
        ({"count": 1, "by": "version"}, ["1.3.0"]),
    ],
)
def test_the_newest_are_counted(newest: Any, expected: list[str]) -> None:
    tags = named(
        "feature-b-7", "feature-a-1", "feature-a-2", "1.2.9", "v1.2.10", "1.3.0"
    )
    assert chosen(tags, newest=newest) == expected


def test_the_newest_may_be_those_pushed_last() -> None:
    tags = [a_tag("old", 9 * DAY, pushed_at=NOW), a_tag("new")]
    assert chosen(tags, newest={"count": 1, "by": "pushed"}) == ["old"]


# Precedence


def test_keep_beats_delete_and_says_which_rule() -> None:
    found = decided(
        named("v1", "v2", "main"),
        keep=[{"name": "ones", "when": {"name": "v1"}}],
        delete=[{"name": "all versions", "when": {"glob": "v*"}}],
    )
    assert [found[name].rule for name in ("v1", "v2", "main")] == [
        Rule.KEEP,
        Rule.DELETE,
        Rule.UNMATCHED,
    ]
    assert found["v1"].reason == "The rule \"ones\" keeps it: its name matches 'v1'."
    assert found["v2"].reason == (
        "The rule \"all versions\" deletes it: its name matches 'v*'."
    )


def test_what_is_exempt_takes_up_no_place_of_the_newest() -> None:
    immutable = ProtectionRule(
        kind=RuleKind.TAG,
        pattern="^fixed$",
        immutable=True,
        id=1,
        project_id=1,
        created_at=NOW,
    )
    tags = [a_tag("held", hold="Production runs it."), *named("latest", "fixed", "b")]
    tags += [a_tag("a", 9 * DAY)]
    rules = RuleSet.parse({"delete": [{"when": {"not": {"newest": 1}}}]})
    found = plan(tags, rules, NOW, TagGuard([immutable]))
    assert {each.tag.name: each.rule for each in found} == {
        "held": Rule.HOLD,
        "latest": Rule.LATEST,
        "fixed": Rule.IMMUTABLE,
        "b": Rule.UNMATCHED,
        "a": Rule.DELETE,
    }


# Laws


@given(DOCUMENTS, TAGS)
def test_a_random_document_never_deletes_what_it_keeps(
    document: dict[str, Any], tags: list[TagFacts]
) -> None:
    kept = RuleSet.parse({"keep": document["keep"]})
    safe = {each.tag.name for each in plan(tags, kept, NOW) if each.rule is Rule.KEEP}
    gone = {
        each.tag.name
        for each in plan(tags, RuleSet.parse(document), NOW)
        if each.delete
    }
    assert not gone & (safe | {"latest"})


@given(DOCUMENTS, TAGS)
def test_the_order_of_tags_does_not_matter(
    document: dict[str, Any], tags: list[TagFacts]
) -> None:
    rules = RuleSet.parse(document)
    assert plan(tags, rules, NOW) == plan(tags[::-1], rules, NOW)


@given(DOCUMENTS, TAGS)
def test_more_rules_that_keep_never_delete_more(
    document: dict[str, Any], tags: list[TagFacts]
) -> None:
    bare = RuleSet.parse({"delete": document["delete"]})
    spared = bare.sparing(RuleSet.parse(document).keep)
    deleted = [
        {each.tag.name for each in plan(tags, rules, NOW) if each.delete}
        for rules in (spared, bare)
    ]
    assert deleted[0] <= deleted[1]


@given(DOCUMENTS, TAGS)
def test_a_bulk_delete_spares_what_rules_keep(
    document: dict[str, Any], tags: list[TagFacts]
) -> None:
    rules = Sparing(a_bulk_delete(".*", keep_n=1), RuleSet.parse(document).keep)
    kept = RuleSet.parse({"keep": document["keep"]})
    safe = {each.tag.name for each in plan(tags, kept, NOW) if each.rule is Rule.KEEP}
    found = plan(tags, rules, NOW)
    assert safe == {each.tag.name for each in found if each.rule is Rule.KEEP}
    free = [tag for tag in tags if tag.name not in safe and tag.name != "latest"]
    assert len([1 for each in found if each.delete]) == max(len(free) - 1, 0)


@given(TAGS, st.integers(1, 4))
def test_exactly_the_newest_of_each_group_stay(
    tags: list[TagFacts], count: int
) -> None:
    newest = {"count": count, "per": "([a-z]+).*"}
    document = {
        "keep": [{"when": {"newest": newest}}],
        "delete": [{"when": {"glob": "*"}}],
    }
    found = plan(tags, RuleSet.parse(document), NOW)
    kept: dict[str, list[TagFacts]] = defaultdict(list)
    groups: dict[str, list[TagFacts]] = defaultdict(list)
    for each in found:
        group = re.split("[^a-z]", each.tag.name)[0]
        if each.tag.name != "latest":
            groups[group].append(each.tag)
            kept[group] += [each.tag] if each.rule is Rule.KEEP else []
    for group, members in groups.items():
        assert len(kept[group]) == min(count, len(members))
        oldest = min(tag.created_at for tag in kept[group])
        rest = [tag for tag in members if tag not in kept[group]]
        assert all(tag.created_at <= oldest for tag in rest)


def test_a_hundred_thousand_tags_are_decided_about_in_seconds() -> None:
    tags = [a_tag(f"feature-{n % 1000}-{n}", timedelta(n)) for n in range(100_000)]
    newest = {"count": 3, "per": "(feature-[0-9]+)-.*"}
    when = {"not": {"newest": newest}, "older_than": "1d", "name": "(a*)*.*(x+x+)*"}
    rules = RuleSet.parse({"delete": [{"when": when}]})
    started = time.perf_counter()
    found = plan(tags, rules, NOW)
    assert sum(each.delete for each in found) == 97_000
    assert time.perf_counter() - started < 20


# Mistakes


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, "rules is not an object"),
        ({}, "rules has no rules under keep or delete"),
        ({"delete": 1}, "rules.delete is not a list"),
        ({"delete": [1]}, "rules.delete[0] is not an object"),
        ({"delete": [{"name": "x"}]}, "rules.delete[0].when is missing"),
        (
            {"delete": [{"when": []}]},
            "rules.delete[0].when is not an object with a condition",
        ),
        ({"delete": [{"when": {"glob": "*"}}], "kep": []}, "rules.kep is unknown"),
    ],
)
def test_what_is_wrong_with_a_document_is_said(document: Any, expected: str) -> None:
    assert complaint(document) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"nmae": "v.*"}, "nmae is unknown"),
        ({"name": "("}, "name is invalid: missing ): ("),
        ({"name": 1}, "name is not a text of 1 to 1024 characters"),
        ({"name": ""}, "name is not a text of 1 to 1024 characters"),
        ({"glob": "[z-a]"}, "glob is invalid: invalid character class range: z-a"),
        ({"version": "newer"}, "version is invalid: version range is invalid"),
        ({"newest": 0}, "newest is not from 1 to 1000000"),
        ({"newest": "3"}, "newest is not a whole number"),
        ({"newest": {}}, "newest is not a whole number"),
        (
            {"newest": {"count": 1, "by": "luck"}},
            "newest has a by that is none of created, pushed, version",
        ),
        (
            {"newest": {"count": 1, "per": "v.*"}},
            "newest is invalid: it has no group in parentheses",
        ),
        ({"newest": {"count": 1, "x": 1}}, "newest.x is unknown"),
        ({"older_than": "x"}, "older_than is not a duration: 'x'"),
        ({"never_pulled": 1}, "never_pulled is neither true nor false"),
        ({"larger_than": "1"}, "larger_than is not a number of bytes"),
        ({"larger_than": -1}, "larger_than is not a possible number of bytes"),
        ({"label": 1}, "label is neither a name nor an object with one"),
        ({"label": {"name": "x", "y": 1}}, "label.y is unknown"),
        ({"any": []}, "any is not a list of conditions"),
        ({"any": [{"x": 1}]}, "any[0].x is unknown"),
        ({"not": {"x": 1}}, "not.x is unknown"),
    ],
)
def test_what_is_wrong_with_a_condition_is_said(when: Any, expected: str) -> None:
    assert complaint({"delete": [{"when": when}]}) == f"rules.delete[0].when.{expected}"


def test_documents_are_bounded() -> None:
    rule: dict[str, Any] = {"when": {"glob": "*"}}
    assert "more than 50 rules" in complaint({"delete": [rule] * (MAX_RULES + 1)})
    many = [{"glob": "*"}] * MAX_CONDITIONS
    assert "more than 100 conditions" in complaint({"keep": [{"when": {"any": many}}]})
    deep: dict[str, Any] = {"glob": "*"}
    for _ in range(MAX_DEPTH):
        deep = {"not": deep}
    assert "nested deeper than 8" in complaint({"delete": [{"when": deep}]})
    RuleSet.parse({"delete": [{"when": deep["not"]}]})


_WORDS = ["keep", "delete", "when", "all", "any", "not", "name", "glob", "newest"]
_WORDS += ["count", "per", "of", "label"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_WORDS),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_whatever_is_given_is_read_or_refused(document: Any) -> None:
    with suppress(RulesInvalidError):
        plan([a_tag("v1")], RuleSet.parse(document), NOW)


def test_rules_that_delete_nothing_warn() -> None:
    rules = RuleSet.parse({"keep": [{"when": {"glob": "*"}}]})
    assert rules.warnings() == ["No rule deletes anything."]
