"""Random documents of rules, and random tags that they can tell apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from moorage.domain.cleanup import BulkDelete, TagFacts, Traits
from moorage.domain.digest import Digest
from moorage.domain.patterns import Pattern

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

NAMES = st.from_regex(r"(v|feature|main)[0-3](\.[0-3]){0,2}(-rc[12])?", fullmatch=True)
TAG_NAMES = NAMES | st.just("latest")

_DURATIONS = st.sampled_from(["1d", "2 days", "36h", "1 week", "30m"])
_GLOBS = st.sampled_from(["*", "v*", "feature*", "*-rc?", "main[01]*", "nothing"])
_NEWEST = st.fixed_dictionaries(
    {"count": st.integers(1, 4)},
    optional={
        "by": st.sampled_from(["created", "pushed", "version"]),
        "per": st.sampled_from(["major", "minor", "([a-z]+).*", "(.*)-(rc)."]),
        "of": st.fixed_dictionaries({"glob": _GLOBS}),
    },
)
_SIMPLE: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"glob": _GLOBS}),
    st.fixed_dictionaries({"name": st.sampled_from([".*[02]", "v.*|main.*"])}),
    st.fixed_dictionaries({"version": st.sampled_from([">=1", "<2", "^1", "1.x"])}),
    st.fixed_dictionaries({"newest": st.integers(1, 4) | _NEWEST}),
    st.fixed_dictionaries({"older_than": _DURATIONS}),
    st.fixed_dictionaries({"unused_for": _DURATIONS}),
    st.fixed_dictionaries({"never_pulled": st.booleans()}),
    st.fixed_dictionaries({"larger_than": st.integers(0, 2000)}),
    st.fixed_dictionaries({"referred": st.booleans()}),
)
CONDITIONS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    _SIMPLE,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
    ),
    max_leaves=5,
)
_RULES = st.lists(st.fixed_dictionaries({"when": CONDITIONS}), min_size=1, max_size=3)
DOCUMENTS = st.fixed_dictionaries({"keep": _RULES, "delete": _RULES})

_AGES = st.integers(0, 20 * 24).map(lambda hours: timedelta(hours=hours))


@st.composite
def _tags(draw: st.DrawFn) -> list[TagFacts]:
    names = draw(st.lists(TAG_NAMES, unique=True, max_size=25))
    return [_tag(name, draw(_AGES), draw(_AGES), draw(_AGES)) for name in names]


def _tag(
    name: str, created: timedelta, pushed: timedelta, pulled: timedelta
) -> TagFacts:
    return TagFacts(
        name=name,
        digest=Digest.of(name.encode()),
        created_at=NOW - created,
        pushed_at=NOW - pushed,
        total_size=len(name) * 200,
        last_pulled_at=None if pulled > timedelta(days=10) else NOW - pulled,
        traits=Traits(referred=len(name) % 2 == 0),
    )


TAGS = _tags()


def a_bulk_delete(delete: str, **rules: Any) -> BulkDelete:
    return BulkDelete(Pattern.parse(delete), **rules)
