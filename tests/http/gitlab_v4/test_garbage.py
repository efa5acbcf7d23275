from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from contract import graph
from contract.rows import NOW
from in_process.registry_api import EXTERNAL_URL, RegistryApi, registry_api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.ports.database import Database

GARBAGE = "/registry/garbage"


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:
        yield made


async def lose(api: RegistryApi, size_bytes: int) -> None:
    """Make a blob that is in no repository."""
    await api.database.write(lambda tx: graph.a_blob(tx, size_bytes, NOW))


async def test_an_empty_queue(api: RegistryApi) -> None:
    answer = await api.call("GET", GARBAGE, "administrator")
    assert answer.status_code == 200
    assert answer.json() == {
        "paused": False,
        "paused_at": None,
        "paused_by": None,
        "candidates": {"manifests": 0, "links": 0, "blobs": 0, "tombstones": 0},
        "leased": {"manifests": 0, "links": 0, "blobs": 0},
        "oldest_at": None,
        "bytes_due": [{"hour": "2024-02-29T12:00:00.000Z", "bytes": 0}],
        "bytes_due_complete": True,
        "rate": {
            "since": "2024-02-29T11:00:00.000Z",
            "manifests_per_second": 0,
            "blobs_per_second": 0,
            "freed_bytes_per_second": 0,
        },
        "hours": [],
        "errors": [],
    }


async def test_a_run_is_a_job_and_shows_in_the_hour(api: RegistryApi) -> None:
    await lose(api, 7200)
    waiting = (await api.call("GET", GARBAGE, "administrator")).json()
    assert waiting["candidates"]["blobs"] == 1
    assert waiting["oldest_at"] == "2024-02-29T12:00:00.000Z"
    assert waiting["bytes_due"][0]["bytes"] == 7200

    answer = await api.call("POST", f"{GARBAGE}/run", "administrator")
    assert answer.status_code == 202
    location = answer.headers["location"]
    assert location == f"{EXTERNAL_URL}/api/v4/registry/jobs/{answer.json()['id']}"
    await api.run_jobs()
    path = location.removeprefix(f"{EXTERNAL_URL}/api/v4")
    job = (await api.call("GET", path, "administrator")).json()
    assert (job["kind"], job["state"]) == ("collect_garbage", "succeeded")
    assert job["result"]["freed_bytes"] == 7200

    api.clock.advance(timedelta(hours=1))
    after = (await api.call("GET", GARBAGE, "administrator")).json()
    assert after["candidates"]["blobs"] == 0
    assert after["hours"] == [
        {
            "hour": "2024-02-29T12:00:00.000Z",
            "manifests": 0,
            "links": 0,
            "blobs": 1,
            "freed_bytes": 7200,
            "errors": 0,
        }
    ]
    assert after["rate"]["freed_bytes_per_second"] == 2


async def test_paused_collection_refuses_a_run(api: RegistryApi) -> None:
    paused = await api.call("POST", f"{GARBAGE}/pause", "administrator")
    assert paused.status_code == 201
    assert paused.json()["paused"] is True
    assert paused.json()["paused_by"] == "administrator"
    refused = await api.call("POST", f"{GARBAGE}/run", "administrator")
    assert (refused.status_code, refused.json()) == (
        409,
        {"message": "collection is paused"},
    )
    resumed = await api.call("POST", f"{GARBAGE}/resume", "administrator")
    assert (resumed.status_code, resumed.json()["paused"]) == (201, False)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/run")],
)
async def test_it_is_for_administrators(
    api: RegistryApi, method: str, path: str
) -> None:
    for caller, status in (("anonymous", 401), ("owner", 403)):
        answer = await api.call(method, f"{GARBAGE}{path}", caller)
        assert answer.status_code == status
