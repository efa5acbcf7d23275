from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from contract import rows
from contract.rows import NOW
from moorage.domain.access import Principal, Role
from moorage.domain.cleanup import BulkDelete
from moorage.domain.errors import CleanupTooSoonError
from moorage.domain.jobs import ItemOutcome, JobKind, JobState
from moorage.domain.patterns import Pattern
from moorage.domain.projects import Scope
from moorage.jobs.worker import Worker
from moorage.ports.signals import LocalSignal
from moorage.services import cleanup as cleanup_module
from moorage.services.cleanup import Cleanup
from moorage.services.jobs import LEASE, Handler, JobRun
from moorage.services.repositories import Repositories
from moorage.store import job_items, jobs, members, repositories, tags
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from moorage.domain.jobs import Job, JobItem
    from moorage.domain.projects import Project
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

HOUR = timedelta(hours=1)


class Killed(Exception):  # noqa: N818 (what happens to the worker)
    """The process ends here."""


@dataclass
class Scene:
    """A repository, its maintainer, and the services that delete from it."""

    database: Database
    clock: FrozenClock
    cleanup: Cleanup
    repositories: Repositories
    project: Project
    repository: Repository
    maintainer: Principal

    def worker(self) -> Worker:
        deletion = self.repositories
        kinds: dict[str, Handler] = {
            JobKind.DELETE_REPOSITORY: Handler(deletion.delete, deletion.follow),
            JobKind.DELETE_TAGS: Handler(self.cleanup.delete),
        }
        return Worker(self.database, self.clock, kinds, LocalSignal(), owner="worker")

    async def claim_and_die(self) -> Job:
        """Take a job as a worker does that is heard of no more."""
        now = self.clock.now()
        job = await self.database.write(
            lambda tx: jobs.claim(
                tx, "dead", list(JobKind), lease_until=now + LEASE, now=now
            )
        )
        assert job is not None
        return job

    async def put_tags(self, names: Iterable[str]) -> None:
        """Make tags, each a minute older than the one before."""
        created = {name: NOW - timedelta(minutes=age) for age, name in enumerate(names)}
        await self.database.write(
            lambda tx: rows.put_tags(tx, self.repository, created)
        )

    async def names(self) -> list[str]:
        return await self.database.read(lambda tx: rows.tag_names(tx, self.repository))

    async def schedule(self, delete: str = ".*", **rules: Any) -> int:
        wanted = BulkDelete(Pattern.parse(delete), **rules)
        return await self.cleanup.schedule(self.repository, wanted, self.maintainer)

    async def job(self, job_id: int) -> Job:
        found = await self.database.read(lambda tx: jobs.find(tx, job_id))
        assert found is not None
        return found

    async def items(self, job_id: int) -> list[JobItem]:
        return await self.database.read(
            lambda tx: job_items.list_page(tx, job_id, after=0, limit=100)
        )


@pytest.fixture
async def scene(database: Database) -> Scene:
    def body(tx: Tx) -> tuple[Project, Repository, Principal]:
        project = rows.a_project(tx, rows.a_group(tx))
        account = rows.a_member(tx, project, Role.MAINTAINER)
        maintainer = Principal(account_id=account.id, username=account.username)
        return project, rows.a_repository(tx, project), maintainer

    project, repository, maintainer = await database.write(body)
    clock, signal = FrozenClock(NOW), LocalSignal()
    return Scene(
        database,
        clock,
        Cleanup(database, clock, signal, interval=HOUR),
        Repositories(database, clock, signal),
        project,
        repository,
        maintainer,
    )


async def test_what_the_rules_choose_goes_and_is_reported(scene: Scene) -> None:
    await scene.put_tags(["latest", "v3", "v2", "v1"])
    job_id = await scene.schedule(keep_n=1)
    assert await scene.worker().run_one()
    assert await scene.names() == ["latest", "v3"]
    job = await scene.job(job_id)
    assert job.state is JobState.SUCCEEDED
    assert job.result == {"deleted": 2, "skipped": 0}
    assert (job.done, job.total) == (2, 2)
    items = await scene.items(job_id)
    assert [(each.name, each.outcome) for each in items] == [
        ("v2", ItemOutcome.DELETED),
        ("v1", ItemOutcome.DELETED),
    ]
    events = await scene.database.read(rows.tag_events)
    deleted = [each["tag"] for each in events if each["job_id"] == job_id]
    assert deleted == ["v1", "v2"]


async def test_a_second_one_is_refused_until_the_interval_is_over(
    scene: Scene,
) -> None:
    await scene.schedule()
    scene.clock.advance(HOUR - timedelta(microseconds=1))
    with pytest.raises(CleanupTooSoonError):
        await scene.schedule()
    scene.clock.advance(timedelta(microseconds=1))
    await scene.schedule()


async def test_a_refused_one_leaves_no_job(scene: Scene) -> None:
    await scene.schedule()
    with pytest.raises(CleanupTooSoonError):
        await scene.schedule()
    assert await scene.worker().run_one()
    assert not await scene.worker().run_one()


async def test_without_an_interval_every_one_is_accepted(scene: Scene) -> None:
    scene.cleanup = Cleanup(
        scene.database, scene.clock, LocalSignal(), interval=timedelta(0)
    )
    assert await scene.schedule() != await scene.schedule()


async def test_a_run_that_was_cut_off_does_not_plan_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Batches of two, so that few tags make several.
    monkeypatch.setattr(cleanup_module, "BATCH", 2)
    await scene.put_tags([f"v{number}" for number in range(9, 0, -1)])
    job_id = await scene.schedule(keep_n=3)
    deletions = 0
    delete_many = tags.delete_many

    def die_at_the_third(*args: Any, **kwargs: Any) -> list[str]:
        nonlocal deletions
        deletions += 1
        if deletions == 3:
            raise Killed
        return delete_many(*args, **kwargs)

    monkeypatch.setattr(tags, "delete_many", die_at_the_third)
    job = await scene.claim_and_die()
    with pytest.raises(Killed):
        await scene.cleanup.delete(JobRun(job, "dead", scene.database, scene.clock))
    assert len(await scene.names()) == 5

    scene.clock.advance(LEASE)
    assert await scene.worker().run_one()
    assert await scene.names() == ["v7", "v8", "v9"]
    job = await scene.job(job_id)
    assert (job.state, job.attempts) == (JobState.SUCCEEDED, 2)
    assert job.result == {"deleted": 6, "skipped": 0}


async def test_a_run_that_found_nothing_and_was_cut_off_does_not_plan_again(
    scene: Scene,
) -> None:
    job_id = await scene.schedule()
    job = await scene.claim_and_die()
    await scene.cleanup.delete(JobRun(job, "dead", scene.database, scene.clock))
    await scene.put_tags(["pushed since"])
    scene.clock.advance(LEASE)
    assert await scene.worker().run_one()
    assert await scene.names() == ["pushed since"]
    assert (await scene.job(job_id)).result == {"deleted": 0, "skipped": 0}


async def test_a_tag_that_moved_after_the_plan_stays(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.put_tags(["a", "b"])
    job_id = await scene.schedule()
    add = job_items.add

    def add_then_push(tx: Tx, *args: Any) -> None:
        add(tx, *args)
        rows.put_tag(tx, scene.repository, "a", rows.an_image(tx, scene.repository))

    monkeypatch.setattr(job_items, "add", add_then_push)
    await scene.worker().run_one()
    assert await scene.names() == ["a"]
    assert (await scene.job(job_id)).result == {"deleted": 1, "skipped": 1}
    skipped = (await scene.items(job_id))[0]
    assert skipped.outcome is ItemOutcome.SKIPPED
    assert skipped.reason == (
        "It was moved, removed, held or protected after the plan was made."
    )


async def test_who_lost_the_right_meanwhile_deletes_nothing(scene: Scene) -> None:
    await scene.put_tags(["a"])
    job_id = await scene.schedule()
    account_id = scene.maintainer.account_id or 0
    await scene.database.write(
        lambda tx: members.delete(tx, Scope(project_id=scene.project.id), account_id)
    )
    await scene.worker().run_one()
    assert await scene.names() == ["a"]
    assert (await scene.job(job_id)).state is JobState.FAILED


async def test_a_repository_is_deleted_with_latest_and_with_history(
    scene: Scene,
) -> None:
    await scene.put_tags(["latest", "a", "b"])
    first = await scene.repositories.schedule_deletion(
        scene.repository, scene.maintainer
    )
    again = await scene.repositories.schedule_deletion(
        scene.repository, scene.maintainer
    )
    assert first == again
    assert await _status(scene) == "delete_scheduled"
    await scene.worker().run_one()
    assert (await scene.job(first)).result == {"deleted_tags": 3}
    assert await _find(scene) is None
    events = await scene.database.read(rows.tag_events)
    assert [each["tag"] for each in events if each["action"] == "delete"] == [
        "a",
        "b",
        "latest",
    ]


async def test_a_deletion_that_was_cut_off_goes_on(scene: Scene) -> None:
    await scene.put_tags(["a", "b"])
    job_id = await scene.repositories.schedule_deletion(
        scene.repository, scene.maintainer
    )
    await scene.claim_and_die()
    await scene.database.write(
        lambda tx: repositories.set_status(tx, scene.repository.id, "delete_ongoing")
    )
    scene.clock.advance(LEASE)
    await scene.worker().run_one()
    assert (await scene.job(job_id)).state is JobState.SUCCEEDED
    assert await _find(scene) is None


async def _find(scene: Scene) -> Repository | None:
    return await scene.database.read(
        lambda tx: repositories.find(tx, scene.repository.id)
    )


async def _status(scene: Scene) -> str | None:
    found = await _find(scene)
    assert found is not None
    return found.status
