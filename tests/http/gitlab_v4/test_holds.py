from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from contract import rows
from contract.rows import NOW
from in_process.registry_api import RegistryApi, registry_api
from moorage.domain.access import Visibility

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from moorage.ports.database import Database


@pytest.fixture
async def api(database: Database) -> AsyncIterator[RegistryApi]:
    async with registry_api(database) as made:
        await made.put_equal_tags(["v1", "v2"])
        yield made


async def hold(api: RegistryApi, **body: Any) -> dict[str, Any]:
    wanted = {"reason": "production runs it", **body}
    answer = await api.call("POST", f"{api.path}/holds", json=wanted)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_tag_is_held_and_let_go(api: RegistryApi) -> None:
    made = await hold(api, tag="v1", expires_at="2024-03-01")
    tag = (await api.call("GET", f"{api.path}/tags/v1")).json()
    assert made == {
        "id": made["id"],
        "tag": "v1",
        "digest": tag["digest"],
        "reason": "production runs it",
        "created_by": "maintainer",
        "created_at": "2024-02-29T12:00:00.000Z",
        "expires_at": "2024-03-01T00:00:00.000Z",
    }
    listed = await api.call("GET", f"{api.path}/holds", "reporter")
    assert listed.json() == [made]
    assert listed.headers["x-total"] == "1"

    refused = await api.call("DELETE", f"{api.path}/tags/v1")
    assert refused.status_code == 409
    assert refused.json() == {
        "message": "tag v1 is held until 2024-03-01 00:00:00 UTC: production runs it"
    }
    path = f"{api.path}/holds/{made['id']}"
    assert (await api.call("DELETE", path)).status_code == 204
    assert (await api.call("DELETE", path)).status_code == 404
    assert (await api.call("DELETE", f"{api.path}/tags/v1")).status_code == 200


async def test_a_digest_is_held(api: RegistryApi) -> None:
    tag = (await api.call("GET", f"{api.path}/tags/v1")).json()
    made = await hold(api, digest=tag["digest"])
    assert (made["tag"], made["digest"], made["expires_at"]) == (
        None,
        tag["digest"],
        None,
    )
    assert (await api.call("DELETE", f"{api.path}/tags/v1")).status_code == 200


async def test_a_bulk_delete_keeps_a_held_tag(api: RegistryApi) -> None:
    await hold(api, tag="v1")
    await api.call("DELETE", f"{api.path}/tags", json={"name_regex_delete": ".*"})
    await api.run_jobs()
    assert await api.tag_names() == ["v1"]


async def test_a_repository_with_a_hold_is_not_deleted(api: RegistryApi) -> None:
    await hold(api, tag="v1")
    refused = await api.call("DELETE", api.path)
    assert refused.status_code == 409
    assert refused.json() == {"message": "v1 is held: production runs it"}
    assert (await api.call("GET", f"{api.path}/tags")).json()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"tag": "v1"}, "reason is missing"),
        ({"tag": "v1", "reason": " "}, "reason is empty"),
        (
            {"tag": "v1", "reason": "x" * 1001},
            "reason is longer than 1000 characters",
        ),
        ({"reason": "x"}, "tag, digest are mutually exclusive, one must be provided"),
        (
            {"reason": "x", "tag": "v1", "digest": "sha256:" + "0" * 64},
            "tag, digest are mutually exclusive, one must be provided",
        ),
        ({"reason": "x", "digest": "sha256:0"}, "digest is invalid"),
        ({"reason": "x", "tag": "v1", "expires_at": "soon"}, "expires_at is invalid"),
        (
            {"reason": "x", "tag": "v1", "expires_at": "0001-01-01T00:00:00+23:00"},
            "expires_at is invalid",
        ),
        (
            {"reason": "x", "tag": "v1", "expires_at": NOW.isoformat()},
            "expires_at must be in the future",
        ),
    ],
)
async def test_a_hold_that_makes_no_sense_is_refused(
    api: RegistryApi, body: dict[str, str], complaint: str
) -> None:
    answer = await api.call("POST", f"{api.path}/holds", json=body)
    assert (answer.status_code, answer.json()) == (400, {"error": complaint})


async def test_what_is_not_there_cannot_be_held(api: RegistryApi) -> None:
    for body in ({"tag": "v3"}, {"tag": "no tag"}, {"digest": "sha256:" + "0" * 64}):
        wanted = {"reason": "x", **body}
        answer = await api.call("POST", f"{api.path}/holds", json=wanted)
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("caller", "reading", "writing"),
    [
        ("anonymous", 404, 404),
        ("stranger", 404, 404),
        ("guest", 403, 403),
        ("reporter", 200, 403),
        ("developer", 200, 403),
        ("maintainer", 200, 201),
        ("administrator", 200, 201),
    ],
)
async def test_reporters_read_holds_and_maintainers_make_them(
    api: RegistryApi, caller: str, reading: int, writing: int
) -> None:
    path, body = f"{api.path}/holds", {"tag": "v1", "reason": "x"}
    assert (await api.call("GET", path, caller)).status_code == reading
    assert (await api.call("POST", path, caller, json=body)).status_code == writing
    deleted = await api.call("DELETE", f"{path}/1", caller)
    assert deleted.status_code == (204 if writing == 201 else writing)


async def test_a_visitor_of_a_public_project_does_not_read_reasons(
    api: RegistryApi,
) -> None:
    await api.set_visibility(Visibility.PUBLIC)
    assert (await api.call("GET", f"{api.path}/tags", "stranger")).status_code == 200
    assert (await api.call("GET", f"{api.path}/holds", "stranger")).status_code == 403


async def test_a_tag_says_more_when_asked(api: RegistryApi) -> None:
    plain = (await api.call("GET", f"{api.path}/tags/v1")).json()
    assert "held" not in plain
    await hold(api, tag="v1")
    more = (await api.call("GET", f"{api.path}/tags/v1?details=true")).json()
    assert {name: more[name] for name in plain} == plain
    assert {name: more[name] for name in more if name not in plain} == {
        "media_type": "application/vnd.oci.image.manifest.v1+json",
        "artifact_type": None,
        "platforms": [],
        "pushed_at": "2024-02-29T12:00:00.000+00:00",
        "last_pulled_at": None,
        "pull_count": 0,
        "exclusive_bytes": 0,
        "protected": False,
        "immutable": False,
        "held": True,
    }
    other = await api.call("GET", f"{api.path}/tags/v2?details=true")
    assert other.json()["held"] is False


async def test_holds_of_another_repository_are_none_of_this_one(
    api: RegistryApi,
) -> None:
    other = await api.database.write(
        lambda tx: rows.a_repository(tx, api.project, "other")
    )
    made = await hold(api, tag="v1")
    path = f"{api.repositories_path}/{other.id}/holds"
    assert (await api.call("GET", path)).json() == []
    assert (await api.call("DELETE", f"{path}/{made['id']}")).status_code == 404
