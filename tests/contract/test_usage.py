from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract import graph, rows
from contract.rows import NOW
from moorage.domain.history import Cause
from moorage.domain.holds import NewHold
from moorage.domain.usage import Usage
from moorage.store import holds, repositories, tags, usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contract.graph import Blob, Node
    from moorage.domain.projects import Namespace, Project
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

BLOBS = 6

_names = itertools.count(1)


@dataclass(frozen=True)
class ManifestPlan:
    """A manifest to be made; numbers point at blobs and at earlier manifests."""

    blobs: frozenset[int]
    children: frozenset[int]
    subject: int | None
    tags: int
    held: bool


@dataclass(frozen=True)
class RepositoryPlan:
    """A repository to be made; ``extra`` blobs are held and used by nothing."""

    manifests: list[ManifestPlan]
    extra: frozenset[int]
    deleted: bool


@st.composite
def repository_plans(draw: st.DrawFn) -> RepositoryPlan:
    numbers = st.frozensets(st.integers(0, BLOBS - 1), max_size=3)
    manifests = []
    for count in range(draw(st.integers(0, 5))):
        earlier = st.integers(0, count - 1)
        some = st.frozensets(earlier, max_size=2) if count else st.just(frozenset())
        subject = st.none() | earlier if count else st.none()
        manifests.append(
            ManifestPlan(
                draw(numbers),
                draw(some),
                draw(subject),
                draw(st.integers(0, 2)),
                draw(st.booleans()),
            )
        )
    return RepositoryPlan(manifests, draw(numbers), draw(st.booleans()))


@dataclass
class Made:
    """What a plan became: rows, and what is known of them without asking."""

    repository: Repository
    plan: RepositoryPlan
    linked: set[int] = field(default_factory=set)
    used: set[int] = field(default_factory=set)

    @property
    def tags(self) -> int:
        return sum(each.tags for each in self.plan.manifests)

    @property
    def is_deleted(self) -> bool:
        # Only an empty one is, and what is held is not emptied.
        return self.plan.deleted and not self.tags


def reached(plan: RepositoryPlan) -> set[int]:
    """Follow tags and holds, down to children and to referrers."""
    found: set[int] = set()
    waiting = [at for at, each in enumerate(plan.manifests) if each.tags or each.held]
    while waiting:
        at = waiting.pop()
        if at in found:
            continue
        found.add(at)
        waiting += plan.manifests[at].children
        waiting += [n for n, other in enumerate(plan.manifests) if other.subject == at]
    return found


def make(tx: Tx, project: Project, plan: RepositoryPlan, blobs: list[Blob]) -> Made:
    repository = rows.a_repository(tx, project, f"r{next(_names)}")
    made = Made(repository, plan, linked=set(plan.extra))
    for number in plan.extra:
        graph.link(tx, repository, blobs[number])
    nodes: list[Node] = []
    for each in plan.manifests:
        node = graph.a_manifest(
            tx,
            repository,
            blobs=[blobs[number] for number in sorted(each.blobs)],
            children=[nodes[number] for number in sorted(each.children)],
            subject=None if each.subject is None else nodes[each.subject],
        )
        nodes.append(node)
        made.linked |= each.blobs
        put_tags(tx, repository, node, each, blobs)
        if each.held:
            new = NewHold(repository.id, "needed", "somebody", digest=node.digest)
            holds.create(tx, new, now=NOW)
    for at in reached(plan):
        made.used |= plan.manifests[at].blobs
    if made.is_deleted:
        repositories.mark_deleted(tx, repository.id, now=NOW)
    return made


def put_tags(
    tx: Tx, repository: Repository, node: Node, plan: ManifestPlan, blobs: list[Blob]
) -> None:
    for _ in range(plan.tags):
        tags.put(
            tx,
            repository.id,
            f"t{next(_names)}",
            node.id,
            digest=node.digest,
            created_at=NOW,
            total_bytes=sum(blobs[number].size_bytes for number in plan.blobs),
            pushed_at=NOW,
            cause=Cause("pusher", NOW, NOW),
        )


def expected(
    scope: Sequence[Made], everything: Sequence[Made], size: list[int]
) -> Usage:
    """Add up by hand what a scope takes up."""
    linked = set().union(*(each.linked for each in scope))
    used = set().union(*(each.used for each in scope))
    outside = set().union(*(o.linked for o in everything if o not in scope))

    def total(numbers: Iterable[int]) -> int:
        return sum(size[number] for number in numbers)

    return Usage(
        listed_bytes=sum(
            plan.tags * total(plan.blobs)
            for each in scope
            for plan in each.plan.manifests
        ),
        unique_bytes=total(linked),
        exclusive_bytes=total(linked - outside),
        pending_bytes=total(linked - used),
        repositories=sum(not each.is_deleted for each in scope),
        tags=sum(each.tags for each in scope),
        manifests=sum(len(each.plan.manifests) for each in scope),
        blobs=len(linked),
    )


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(repository_plans(), min_size=1, max_size=3),
    st.lists(repository_plans(), max_size=2),
    st.lists(st.integers(1, 1 << 40), min_size=BLOBS, max_size=BLOBS),
)
def test_sizes_are_those_that_one_adds_up_by_hand(
    database: Database,
    first: list[RepositoryPlan],
    second: list[RepositoryPlan],
    size: list[int],
) -> None:
    def body(tx: Tx) -> None:
        group = rows.a_group(tx, f"g{next(_names)}")
        inner = rows.a_group(tx, f"g{next(_names)}", group)
        blobs = [graph.a_blob(tx, each) for each in size]
        one = make_project(tx, group, first, blobs)
        two = make_project(tx, inner, second, blobs)
        everything = [*one[1], *two[1]]
        for made in everything:
            found = usage.of_repositories(tx, [made.repository.id], now=NOW)
            assert found == expected([made], everything, size)
        for project, mades in (one, two):
            ids = usage.repositories_of_project(tx, project.id)
            found = usage.of_repositories(tx, ids, now=NOW)
            assert found == expected(mades, everything, size)
        for namespace, mades in ((group, everything), (inner, two[1])):
            ids = usage.repositories_of_namespace(tx, namespace.id)
            found = usage.of_repositories(tx, ids, now=NOW)
            assert found == expected(mades, everything, size)

    database.write_now(body)


def make_project(
    tx: Tx, namespace: Namespace, plans: list[RepositoryPlan], blobs: list[Blob]
) -> tuple[Project, list[Made]]:
    project = rows.a_project(tx, namespace, f"p{next(_names)}")
    return project, [make(tx, project, plan, blobs) for plan in plans]


def test_nothing_takes_up_nothing(database: Database) -> None:
    found = database.write_now(lambda tx: usage.of_repositories(tx, [], now=NOW))
    assert found == Usage(0, 0, 0, 0, 0, 0, 0, 0)
