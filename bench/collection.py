"""Work that collects: how fast, and what it costs those who push meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import time
import uuid
from typing import TYPE_CHECKING

from bench import load
from bench.client import Connection
from bench.errors import BenchmarkError
from bench.images import Image
from bench.load import Outcome
from bench.pushes import ImagePush
from bench.registry import expect, repository_scope
from bench.servers import MOORAGE, Role, Subject, program
from bench.works import Scale, Unit, Work, clients_text, fill_in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CLIENTS = 4
_LOT = 5_000
_STEPS = 5  # blobs go some thousand at a time: a short look would miss them
_PATIENCE_SECONDS = 30.0
_LONGEST_SECONDS = 900.0


class GarbageStock:
    """Blobs that nothing uses and whose leases are over, more than are collected."""

    def __init__(self, scale: Scale) -> None:
        self.count = scale.garbage
        self.repository = scale.repository("littered")

    def fill(self, subject: Subject) -> None:
        """Stop collection; put the blobs where the server would have."""
        subject.once("garbage", lambda: self._litter(subject))

    def _litter(self, subject: Subject) -> None:
        registry = subject.get_registry()
        with Connection(registry.endpoint) as connection:
            image = Image.build(1, 1024)
            registry.push_image(connection, self.repository, "kept", image)
        steer(subject, "pause")
        blobs = subject.folder / "data" / "blobs" / "sha256"
        for start in range(0, self.count, _LOT):
            _put_lot(subject, blobs, range(start, min(start + _LOT, self.count)))
        # Else everybody's first fsyncs wait until gigabytes of small files are on disk.
        os.sync()


def _put_lot(subject: Subject, folder: Path, numbers: range) -> None:
    rows = []
    for number in numbers:
        content = number.to_bytes(100)
        digest, generation = hashlib.sha256(content).hexdigest(), uuid.uuid4().hex
        path = folder / digest[:2] / f"{digest}.{generation}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        rows.append((f"sha256:{digest}", generation))
    with database(subject) as connection:
        connection.executemany(
            "INSERT INTO blob (digest, generation, size_bytes, lease_until_us,"
            " created_at_us) VALUES (?, ?, 100, 0, 0)",
            rows,
        )
        connection.execute(
            "INSERT INTO link (repository_id, blob_id, lease_until_us, created_at_us)"
            " SELECT (SELECT MIN(id) FROM repository), id, 0, 0 FROM blob"
            "  WHERE id > (SELECT COALESCE(MAX(blob_id), 0) FROM link)"
        )


def database(subject: Subject) -> sqlite3.Connection:
    """Open the database of a Moorage that runs with the defaults."""
    return sqlite3.connect(subject.folder / "data" / "moorage.db", timeout=60)


def steer(subject: Subject, what: str) -> bytes:
    """Have an administrator pause, resume or run collection; return the answer."""
    endpoint = subject.get_registry().endpoint
    request = (
        f"POST /api/v4/registry/garbage/{what} HTTP/1.1\r\n"
        f"Host: {endpoint.authority}\r\nContent-Length: 0\r\n"
        f"PRIVATE-TOKEN: {subject.private_token}\r\n\r\n"
    )
    with Connection(endpoint) as connection:
        answer = connection.exchange(request.encode())
    return expect(answer, 202 if what == "run" else 201, what).body


def _collected(subject: Subject) -> int:
    connection = database(subject)
    try:
        row = connection.execute("SELECT COALESCE(SUM(blobs), 0) FROM garbage_hour")
        return int(row.fetchone()[0])
    finally:
        connection.close()


def _wait_until(holds: Callable[[], bool], what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{what} within {seconds:g} s did not happen")
        time.sleep(0.02)


class PushBesideGarbage(Work):
    """Whole small images pushed while much waits to be collected, and is not."""

    unit = Unit.IMAGES
    roles = frozenset({Role.COLLECT_ONLINE})

    def __init__(self, scale: Scale, stock: GarbageStock) -> None:
        title = f"small image push, {clients_text(_CLIENTS)}, collection stopped"
        super().__init__(title, scale)
        self._stock = stock

    def prepare(self, subject: Subject) -> None:
        """Stop collection, and have something to collect."""
        self._stock.fill(subject)

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Push until time is up."""
        return _push(subject, self._stock.repository, seconds)


class CollectBesidePush(Work):
    """What is collected while clients push; the times are those of their images."""

    unit = Unit.REMOVALS
    roles = frozenset({Role.COLLECT_ONLINE})

    def __init__(self, scale: Scale, stock: GarbageStock) -> None:
        title = f"collection of {stock.count:,} blobs, {clients_text(_CLIENTS)} pushing"
        super().__init__(title, scale)
        self._stock = stock

    def prepare(self, subject: Subject) -> None:
        """Have something to collect."""
        self._stock.fill(subject)

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Let collection go on, push until time is up, stop it again."""
        before = _collected(subject)
        steer(subject, "resume")
        try:
            _wait_until(
                lambda: _collected(subject) > before, "collection", _PATIENCE_SECONDS
            )
            before = _collected(subject)
            outcome = _push(subject, self._stock.repository, _STEPS * seconds)
            outcome.amount = _collected(subject) - before
        finally:
            steer(subject, "pause")
        if not outcome.amount:
            raise BenchmarkError("nothing was collected meanwhile")
        return outcome


def _push(subject: Subject, repository: str, seconds: float) -> Outcome:
    registry = subject.get_registry()

    def turn(connection: Connection) -> float:
        return ImagePush.turn(registry, repository)(connection)

    return load.run_for(registry.endpoint, turn, clients=_CLIENTS, seconds=seconds)


class CollectHalf(Work):
    """Collection of everything that half of many images, deleted, leave behind.

    Moorage does it while it serves; docker-registry must not be written to meanwhile.
    """

    unit = Unit.REMOVALS
    roles = frozenset({Role.COLLECT})

    def __init__(self, scale: Scale, leaf: str = "halved") -> None:
        title = f"collection after half of {scale.collected:,} manifests were deleted"
        super().__init__(title, scale, 10)
        self.is_single = True
        self._repository = scale.repository(leaf)
        layer = Image.build(1, 1024)
        self._images = [layer.with_label(str(at)) for at in range(scale.collected)]

    def prepare(self, subject: Subject) -> None:
        """Push the images: a configuration and a manifest of its own each.

        Only Moorage needs tags, to keep the other half. docker-registry would go
        through all of them at each deletion, which is not what is measured.
        """
        registry, repository = subject.get_registry(), self._repository

        def push(image: Image) -> Callable[[Connection], None]:
            tag = f"v-{image.digest[7:19]}"
            reference = tag if subject.name == MOORAGE else image.digest
            return lambda line: registry.push_image(line, repository, reference, image)

        fill_in_parallel(registry, [push(image) for image in self._images])

    def run(self, subject: Subject, seconds: float) -> Outcome:
        """Delete every second image, then collect all that this leaves."""
        del seconds
        gone = self._images[::2]
        self._delete(subject, gone)
        outcome = Outcome(amount=len(gone))
        if subject.name == MOORAGE:
            _end_leases(subject, self._repository)
            with load.stopwatch(outcome):
                _collect(subject)
        else:
            config = subject.folder / "config.yml"
            with load.stopwatch(outcome):
                _run_offline([program("docker-registry"), "garbage-collect", config])
        return outcome

    def _delete(self, subject: Subject, gone: list[Image]) -> None:
        registry, scope = subject.get_registry(), repository_scope(self._repository)
        scope = scope.replace("pull,push", "pull,push,delete")

        def delete(image: Image) -> Callable[[Connection], object]:
            path = f"/v2/{self._repository}/manifests/{image.digest}"
            return lambda line: expect(
                line.exchange(registry.request("DELETE", path, scope)), 202, path
            )

        fill_in_parallel(registry, [delete(image) for image in gone])


def _end_leases(subject: Subject, repository: str) -> None:
    """Do what the hours would for which deleted images are kept.

    Only in this repository: what else was pushed has hours of its own.
    """
    where = (
        "WHERE lease_until_us IS NOT NULL"
        " AND repository_id = (SELECT id FROM repository WHERE path = ?)"
    )
    blobs = f"id IN (SELECT blob_id FROM link {where})"  # noqa: S608 (no value)
    with database(subject) as connection:
        for table, chosen in (
            ("blob", f"WHERE lease_until_us IS NOT NULL AND {blobs}"),
            ("link", where),
            ("manifest", where),
        ):
            connection.execute(
                f"UPDATE {table} SET lease_until_us = 1 {chosen}",  # noqa: S608
                (repository,),
            )


def _collect(subject: Subject) -> None:
    job_id = json.loads(steer(subject, "run"))["id"]
    endpoint = subject.get_registry().endpoint
    request = (
        f"GET /api/v4/registry/jobs/{job_id} HTTP/1.1\r\n"
        f"Host: {endpoint.authority}\r\n"
        f"PRIVATE-TOKEN: {subject.private_token}\r\n\r\n"
    ).encode()
    with Connection(endpoint) as connection:
        _wait_until(
            lambda: (
                json.loads(connection.exchange(request).body)["state"] == "succeeded"
            ),
            "collection",
            _LONGEST_SECONDS,
        )


def _run_offline(command: list[object]) -> None:
    done = subprocess.run(
        [str(each) for each in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(done.stderr.decode(errors="replace")[-300:])
