"""Moving from SQLite and files to PostgreSQL and S3, cut off in the middle."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from conftest import running_server
from live.estate import Estate
from live.images import Image, an_image
from live.postgres import PostgresCluster
from live.registry import expect
from live.s3 import S3Server, object_names
from live.server import PROGRAM, MoorageServer
from live.waiting import eventually

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.clients,
    pytest.mark.parametrize("s3_server", ["moto"], indirect=True),
]

REPOSITORY = "root/moving/app"

EXPIRE_UPLOADS = """
INSERT INTO job (kind, arguments, actor, state, attempts, run_at_us, done, total,
                 created_at_us)
VALUES ('expire_uploads', '{}', 'test', 'queued', 0, 0, 0, 0, 0) RETURNING id"""


@pytest.fixture
def source(s3_server: S3Server) -> Iterator[MoorageServer]:
    del s3_server
    with running_server(None, {"MOORAGE_WORKERS": "1"}) as server:
        yield server


@pytest.fixture
def target_url(postgres_cluster: PostgresCluster) -> Iterator[str]:
    url = postgres_cluster.create_database()
    yield url
    postgres_cluster.drop_database(url)


def rows(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def push_many(server: MoorageServer, count: int, name: str) -> dict[str, Image]:
    images = {
        f"{name}{number}": an_image(
            f"{name} {number}", layers=[f"{name} {number}".encode() * 50_000]
        )
        for number in range(count)
    }
    with server.registry() as registry:
        for tag, image in images.items():
            registry.push(REPOSITORY, tag, image)
    return images


def move(server: MoorageServer, target: tuple[str, str]) -> str:
    done = server.command("migrate-data", *options(target))
    assert done.returncode == 0, done.stderr
    return done.stdout


def options(target: tuple[str, str]) -> list[str]:
    return ["--to-database-url", target[0], "--to-storage-url", target[1]]


def kill_in_the_middle(server: MoorageServer, target: tuple[str, str]) -> int:
    """Kill the move once some blobs arrived; return how many did."""
    begun = subprocess.Popen(
        [PROGRAM, "migrate-data", "--data-dir", server.data_dir, *options(target)],
        stderr=subprocess.DEVNULL,
    )
    migrated = "SELECT 1 FROM pg_tables WHERE tablename = 'blob'"
    eventually(lambda: len(rows(target[0], migrated)), 1)
    eventually(lambda: rows(target[0], "SELECT count(*) > 4 FROM blob"), [(True,)])
    begun.send_signal(signal.SIGKILL)
    begun.wait()
    assert rows(target[0], "SELECT count(*) FROM account") == [(0,)]
    arrived: int = rows(target[0], "SELECT count(*) FROM blob")[0][0]
    return arrived


def test_all_is_at_the_target_after_a_kill_and_two_more_runs(
    source: MoorageServer,
    target_url: str,
    s3_server: S3Server,
    s3_url: str,
    tmp_path: Path,
) -> None:
    target = (target_url, s3_url)
    estate = Estate(source)
    group = estate.group()
    for _ in range(3):
        estate.project(estate.group(parent=group))
    images = push_many(source, 30, "early")
    arrived = kill_in_the_middle(source, target)
    assert arrived < 60
    images |= push_many(source, 2, "late")
    assert f"{arrived} were there" in move(source, target)
    images |= push_many(source, 1, "last")
    with source.registry() as registry:
        expect(registry.delete(REPOSITORY, "manifests", "early0"), 202)
        del images["early0"]
    deleted = estate.project()
    deleted.delete()
    estate.close()
    source.stop()
    assert move(source, target).startswith("2 blobs copied")
    settings = {
        "MOORAGE_STORAGE_URL": s3_url,
        "MOORAGE_ROOT_TOKEN": source.root_token,
        "MOORAGE_WORKERS": "1",
        "MOORAGE_UPLOAD_EXPIRY": "1s",
    }
    moved = MoorageServer(tmp_path, database_url=target_url, settings=settings)
    moved.root_token = source.root_token
    moved.start()
    try:
        check(moved, images, deleted.id)
        again = source.command("migrate-data", *options(target))
        assert (again.returncode, again.stderr) == (
            1,
            "the target database is in use: it is not written to\n",
        )
        # What the killed run left half-way goes like any upload without progress.
        rows(target_url, EXPIRE_UPLOADS)
        eventually(lambda: len(staged(s3_server, s3_url)), 0)
    finally:
        moved.stop()


def staged(server: S3Server, url: str) -> list[str]:
    return [name for name in object_names(server, url) if "upload" in name]


def check(server: MoorageServer, images: dict[str, Image], last_project: int) -> None:
    with server.registry() as registry:
        assert set(registry.tags(REPOSITORY)) == set(images)
        for tag, image in images.items():
            assert registry.pull(REPOSITORY, tag) == image.digest
    push_many(server, 1, "new")
    api = httpx.Client(
        base_url=f"{server.url}/api/v4",
        headers={"PRIVATE-TOKEN": server.root_token},
        trust_env=False,
    )
    with api:
        made = expect(api.post("/projects", json={"name": "after"}), 201)
        assert made.json()["id"] > last_project


def test_a_damaged_blob_is_named_and_nothing_is_moved(
    source: MoorageServer, target_url: str, s3_url: str
) -> None:
    push_many(source, 1, "image")
    blobs = source.data_dir / "blobs" / "sha256"
    damaged = max(blobs.glob("*/*"), key=lambda path: path.stat().st_size)
    damaged.write_bytes(b"?" * damaged.stat().st_size)
    done = source.command("migrate-data", *options((target_url, s3_url)))
    digest = damaged.name.partition(".")[0]
    assert done.stderr == f"the blob sha256:{digest} is damaged at the source\n"
    assert done.returncode == 1
    assert rows(target_url, "SELECT count(*) FROM account") == [(0,)]
