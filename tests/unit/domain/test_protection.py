from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.domain.access import Principal, Role
from moorage.domain.cleanup import BulkDelete, Rule, TagFacts, plan
from moorage.domain.digest import Digest
from moorage.domain.patterns import Pattern
from moorage.domain.protection import (
    NOBODY,
    OPEN,
    ImmutableTagError,
    NewRule,
    ProtectedPathError,
    ProtectedRepositoryError,
    ProtectedTagError,
    ProtectionLevel,
    ProtectionRule,
    RuleKind,
    TagGuard,
    check_path_deletion,
    check_path_push,
    check_rule,
    path_matches,
    standing,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MAINTAINER, OWNER, ADMIN = ProtectionLevel

NO_PATH = (
    "Repository path pattern should be a valid container repository path with optional "
    "wildcard characters."
)
NO_ARGUMENT = (
    "Tag name pattern not valid RE2 syntax: no argument for repetition operator: *"
)


def a_rule(
    pattern: str,
    push: ProtectionLevel | None = None,
    delete: ProtectionLevel | None = None,
    kind: RuleKind = RuleKind.TAG,
) -> ProtectionRule:
    return ProtectionRule(
        id=1,
        project_id=1,
        kind=kind,
        pattern=pattern,
        push_level=push,
        delete_level=delete,
        immutable=kind is RuleKind.TAG and push is None and delete is None,
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("g/p", "g/p", True),
        ("g/p", "g/p/x", False),
        ("g/p*", "g/p/x/y", True),
        ("g/p/*-dev", "g/p/a-dev", True),
        ("g/p/*-dev", "g/p/a/b-dev", True),
        ("g/p/*-dev", "g/p/a-dev2", False),
        ("G/P/*", "g/p/image", True),
        ("g/p/a*b*c", "g/p/a1b2c", True),
        ("g/p/a*b*c", "g/p/acb", False),
        ("g/p/ab*ba", "g/p/aba", False),
        ("g/p/a**", "g/p/a", True),
        ("g/p/a.c", "g/p/abc", False),
    ],
)
def test_which_paths_a_pattern_chooses(
    pattern: str, path: str, *, expected: bool
) -> None:
    assert path_matches(pattern, path) is expected


@given(st.lists(st.text("ab/", max_size=4), min_size=1, max_size=5))
def test_a_pattern_chooses_what_it_was_made_of(parts: list[str]) -> None:
    assert path_matches("*".join(parts), "".join(parts))


LEVELS = [Role.DEVELOPER, Role.MAINTAINER, Role.OWNER, ADMIN]


@pytest.mark.parametrize("level", ProtectionLevel)
@pytest.mark.parametrize("caller", LEVELS)
def test_whose_push_and_deletion_a_path_rule_stops(
    level: ProtectionLevel, caller: int
) -> None:
    push = [a_rule("g/p*", push=level, kind=RuleKind.REPOSITORY)]
    delete = [a_rule("g/p*", delete=level, kind=RuleKind.REPOSITORY)]
    if caller < level:
        with pytest.raises(ProtectedPathError):
            check_path_push(push, "g/p/x", caller)
        with pytest.raises(ProtectedRepositoryError):
            check_path_deletion(delete, "g/p/x", caller)
    else:
        check_path_push(push, "g/p/x", caller)
        check_path_deletion(delete, "g/p/x", caller)
    check_path_push(delete, "g/p/x", caller)
    check_path_deletion(push, "g/p/x", caller)
    check_path_push(push, "g/q/x", caller)


def test_of_several_rules_the_strictest_decides() -> None:
    kind = RuleKind.REPOSITORY
    rules = [a_rule("g/p*", MAINTAINER, kind=kind), a_rule("*/x", OWNER, kind=kind)]
    check_path_push(rules, "g/p/y", Role.MAINTAINER)
    with pytest.raises(ProtectedPathError):
        check_path_push(rules, "g/p/x", Role.MAINTAINER)
    check_path_push(rules, "g/p/x", Role.OWNER)
    guard = TagGuard(
        [a_rule("^v", MAINTAINER, ADMIN), a_rule("1$", OWNER, MAINTAINER)],
        Role.MAINTAINER,
    )
    guard.check_push("v2", exists=True)
    with pytest.raises(ProtectedTagError):
        guard.check_push("v1", exists=True)
    guard.check_deletion("1")
    with pytest.raises(ProtectedTagError):
        guard.check_deletion("v1")


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("v.*-release", "my-v1-release-2", True),
        ("^v.*", "v1", True),
        ("^v.*", "av1", False),
        (r"\d+\.\d+\.\d+", "build-1.2.3-x", True),
        ("^latest$", "latest", True),
        ("^latest$", "latest2", False),
        ("stable|release", "prerelease", True),
        ("(?i)LATEST", "latest", True),
        (r"\Qa.b", "xa.by", True),
        (".*", "anything", True),
    ],
)
def test_a_tag_rule_is_found_anywhere_in_the_name(
    pattern: str, name: str, *, expected: bool
) -> None:
    found = TagGuard([a_rule(pattern, OWNER, OWNER)], NOBODY).undeletable_by(name)
    assert (found == pattern) is expected


def test_an_immutable_tag_is_made_once_and_stays() -> None:
    guard = TagGuard([a_rule("^v")], ADMIN)
    guard.check_push("v1", exists=False)
    for name in ("v1", "v2"):
        with pytest.raises(ImmutableTagError):
            guard.check_push(name, exists=True)
        with pytest.raises(ImmutableTagError):
            guard.check_deletion(name)
    guard.check_push("latest", exists=True)
    assert guard.knows_immutable
    assert not guard.stops_deletions


def test_protection_is_told_before_immutability() -> None:
    guard = TagGuard([a_rule("^v"), a_rule("1", OWNER, OWNER)], Role.DEVELOPER)
    with pytest.raises(ProtectedTagError):
        guard.check_push("v1", exists=True)
    with pytest.raises(ProtectedTagError):
        guard.check_deletion("v1")


def test_no_rule_stops_an_administrator_but_immutable_ones() -> None:
    admin = Principal(account_id=1, username="root", admin=True)
    assert standing(admin, Role.NONE) == ADMIN
    somebody = Principal(account_id=2, username="jane")
    assert standing(somebody, Role.OWNER) == Role.OWNER
    guard = TagGuard([a_rule(".*", ADMIN, ADMIN)], standing(admin, Role.NONE))
    guard.check_push("v1", exists=True)
    guard.check_deletion("v1")


# What is a rule


@pytest.mark.parametrize(
    ("pattern", "complaints"),
    [
        ("group/project", []),
        ("group/project*", []),
        ("Group/Project/*/x", []),
        ("group/project/*-dev", []),
        (" ", ["Repository path pattern can't be blank"]),
        (
            "group/other",
            ["Repository path pattern should start with the project's full path"],
        ),
        (
            "group/project/a b",
            [
                NO_PATH,
            ],
        ),
        (
            "group/project/" + "a" * 250,
            [
                "Repository path pattern is too long (maximum is 255 characters)",
                NO_PATH,
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_path_pattern(pattern: str, complaints: list[str]) -> None:
    new = NewRule(kind=RuleKind.REPOSITORY, pattern=pattern, push_level=OWNER)
    assert check_rule(new, "Group/Project") == complaints


def test_a_path_rule_asks_for_something() -> None:
    new = NewRule(kind=RuleKind.REPOSITORY, pattern="g/p")
    assert check_rule(new, "g/p") == [
        "A rule must have at least a minimum access role for push or delete."
    ]


@pytest.mark.parametrize(
    ("pattern", "complaints"),
    [
        ("^v", []),
        ("v" * 100, []),
        ("", ["Tag name pattern can't be blank"]),
        ("v" * 101, ["Tag name pattern is too long (maximum is 100 characters)"]),
        (
            "*-release",
            [NO_ARGUMENT],
        ),
    ],
)
def test_what_is_wrong_with_a_tag_pattern(pattern: str, complaints: list[str]) -> None:
    new = NewRule(kind=RuleKind.TAG, pattern=pattern, immutable=True)
    assert check_rule(new, "g/p") == complaints


# In plans


def facts(name: str, hold: str | None = None) -> TagFacts:
    digest = Digest.of(name.encode())
    return TagFacts(name, digest, NOW - timedelta(days=9), NOW, 1, hold=hold)


def test_which_rule_of_a_plan_goes_first() -> None:
    guard = TagGuard([a_rule("^im"), a_rule("pro", OWNER, OWNER)], Role.MAINTAINER)
    names = ["held-im", "im-pro", "pro-latest", "latest", "kept", "gone"]
    tags = [facts(name, "why" if name == "held-im" else None) for name in names]
    rules = BulkDelete(Pattern.parse(".*"), Pattern.parse("kept|pro.*"))
    decided = {each.tag.name: each.rule for each in plan(tags, rules, NOW, guard)}
    assert decided == {
        "held-im": Rule.HOLD,
        "im-pro": Rule.IMMUTABLE,
        "pro-latest": Rule.PROTECTED,
        "latest": Rule.LATEST,
        "kept": Rule.KEEP,
        "gone": Rule.DELETE,
    }


def test_a_guarded_tag_takes_no_place_of_keep_n_and_says_why() -> None:
    guard = TagGuard([a_rule("^v9", OWNER, OWNER)], Role.MAINTAINER)
    rules = BulkDelete(Pattern.parse(".*"), keep_n=1)
    decided = plan([facts("v9"), facts("v8"), facts("v7")], rules, NOW, guard)
    assert [each.rule for each in decided] == [Rule.PROTECTED, Rule.KEEP_N, Rule.DELETE]
    assert decided[0].reason == "It is protected: its name matches the rule '^v9'."


def test_nothing_is_guarded_without_rules() -> None:
    assert OPEN.allows_deletion("v1")
    [decision] = plan([facts("v1")], BulkDelete(Pattern.parse(".*")), NOW)
    assert decision.delete
