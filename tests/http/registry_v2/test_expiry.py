"""Upload sessions that nobody goes on with."""

import os
from functools import partial
from pathlib import Path

import pytest

from in_process.blob_places import BlobPlace, Folder
from in_process.registry import Registry, codes
from moorage.domain.digest import Digest
from moorage.domain.uploads import StagedBytes
from moorage.jobs.schedule import queue_due
from moorage.ports.blobs import BlobKey
from moorage.ports.database import Tx
from moorage.ports.query import Query
from moorage.services import uploads
from moorage.wiring import Services

NAME = "root/app/image"
CONTENT = b"0123456789"
DIGEST = Digest.of(CONTENT)

AGE = Query("test.age", "UPDATE upload SET updated_at_us = 0")
BURY = (
    Query("test.unlink", "DELETE FROM link"),
    Query("test.bury", "UPDATE blob SET deleted_at_us = 1, retry_at_us = 1"),
)
COUNT = Query("test.count", "SELECT count(*) AS number FROM upload")


async def grow_old(services: Services, place: BlobPlace) -> None:
    if not isinstance(place, Folder):
        assert await services.database.write(lambda tx: tx.run(AGE)) == 1
        return
    for path in (place.path / "uploads").iterdir():
        os.utime(path, (0, 0))


async def run_due_jobs(services: Services) -> None:
    await queue_due(services.database, services.clock)
    while await services.worker.run_one():
        pass


async def sessions(services: Services) -> int:
    row = await services.database.read(lambda tx: tx.one(COUNT))
    assert row is not None
    found: int = row["number"]
    return found


@pytest.mark.parametrize("blobs", ["moto"], indirect=True)
async def test_who_ended_a_session_by_a_known_blob_may_say_so_again(
    registry: Registry,
) -> None:
    await registry.push_blob("root/app/other", CONTENT)
    location = await registry.start_upload(NAME)
    await registry.send("PATCH", location, content=CONTENT)
    for _ in range(2):
        answer = await registry.send("PUT", f"{location}?digest={DIGEST}")
        assert answer.status_code == 201
    another = await registry.send("PUT", f"{location}?digest={Digest.of(b'other')}")
    assert another.status_code == 404
    assert (await registry.send("GET", location)).status_code == 404


@pytest.mark.parametrize("blobs", ["moto"], indirect=True)
async def test_a_session_that_a_known_blob_ended_is_forgotten(
    services: Services, registry: Registry, blob_place: BlobPlace
) -> None:
    for _ in range(2):
        await registry.push_blob(NAME, CONTENT)
    kept = blob_place.names()
    await grow_old(services, blob_place)
    await run_due_jobs(services)
    assert await sessions(services) == 0
    assert blob_place.names() == kept
    assert (await registry.send("GET", f"/v2/{NAME}/blobs/{DIGEST}")).content == CONTENT


async def test_a_session_without_progress_ends_and_leaves_nothing(
    services: Services, registry: Registry, blob_place: BlobPlace
) -> None:
    location = await registry.start_upload(NAME)
    # Few bytes would be kept in the session's row, where the store wants that.
    await registry.send("PATCH", location, content=CONTENT * 10_000)
    assert len(blob_place.names()) == 1
    await grow_old(services, blob_place)
    await run_due_jobs(services)
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        response = await registry.send(method, f"{location}?digest={DIGEST}")
        assert response.status_code == 404
        assert codes(response) == ["BLOB_UPLOAD_UNKNOWN"]
    assert blob_place.names() == []
    assert await sessions(services) == 0


async def commit_alone(services: Services, location: str) -> str:
    """Do of a closing request what comes before its row; return the session's id."""
    upload_id = location.rpartition("/")[2]
    staged = StagedBytes(len(CONTENT))
    await services.store.commit(upload_id, staged, BlobKey(DIGEST, upload_id))
    return upload_id


@pytest.mark.parametrize("blobs", ["files"], indirect=True)
async def test_what_a_crash_left_of_a_commit_goes(
    services: Services, registry: Registry, blob_place: BlobPlace
) -> None:
    await registry.push_blob(NAME, b"other")
    location = await registry.start_upload(NAME)
    await registry.send("PATCH", location, content=CONTENT)
    await commit_alone(services, location)
    assert len(blob_place.names()) == 3
    await grow_old(services, blob_place)
    await run_due_jobs(services)
    assert len(blob_place.names()) == 1


@pytest.mark.parametrize("blobs", ["files"], indirect=True)
async def test_a_push_that_broke_off_after_its_commit_goes_on(
    services: Services, registry: Registry, blob_place: BlobPlace
) -> None:
    location = await registry.start_upload(NAME)
    await registry.send("PATCH", location, content=CONTENT)
    upload_id = await commit_alone(services, location)
    response = await registry.send("PATCH", location, content=b"more")
    assert codes(response) == ["BLOB_UPLOAD_INVALID"]
    response = await registry.send("PUT", f"{location}?digest={DIGEST}")
    assert response.status_code == 201
    assert blob_place.names() == [f"{DIGEST.hex}.{upload_id}"]


def _run(query: Query, tx: Tx) -> int:
    return tx.run(query)


@pytest.mark.parametrize("blobs", ["files"], indirect=True)
async def test_a_blob_that_was_collected_does_not_come_back_under_its_old_name(
    services: Services, registry: Registry, blob_place: BlobPlace, tmp_path: Path
) -> None:
    location = await registry.start_upload(NAME)
    await registry.send("PUT", f"{location}?digest={DIGEST}", content=CONTENT)
    # A crash kept the session from its end; now the blob is being collected.
    upload_id = location.rpartition("/")[2]
    stored = next((tmp_path / "blobs" / "sha256").glob("*/*"))
    os.link(stored, tmp_path / "blobs" / "uploads" / upload_id)
    for step in BURY:
        await services.database.write(partial(_run, step))
    response = await registry.send("PUT", f"{location}?digest={DIGEST}")
    assert codes(response) == ["BLOB_UPLOAD_UNKNOWN"]
    await services.garbage.collect()
    assert blob_place.names() == []


@pytest.mark.parametrize("blobs", ["files"], indirect=True)
async def test_bytes_that_a_power_cut_changed_are_found_out(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_HASHERS", 0)  # nothing survives in memory
    location = await registry.start_upload(NAME)
    await registry.send("PATCH", location, content=CONTENT)
    staged = tmp_path / "blobs" / "uploads" / location.rpartition("/")[2]
    staged.write_bytes(bytes(len(CONTENT)))
    response = await registry.send("PUT", f"{location}?digest={DIGEST}")
    assert codes(response) == ["DIGEST_INVALID"]


async def test_a_session_that_goes_on_stays(
    services: Services, registry: Registry, blob_place: BlobPlace
) -> None:
    location = await registry.start_upload(NAME)
    await grow_old(services, blob_place)
    await registry.send("PATCH", location, content=CONTENT)
    await run_due_jobs(services)
    response = await registry.send("PUT", f"{location}?digest={DIGEST}")
    assert response.status_code == 201
    assert await sessions(services) == 0


async def test_sessions_that_never_were(registry: Registry) -> None:
    await registry.push_blob(NAME, CONTENT)
    for upload_id in ("x", "0" * 32, "%2e%2e", "%00", "a" * 300):
        path = f"/v2/{NAME}/blobs/uploads/{upload_id}?digest={DIGEST}"
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            response = await registry.send(method, path)
            assert response.status_code == 404
            assert codes(response) == ["BLOB_UPLOAD_UNKNOWN"]
