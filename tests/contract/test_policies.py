"""Policies run when they are due, once, however many servers look."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.access import RegistryAccess
from moorage.domain.holds import NewHold
from moorage.domain.jobs import JobKind, JobState
from moorage.domain.policies import CleanupPolicy, Policy
from moorage.domain.projects import Scope
from moorage.jobs.schedule import queue_due
from moorage.jobs.worker import Worker
from moorage.ports.query import Query
from moorage.ports.signals import LocalSignal
from moorage.services import moving
from moorage.services.cleanup import Cleanup
from moorage.services.jobs import Handler
from moorage.services.policies import Policies, PolicyRequest, save_cleanup_policy
from moorage.store import holds, jobs, policies, projects, repositories
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from moorage.domain.jobs import Job
    from moorage.domain.projects import Namespace, Project
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
EVERYTHING = {"delete": [{"when": {"glob": "*"}}]}
_RUNS = Query(
    "policies.runs", "SELECT id FROM job WHERE kind = 'run_policy' ORDER BY id"
)


@dataclass
class Scene:
    """A group with two projects, a repository with tags in each, and a clock."""

    database: Database
    clock: FrozenClock
    group: Namespace
    projects: list[Project]
    repositories: list[Repository]

    @property
    def policies(self) -> Policies:
        return Policies(self.database, self.clock)

    async def make(self, scope: Scope | None = None, **changes: Any) -> Policy:
        wanted = {"name": "tidy", "rules": EVERYTHING, "cadence": "1d", **changes}
        scope = scope or Scope(project_id=self.projects[0].id)
        return await self.policies.create(scope, PolicyRequest(**wanted))

    async def look(self) -> None:
        await queue_due(self.database, self.clock)

    async def work(self) -> None:
        cleanup = Cleanup(self.database, self.clock, LocalSignal())
        kinds: dict[str, Handler] = {JobKind.RUN_POLICY: Handler(cleanup.run_policy)}
        worker = Worker(self.database, self.clock, kinds, LocalSignal(), owner="worker")
        while await worker.run_one():
            pass

    async def runs(self) -> list[Job]:
        def body(tx: Tx) -> list[Job]:
            found = [jobs.find(tx, row["id"]) for row in tx.all(_RUNS)]
            return [job for job in found if job is not None]

        return await self.database.read(body)

    async def names(self, number: int = 0) -> list[str]:
        repository = self.repositories[number]
        return await self.database.read(lambda tx: rows.tag_names(tx, repository))


@pytest.fixture
async def scene(database: Database) -> Scene:
    def body(tx: Tx) -> tuple[Namespace, list[Project], list[Repository]]:
        group = rows.a_group(tx)
        inner = rows.a_group(tx, "group/inner", group)
        made = [rows.a_project(tx, group), rows.a_project(tx, inner, "other")]
        found = [rows.a_repository(tx, project) for project in made]
        for repository in found:
            ages = dict.fromkeys(("a", "b", "latest"), NOW - DAY)
            rows.put_tags(tx, repository, ages)
        rows.a_repository(tx, made[0], "empty")
        return group, made, found

    group, made, found = await database.write(body)
    return Scene(database, FrozenClock(NOW), group, made, found)


@pytest.mark.parametrize(
    ("cadence", "every"),
    [
        ("1d", DAY),
        ("7d", 7 * DAY),
        ("14d", 14 * DAY),
        ("1month", 30 * DAY),
        ("3month", 90 * DAY),
        ("90 minutes", 90 * MINUTE),
    ],
)
async def test_a_policy_runs_at_its_cadence_and_not_before(
    scene: Scene, cadence: str, every: timedelta
) -> None:
    made = await scene.make(cadence=cadence)
    for turn in range(1, 4):
        scene.clock.advance(every - MINUTE)
        await scene.look()
        assert len(await scene.runs()) == turn - 1
        scene.clock.advance(MINUTE)
        await scene.look()
        await scene.look()
        await scene.work()
        assert len(await scene.runs()) == turn
        found = await scene.policies.get(made.scope, made.id)
        assert found.next_run_at == NOW + (turn + 1) * every
    assert await scene.names() == ["latest"]


async def test_a_policy_that_is_overdue_runs_once(scene: Scene) -> None:
    made = await scene.make()
    scene.clock.advance(10 * DAY + 5 * MINUTE)
    await scene.look()
    await scene.look()
    assert len(await scene.runs()) == 1
    found = await scene.policies.get(made.scope, made.id)
    assert found.next_run_at == NOW + 11 * DAY


async def test_two_schedulers_at_once_run_it_once(scene: Scene) -> None:
    await scene.make()
    await scene.make(name="other")
    scene.clock.advance(DAY)
    await asyncio.gather(*(scene.look() for _ in range(8)))
    assert len(await scene.runs()) == 2


async def test_a_run_that_goes_on_is_not_queued_again(scene: Scene) -> None:
    await scene.make()
    for _ in range(3):
        scene.clock.advance(DAY)
        await scene.look()
    assert len(await scene.runs()) == 1


async def test_a_policy_that_is_switched_off_does_not_run(scene: Scene) -> None:
    made = await scene.make()
    await scene.policies.update(made.scope, made.id, {"enabled": False})
    scene.clock.advance(5 * DAY)
    await scene.look()
    assert await scene.runs() == []


async def test_a_policy_of_a_group_runs_at_every_depth(scene: Scene) -> None:
    await scene.make(Scope(namespace_id=scene.group.id))
    scene.clock.advance(DAY)
    await scene.look()
    await scene.work()
    assert [await scene.names(0), await scene.names(1)] == [["latest"], ["latest"]]
    runs = await scene.runs()
    assert [job.state for job in runs] == [JobState.SUCCEEDED] * 2
    assert [job.result for job in runs] == [{"deleted": 2, "skipped": 0}] * 2
    project_ids = [job.arguments["project_id"] for job in runs]
    assert project_ids == [project.id for project in scene.projects]


@pytest.mark.parametrize(
    "change", [{"archived_at": NOW}, {"registry_access": RegistryAccess.DISABLED}]
)
async def test_a_policy_leaves_projects_alone_that_are_out_of_use(
    scene: Scene, change: dict[str, Any]
) -> None:
    changed = replace(scene.projects[0], **change)
    await scene.database.write(lambda tx: projects.update(tx, changed))
    await scene.make()
    await scene.make(Scope(namespace_id=scene.group.id))
    scene.clock.advance(DAY)
    await scene.look()
    assert [job.repository_id for job in await scene.runs()] == [
        scene.repositories[1].id
    ]


@pytest.mark.parametrize(
    "change", [{"archived_at": NOW}, {"registry_access": RegistryAccess.DISABLED}]
)
async def test_a_run_leaves_a_project_alone_that_went_out_of_use_meanwhile(
    scene: Scene, change: dict[str, Any]
) -> None:
    await scene.make()
    scene.clock.advance(DAY)
    await scene.look()
    changed = replace(scene.projects[0], **change)
    await scene.database.write(lambda tx: projects.update(tx, changed))
    await scene.work()
    assert await scene.names() == ["a", "b", "latest"]


async def test_a_run_leaves_a_project_alone_that_left_the_group_meanwhile(
    scene: Scene,
) -> None:
    await scene.make(Scope(namespace_id=scene.group.id))
    scene.clock.advance(DAY)
    await scene.look()
    project = scene.projects[0]

    def leave(tx: Tx) -> None:
        moving.move_project(tx, project, rows.a_group(tx, "elsewhere"), project.path)

    await scene.database.write(leave)
    await scene.work()
    assert [await scene.names(0), await scene.names(1)] == [
        ["a", "b", "latest"],
        ["latest"],
    ]


async def test_a_run_says_when_it_started(scene: Scene) -> None:
    await scene.make()
    scene.clock.advance(DAY)
    await scene.look()
    await scene.work()
    repository = scene.repositories[0]
    found = await scene.database.read(lambda tx: repositories.find(tx, repository.id))
    assert found is not None
    assert found.cleanup_policy_started_at == NOW + DAY


async def test_a_policy_of_gitlab_runs_too_and_spares_what_is_held(
    scene: Scene,
) -> None:
    project, repository = scene.projects[0], scene.repositories[0]
    changes = {"enabled": True, "keep_n": None, "older_than": "1d"}
    wanted = CleanupPolicy.default(NOW).changed(changes, NOW)

    def body(tx: Tx) -> None:
        save_cleanup_policy(tx, project.id, wanted, now=NOW)
        rows.put_tags(tx, repository, {"held": NOW - DAY})
        new = NewHold(repository.id, "Needed.", "somebody", tag="held")
        holds.create(tx, new, now=NOW)

    await scene.database.write(body)
    scene.clock.advance(DAY)
    await scene.look()
    await scene.work()
    assert await scene.names() == ["held", "latest"]
    [run] = await scene.runs()
    assert run.actor == "cleanup policy"


async def test_a_policy_goes_with_its_project(scene: Scene) -> None:
    def body(tx: Tx) -> list[Policy]:
        project = rows.a_project(tx, scene.group, "short-lived")
        scope = Scope(project_id=project.id)
        wanted = CleanupPolicy.default(NOW)
        save_cleanup_policy(tx, project.id, wanted, now=NOW)
        projects.delete(tx, project.id)
        return policies.list_of(tx, scope)

    assert await scene.database.write(body) == []
