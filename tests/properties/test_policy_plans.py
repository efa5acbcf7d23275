"""What a preview of random rules says is what a run then does, whoever pushes."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from contract import rows
from contract.rule_documents import DOCUMENTS, NOW, TAGS
from moorage.adapters.sqlite import SqliteDatabase
from moorage.domain.access import ANONYMOUS, Principal, Role
from moorage.domain.jobs import JobKind
from moorage.domain.plans import Verdict
from moorage.domain.rules import RuleSet
from moorage.jobs.worker import Worker
from moorage.ports.signals import LocalSignal
from moorage.services.cleanup import Cleanup
from moorage.services.jobs import Handler
from moorage.services.plans import Excerpt, Plans
from moorage.store.migrate import migrate
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from pathlib import Path

    from moorage.domain.cleanup import TagFacts
    from moorage.domain.projects import Project
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Tx

ALL = Excerpt(None, 0, 1000)
EXAMPLES = int(os.environ.get("RULE_SETS", "150"))


class Shop:
    """A database in which every example has a repository of its own."""

    def __init__(self, folder: Path) -> None:
        self.database = SqliteDatabase(folder / "moorage.db")
        migrate(self.database, NOW)
        self.clock, signal = FrozenClock(NOW), LocalSignal()
        self.plans = Plans(self.database, self.clock, signal)
        cleanup = Cleanup(self.database, self.clock, signal)
        kinds: dict[str, Handler] = {JobKind.DELETE_TAGS: Handler(cleanup.delete)}
        self.worker = Worker(
            self.database, self.clock, kinds, signal, owner="the only one"
        )
        self._numbers = itertools.count(1)
        self._project: Project | None = None
        self.maintainer = ANONYMOUS

    async def repository(self, tags: list[TagFacts]) -> Repository:
        def body(tx: Tx) -> Repository:
            if self._project is None:
                self._project = rows.a_project(tx, rows.a_group(tx))
                account = rows.a_member(tx, self._project, Role.MAINTAINER)
                self.maintainer = Principal(
                    account_id=account.id, username=account.username
                )
            made = rows.a_repository(tx, self._project, f"image{next(self._numbers)}")
            for tag in tags:
                image = rows.an_image(
                    tx,
                    made,
                    created_at=tag.created_at,
                    pushed_at=tag.pushed_at,
                    total_bytes=tag.total_size,
                )
                rows.put_tag(tx, made, tag.name, image)
            return made

        return await self.database.write(body)

    async def push(self, repository: Repository, names: list[str]) -> None:
        """Move tags to new images, and make those that are not there."""

        def body(tx: Tx) -> None:
            for name in names:
                rows.put_tag(tx, repository, name, rows.an_image(tx, repository))

        await self.database.write(body)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("policies"))


@given(document=DOCUMENTS, tags=TAGS, moved=st.sets(st.integers(0, 24), max_size=4))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_a_plan_of_random_rules_is_what_is_done(
    shop: Shop, document: dict[str, Any], tags: list[TagFacts], moved: set[int]
) -> None:
    repository = await shop.repository(tags)
    rules = RuleSet.parse(document)
    preview = await shop.plans.preview(
        repository, rules, {}, ALL, principal=shop.maintainer
    )
    made = await shop.plans.create(repository, rules, {}, shop.maintainer)
    plan_id = made.id or 0
    stored = await shop.plans.get(repository.id, plan_id, ALL)
    assert stored.items == preview.items
    pushed = [tag.name for number, tag in enumerate(tags) if number in moved]
    await shop.push(repository, [*pushed, "brand-new"])
    await shop.plans.apply(repository, plan_id, shop.maintainer)
    assert await shop.worker.run_one()
    planned = {i.name for i in preview.items if i.verdict is Verdict.DELETE}
    left = await shop.database.read(lambda tx: rows.tag_names(tx, repository))
    everything = {tag.name for tag in tags} | {"brand-new"}
    assert set(left) == everything - (planned - set(pushed))
