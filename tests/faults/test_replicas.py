"""Replicas, workers, PostgreSQL, object store and nginx: each fails under load.

The tests share one installation, in their order: the last one asks what is left of it.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from conftest import running_cluster
from live.ceph import CephServer
from live.faulty import Fault, FaultyProxy, running_proxy
from live.images import an_image, digest_of
from live.postgres import PostgresCluster
from live.registry import RegistryClient, UnexpectedAnswerError, expect, stored_bytes
from live.replicas import REPLICAS, WORKERS, Fleet
from live.s3 import S3Server, object_names, storage_url
from live.server import MoorageServer
from live.waiting import eventually
from moorage.jobs.schedule import EVERY

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.s3,
    pytest.mark.alone,
    pytest.mark.timeout(600),
    pytest.mark.parametrize("s3_server", ["ceph"], indirect=True, scope="module"),
]

SETTINGS = {
    "MOORAGE_GC_LEASE": "10m",
    "MOORAGE_UNDO_WINDOW": "0",
    "MOORAGE_UPLOAD_EXPIRY": "1s",
    "MOORAGE_SHUTDOWN_DELAY": "1s",
}
PUSHERS = 3
PATIENCE_SECONDS = 60
CUT_BYTES = 424_242
REPOSITORY = "root/replicas/app"


@dataclass
class Installation:
    """What the tests share."""

    fleet: Fleet
    cluster: PostgresCluster
    proxy: FaultyProxy
    server: S3Server
    place: str

    def rows(self, statement: str) -> list[Any]:
        with psycopg.connect(self.fleet.database_url, autocommit=True) as connection:
            # The statements are this file's own.
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def objects(self) -> list[str]:
        return object_names(self.server, self.place)


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresCluster]:
    with running_cluster(durable=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def all_of_it(
    s3_server: CephServer, cluster: PostgresCluster
) -> Iterator[Installation]:
    place = storage_url(s3_server)
    with (
        tempfile.TemporaryDirectory(prefix="moorage-replicas-") as folder,
        running_proxy(s3_server.endpoint) as proxy,
    ):
        through_proxy = place.replace(_quoted(s3_server), _quoted(proxy))
        url = cluster.create_database()
        fleet = Fleet(Path(folder), url, through_proxy, SETTINGS)
        try:
            fleet.start()
            yield Installation(fleet, cluster, proxy, s3_server, place)
        finally:
            fleet.stop()


def _quoted(server: S3Server | FaultyProxy) -> str:
    return server.endpoint.rpartition(":")[2]


@dataclass
class Pusher:
    """Pushes through nginx, again where he is told that it may help.

    Only a lost connection and 5xx say so: any other answer ends the test. But a crash
    of PostgreSQL may take upload sessions of the last moments, which nobody was
    promised.
    """

    fleet: Fleet
    number: int
    acknowledged: dict[str, str] = field(default_factory=dict)
    failures: int = 0
    sessions_may_go: bool = False
    ended_by: Exception | None = None

    @property
    def repository(self) -> str:
        return f"root/replicas/load{self.number}"

    def push_until(self, stop: threading.Event) -> None:
        chance = random.Random(self.number)  # noqa: S311 (content, no secret)
        with self.fleet.client() as client:
            while not stop.is_set():
                try:
                    self._push_another(client, chance)
                except Exception as error:
                    self.ended_by = error
                    raise

    def _push_another(self, client: RegistryClient, chance: random.Random) -> None:
        count = len(self.acknowledged) + 1
        layer = chance.randbytes(chance.randint(1_000, 200_000))
        image = an_image(f"{self.number} {count}", layers=[layer])
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                client.push(self.repository, f"v{count}", image)
            except (httpx.TransportError, UnexpectedAnswerError) as error:
                if time.monotonic() > deadline or not self._may_try_again(error):
                    raise
                self.failures += 1
                time.sleep(0.1)
            else:
                self.acknowledged[f"v{count}"] = image.digest
                return

    def _may_try_again(self, error: Exception) -> bool:
        if not isinstance(error, UnexpectedAnswerError) or error.status >= 500:
            return True
        return self.sessions_may_go and "BLOB_UPLOAD_UNKNOWN" in error.answer.text


@contextmanager
def load(fleet: Fleet, *, sessions_may_go: bool = False) -> Iterator[list[Pusher]]:
    """Push all the time; what was acknowledged is there at the end."""
    stop = threading.Event()
    pushers = [
        Pusher(fleet, number, sessions_may_go=sessions_may_go)
        for number in range(PUSHERS)
    ]
    with ThreadPoolExecutor(PUSHERS) as threads:
        running: list[Future[None]] = [
            threads.submit(pusher.push_until, stop) for pusher in pushers
        ]
        try:
            yield pushers
            progress(pushers)
        finally:
            stop.set()
        for one in running:
            one.result()
    with fleet.client() as client:
        for pusher in pushers:
            assert set(client.tags(pusher.repository)) >= set(pusher.acknowledged)
            for digest in pusher.acknowledged.values():
                assert client.pull(pusher.repository, digest) == digest


def progress(pushers: list[Pusher]) -> None:
    """Wait until everybody got something done."""
    before = [len(pusher.acknowledged) for pusher in pushers]

    def ended() -> list[Exception]:
        return [one.ended_by for one in pushers if one.ended_by is not None]

    eventually(
        lambda: (
            bool(ended())
            or all(
                len(pusher.acknowledged) > count
                for pusher, count in zip(pushers, before, strict=True)
            )
        ),
        expected=True,
        seconds=PATIENCE_SECONDS,
    )
    assert ended() == []


def test_who_starts_together_takes_each_turn_of_the_schedule_once(
    all_of_it: Installation,
) -> None:
    def turns() -> list[Any]:
        return all_of_it.rows(
            "SELECT kind, count(*), max(attempts), min(state) FROM job "
            "WHERE actor = 'schedule' GROUP BY kind ORDER BY kind"
        )

    once = [(kind, 1, 1, "succeeded") for kind in sorted(EVERY)]
    eventually(turns, once)


def test_chunks_of_an_upload_go_to_three_replicas(all_of_it: Installation) -> None:
    chunks = [bytes([number]) * 6_000_000 for number in range(REPLICAS)]
    content = b"".join(chunks)
    clients = [all_of_it.fleet.client(one) for one in all_of_it.fleet.replicas]
    path = httpx.URL(clients[0].start_upload(REPOSITORY)).raw_path.decode()
    for client, chunk in zip(clients, chunks, strict=True):
        location = client.append(REPOSITORY, path, chunk)
        path = httpx.URL(location).raw_path.decode()
    clients[0].finish(REPOSITORY, path, digest_of(content))
    for client in clients:
        assert client.blob(REPOSITORY, digest_of(content)).content == content
        client.http.close()


def test_what_one_replica_was_given_every_other_serves_at_once(
    all_of_it: Installation,
) -> None:
    clients = [all_of_it.fleet.client(one) for one in all_of_it.fleet.replicas]
    images = [an_image(f"image {number}") for number in range(5)]
    for image in images:
        clients[0].push(REPOSITORY, "pushed", image)
        assert clients[1].pull(REPOSITORY, "pushed") == image.digest
    for turn in range(60):
        image, writer = images[turn % 5], turn % REPLICAS
        clients[writer].put_manifest(
            REPOSITORY, "moving", image.manifest, image.media_type
        )
        for client in clients:
            found = client.manifest(REPOSITORY, "moving")
            assert found.headers["Docker-Content-Digest"] == image.digest
    expect(clients[0].delete(REPOSITORY, "manifests", "moving"), 202)
    for client in clients:
        assert client.manifest(REPOSITORY, "moving").status_code == 404
        client.http.close()


PHASES = ("begun", "half a chunk", "a chunk", "closing", "manifest")


@pytest.mark.parametrize("number", range(len(PHASES)), ids=PHASES)
def test_a_push_goes_on_when_its_replica_is_killed(
    all_of_it: Installation, number: int
) -> None:
    fleet, victim = all_of_it.fleet, all_of_it.fleet.replicas[number % REPLICAS]
    image = an_image(f"phase {number}", layers=[bytes([number]) * 700_000])
    with load(fleet) as pushers, fleet.client() as client:
        progress(pushers)
        with fleet.client(victim) as doomed:
            go_as_far_as(PHASES[number], doomed, victim, image.blobs[1])
        victim.kill9()
        progress(pushers)
        finish_upload(client, image.blobs[1])
        client.push_blob(REPOSITORY, image.blobs[0])
        client.put_manifest(REPOSITORY, "phase", image.manifest, image.media_type)
        victim.start()
    with fleet.client(victim) as again:
        assert again.pull(REPOSITORY, "phase") == image.digest


LOCATIONS: dict[str, str] = {}


def go_as_far_as(
    phase: str, doomed: RegistryClient, victim: MoorageServer, layer: bytes
) -> None:
    """Begin to push a layer; the replica dies during the last request or after it."""
    LOCATIONS.clear()
    location = doomed.start_upload(REPOSITORY)
    if phase in {"a chunk", "closing"}:
        location = doomed.append(REPOSITORY, location, layer[:300_000])
    LOCATIONS["path"] = httpx.URL(location).raw_path.decode()
    if phase == "half a chunk":

        def dying() -> Iterator[bytes]:
            yield layer[:200_000]
            time.sleep(0.2)
            victim.kill9()
            yield layer[200_000:]

        with pytest.raises(httpx.TransportError):
            doomed.append(REPOSITORY, location, dying())
    if phase == "closing":
        with ThreadPoolExecutor(1) as thread:
            closing = thread.submit(
                doomed.finish, REPOSITORY, location, digest_of(layer), layer[300_000:]
            )
            time.sleep(0.01)
            victim.kill9()
            closing.exception()
    if phase == "manifest":
        doomed.finish(REPOSITORY, location, digest_of(layer), layer)


def finish_upload(client: RegistryClient, layer: bytes) -> None:
    """Go on where the upload is, elsewhere; from the start where it is no more."""
    if client.blob(REPOSITORY, digest_of(layer)).status_code == 200:
        return
    path = LOCATIONS["path"]
    status = expect(client.upload_status(REPOSITORY, path), 204)
    rest = layer[stored_bytes(status) :]
    client.finish(REPOSITORY, path, digest_of(layer), rest)


def test_replicas_restart_one_after_another_and_no_request_fails(
    all_of_it: Installation,
) -> None:
    with load(all_of_it.fleet) as pushers:
        for replica in all_of_it.fleet.replicas:
            progress(pushers)
            replica.restart()
    assert [pusher.failures for pusher in pushers] == [0] * PUSHERS


def test_postgres_may_hang(all_of_it: Installation) -> None:
    def readiness() -> int:
        return httpx.get(f"{all_of_it.fleet.nginx.url}/-/readiness").status_code

    with load(all_of_it.fleet) as pushers:
        progress(pushers)
        all_of_it.cluster.freeze()
        eventually(readiness, 503)
        all_of_it.cluster.thaw()
        progress(pushers)
        eventually(readiness, 200)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_postgres_may_be_restarted(all_of_it: Installation, mode: str) -> None:
    crash = mode == "immediate"
    with load(all_of_it.fleet, sessions_may_go=crash) as pushers:
        progress(pushers)
        all_of_it.cluster.restart(mode)
        progress(pushers)
    assert all_of_it.fleet.workers_alive() == WORKERS


FAULTS: tuple[Fault, ...] = (
    "slow down",
    "internal error",
    "reset",
    "reset after success",
    "short",
    "truncated",
)


def test_the_object_store_may_fail_in_every_way(all_of_it: Installation) -> None:
    with load(all_of_it.fleet) as pushers:
        for fault in FAULTS:
            all_of_it.proxy.fault = fault
            progress(pushers)
        all_of_it.proxy.down = True
        time.sleep(2)
        all_of_it.proxy.fault, all_of_it.proxy.down = None, False


# A row of this one size loses its connection in the commit.
CUT = f"""
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER die AFTER INSERT ON blob DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.size_bytes = {CUT_BYTES}) EXECUTE FUNCTION die();
"""


def test_bytes_whose_row_was_not_committed_are_no_blob_until_tried_again(
    all_of_it: Installation,
) -> None:
    content = b"x" * CUT_BYTES
    digest, given_up = digest_of(content), digest_of(content[:-1] + b"y")
    all_of_it.rows(CUT)
    with all_of_it.fleet.client() as client:
        location = client.start_upload(REPOSITORY)
        for path, what in (
            (location, content),
            (client.start_upload(REPOSITORY), content[:-1] + b"y"),
        ):
            with pytest.raises(UnexpectedAnswerError) as caught:
                client.finish(REPOSITORY, path, digest_of(what), what)
            assert caught.value.status == 503
        for name in (digest, given_up):
            assert client.blob(REPOSITORY, name).status_code == 404
            assert any(name[7:] in found for found in all_of_it.objects())
        all_of_it.rows("DROP FUNCTION die() CASCADE")
        done = stored_bytes(client.upload_status(REPOSITORY, location))
        client.finish(REPOSITORY, location, digest, content[done:])
        assert client.blob(REPOSITORY, digest).content == content


def test_no_job_runs_twice_and_nothing_unreachable_is_left(
    all_of_it: Installation,
) -> None:
    api = f"{all_of_it.fleet.nginx.url}/api/v4"
    headers = {"PRIVATE-TOKEN": all_of_it.fleet.settings["MOORAGE_ROOT_TOKEN"]}
    found = all_of_it.rows("SELECT id, project_id, tag_count FROM repository")
    with httpx.Client(headers=headers, trust_env=False, timeout=60) as client:
        for repository_id, project_id, _ in found:
            path = f"projects/{project_id}/registry/repositories/{repository_id}"
            expect(client.delete(f"{api}/{path}"), 202)
    # No session that was left may be younger than its expiry.
    time.sleep(1.5)
    all_of_it.rows(
        "INSERT INTO job (kind, arguments, actor, state, attempts, run_at_us, done, "
        "total, created_at_us) "
        "VALUES ('expire_uploads', '{}', 'test', 'queued', 0, 0, 0, 0, 0)"
    )
    jobs = "SELECT count(*) FROM job WHERE state IN ('queued', 'running')"
    eventually(lambda: all_of_it.rows(jobs), [(0,)], PATIENCE_SECONDS)
    deleted = all_of_it.rows(
        "SELECT attempts FROM job WHERE kind = 'delete_repository'"
    )
    assert deleted == [(1,)] * len(found)
    for table in ("manifest", "link", "blob"):
        all_of_it.rows(
            f"UPDATE {table} SET lease_until_us = 0 WHERE lease_until_us IS NOT NULL"  # noqa: S608
        )
    eventually(lambda: len(all_of_it.objects()), 0, PATIENCE_SECONDS)
    # The objects go first, then the rows that knew of them.
    blobs = "SELECT count(*) FROM blob"
    eventually(lambda: all_of_it.rows(blobs), [(0,)], PATIENCE_SECONDS)
