"""Upload sessions that nobody goes on with."""

import os
from pathlib import Path

import pytest

from in_process.blob_places import BlobPlace
from in_process.registry import Registry, codes
from moorage.domain.digest import Digest
from moorage.domain.uploads import StagedBytes
from moorage.jobs.schedule import queue_due
from moorage.ports.blobs import BlobKey
from moorage.ports.query import Query
from moorage.services import uploads
from moorage.wiring import Services

NAME = "root/app/image"
CONTENT = b"0123456789"
DIGEST = Digest.of(CONTENT)

AGE = Query("test.age", "UPDATE upload SET updated_at_us = 0 WHERE id = :id")
LOSE = Query("test.lose", "DELETE FROM upload WHERE id = :id")
COUNT = Query("test.count", "SELECT count(*) AS number FROM upload")


async def grow_old(services: Services, location: str) -> None:
    upload_id = location.rpartition("/")[2]
    changed = await services.database.write(lambda tx: tx.run(AGE, id=upload_id))
    assert changed == 1


async def run_due_jobs(services: Services) -> None:
    await queue_due(services.database, services.clock)
    while await services.worker.run_one():
        pass


async def sessions(services: Services) -> int:
    row = await services.database.read(lambda tx: tx.one(COUNT))
    assert row is not None
    found: int = row["number"]
    return found


async def test_a_session_without_progress_ends_and_leaves_nothing(
    services: Services, registry: Registry, blob_place: BlobPlace
) -> None:
    location = await registry.start_upload(NAME)
    await registry.send("PATCH", location, content=CONTENT)
    assert len(blob_place.names()) == 1
    await grow_old(services, location)
    await run_due_jobs(services)
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        response = await registry.send(method, f"{location}?digest={DIGEST}")
        assert response.status_code == 404
        assert codes(response) == ["BLOB_UPLOAD_UNKNOWN"]
    assert blob_place.names() == []
    assert await sessions(services) == 0


@pytest.mark.parametrize("blobs", ["files"], indirect=True)
@pytest.mark.parametrize("lost", ["closing", "session"])
async def test_what_a_power_cut_left_of_a_commit_goes(
    services: Services,
    registry: Registry,
    blob_place: BlobPlace,
    tmp_path: Path,
    lost: str,
) -> None:
    location = await registry.start_upload(NAME)
    await registry.send("PATCH", location, content=CONTENT)
    upload_id = location.rpartition("/")[2]
    staged = StagedBytes(len(CONTENT))
    await services.store.commit(upload_id, staged, BlobKey(DIGEST, upload_id))
    assert len(blob_place.names()) == 2
    await grow_old(services, location)
    if lost == "session":
        await services.database.write(lambda tx: tx.run(LOSE, id=upload_id))
    for path in (tmp_path / "blobs" / "uploads").iterdir():
        os.utime(path, (0, 0))
    await run_due_jobs(services)
    assert blob_place.names() == []
    assert await sessions(services) == 0


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
    services: Services, registry: Registry
) -> None:
    location = await registry.start_upload(NAME)
    await grow_old(services, location)
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
