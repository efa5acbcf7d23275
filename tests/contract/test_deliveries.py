"""Events from the transaction that made them to the webhook, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from contract import rows
from contract.rows import NOW
from live.hooks import Listener, listening
from moorage.adapters.http_sender import HttpSender
from moorage.domain.events import Occasion, tags_deleted
from moorage.domain.jobs import MAX_ATTEMPTS, JobKind
from moorage.jobs.deliveries import KEEP_EVENTS, Deliveries
from moorage.jobs.docker_events import MEDIA_TYPE, Source
from moorage.jobs.kinds import delivery_handlers
from moorage.jobs.schedule import queue_due
from moorage.jobs.worker import Worker
from moorage.ports.query import Query
from moorage.ports.signals import LocalSignal
from moorage.services.webhooks import set_webhooks_of_instance
from moorage.store import events, webhooks
from moorage.testing.clock import FrozenClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

_JOBS = Query("test.jobs", "SELECT kind, state, error FROM job ORDER BY id")
_EVENTS = Query("test.events", "SELECT id FROM event ORDER BY id")


@dataclass
class Scene:
    """A repository, a worker that tells webhooks, and one that listens."""

    database: Database
    clock: FrozenClock
    repository: Repository
    worker: Worker

    async def listen(self, *urls: str) -> None:
        await set_webhooks_of_instance(self.database, self.clock, urls)

    async def delete_tags(self, *names: str) -> None:
        await self.database.write(lambda tx: self._record(tx, names))

    def _record(self, tx: Tx, names: Sequence[str]) -> None:
        changes, occasion = tags_deleted(names), Occasion("alice")
        events.record(tx, self.repository.id, changes, occasion, at=self.clock.now())

    async def work(self) -> int:
        ran = 0
        while await self.worker.run_one():
            ran += 1
        return ran

    async def states(self) -> list[tuple[str, str]]:
        found = await self.database.read(lambda tx: tx.all(_JOBS))
        return [(row["kind"], row["state"]) for row in found]

    async def waiting(self) -> int:
        return len(await self.database.read(lambda tx: tx.all(_EVENTS)))


@pytest.fixture
async def scene(database: Database) -> Scene:
    clock = FrozenClock(NOW)
    source = Source("http://registry", "127.0.0.1:5000", "instance")
    deliveries = Deliveries(database, clock, HttpSender(), source)
    worker = Worker(
        database, clock, delivery_handlers(deliveries), LocalSignal(), owner="worker"
    )
    repository = await database.write(rows.a_lone_repository)
    return Scene(database, clock, repository, worker)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as made:
        yield made


def tags(listener: Listener) -> list[str]:
    return [event["target"]["tag"] for event in listener.events]


async def test_nobody_listens_and_nothing_is_written(scene: Scene) -> None:
    await scene.delete_tags("a")
    assert await scene.states() == []
    assert await scene.waiting() == 0


async def test_events_arrive_in_order_and_are_forgotten(
    scene: Scene, listener: Listener
) -> None:
    await scene.listen(listener.url)
    await scene.delete_tags("a", "b")
    await scene.delete_tags("c")
    assert await scene.work() == 1
    assert tags(listener) == ["a", "b", "c"]
    ((path, headers, _body),) = listener.told
    assert path == "/hook?a=b"
    assert headers["Content-Type"] == MEDIA_TYPE
    assert await scene.waiting() == 0
    assert await scene.states() == [(JobKind.DELIVER_EVENTS, "succeeded")]


async def test_many_events_go_in_several_requests(
    scene: Scene, listener: Listener
) -> None:
    await scene.listen(listener.url)
    names = [f"v{number}" for number in range(250)]
    await scene.delete_tags(*names)
    await scene.work()
    assert tags(listener) == names
    assert len(listener.told) == 3


async def test_a_webhook_that_fails_is_told_again_later(scene: Scene) -> None:
    with listening(500, 404) as listener:
        await scene.listen(listener.url)
        await scene.delete_tags("a")
        assert await scene.work() == 1
        assert await scene.work() == 0
        await scene.delete_tags("b")
        scene.clock.advance(timedelta(seconds=1))
        assert await scene.work() == 1
        scene.clock.advance(timedelta(seconds=2))
        assert await scene.work() == 1
        first, second, third = [body for _path, _headers, body in listener.told]
    assert len(first) < len(second)
    assert second == third
    assert await scene.waiting() == 0


async def test_a_redirect_counts_as_told(scene: Scene) -> None:
    with listening(302) as listener:
        await scene.listen(listener.url)
        await scene.delete_tags("a")
        await scene.work()
    assert len(listener.told) == 1
    assert await scene.waiting() == 0


async def test_each_webhook_is_told_apart_from_others(
    scene: Scene, listener: Listener
) -> None:
    with listening(500) as broken:
        await scene.listen(broken.url, listener.url)
        await scene.delete_tags("a")
        await scene.work()
    assert tags(listener) == ["a"]
    assert await scene.waiting() == 1


async def test_a_later_event_begins_a_later_delivery(
    scene: Scene, listener: Listener
) -> None:
    await scene.listen(listener.url)
    for name in ("a", "b"):
        await scene.delete_tags(name)
        assert await scene.work() == 1
    assert tags(listener) == ["a", "b"]


async def test_no_event_is_left_behind_by_a_delivery_that_ends_just_then(
    scene: Scene, listener: Listener
) -> None:
    await scene.listen(listener.url)
    names = [f"v{number}" for number in range(60)]
    writing = asyncio.gather(*map(scene.delete_tags, names))
    while not writing.done():
        await scene.work()
        await asyncio.sleep(0)
    await scene.work()
    assert sorted(tags(listener)) == sorted(names)


async def test_a_delivery_that_was_given_up_is_taken_up_again(scene: Scene) -> None:
    with listening(*[500] * MAX_ATTEMPTS) as listener:
        await scene.listen(listener.url)
        await scene.delete_tags("a")
        for _ in range(MAX_ATTEMPTS):
            assert await scene.work() == 1
            scene.clock.advance(timedelta(minutes=10))
        assert (await scene.states())[0] == (JobKind.DELIVER_EVENTS, "failed")
        await queue_due(scene.database, scene.clock)
        await scene.work()
        assert len(listener.told) == MAX_ATTEMPTS + 1
    assert await scene.waiting() == 0


async def test_what_nobody_hears_for_a_week_is_given_up(scene: Scene) -> None:
    with listening(500, 500) as listener:
        await scene.listen(listener.url)
        await scene.delete_tags("a")
        await scene.work()
        scene.clock.advance(KEEP_EVENTS + timedelta(seconds=1))
        await queue_due(scene.database, scene.clock)
        await scene.work()
        assert len(listener.told) == 2
    assert await scene.waiting() == 0


async def test_a_setting_that_is_gone_takes_its_events_along(
    scene: Scene, listener: Listener
) -> None:
    await scene.listen(listener.url)
    await scene.delete_tags("a")
    await scene.listen()
    await scene.work()
    assert listener.told == []
    assert await scene.waiting() == 0


async def test_settings_that_stay_keep_their_events(
    scene: Scene, listener: Listener
) -> None:
    await scene.listen(listener.url)
    await scene.delete_tags("a")
    await scene.listen(listener.url, listener.url)
    await scene.work()
    assert tags(listener) == ["a"]


async def test_a_projects_webhook_hears_of_its_project_alone(scene: Scene) -> None:
    url, project_id = "http://192.0.2.1/", scene.repository.project_id

    def body(tx: Tx) -> bool:
        made = webhooks.create(tx, project_id, url, now=NOW)
        again = webhooks.create(tx, project_id, url, now=NOW)
        assert made is not None
        assert again is None
        assert webhooks.find(tx, made.id) == made
        assert webhooks.list_by_project(tx, project_id) == [made]
        return events.is_heard(tx, scene.repository.id)

    assert await scene.database.write(body)
    group = await scene.database.write(lambda tx: rows.a_group(tx, "other"))
    other = await scene.database.write(
        lambda tx: rows.a_repository(tx, rows.a_project(tx, group, "other"))
    )
    assert not await scene.database.read(lambda tx: events.is_heard(tx, other.id))


async def test_a_projects_webhook_may_not_lead_to_this_machine(
    scene: Scene, listener: Listener
) -> None:
    project_id = scene.repository.project_id
    await scene.database.write(
        lambda tx: webhooks.create(tx, project_id, listener.url, now=NOW)
    )
    await scene.delete_tags("a")
    await scene.work()
    assert listener.told == []
    assert await scene.waiting() == 1
