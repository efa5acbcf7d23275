"""Every answer of GitLab's own calls is one that clients with static types can read.

``in_process.documented`` holds all answers of the tests to these types; here is shown
that they are strict, and that no call has none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from in_process.client_types import OF_CALLS, read
from moorage.http.gitlab_v4.app import ROUTES

if TYPE_CHECKING:
    from in_process.api import Api

ADDED = (
    "/openapi.json",
    "/docs",
    "/session",
    "/ci_job_tokens",
    "/plans",
    "/policies",
    "/history",
    "/restore",
    "/purge",
    "/jobs",
    "/webhooks",
    "/holds",
    "/why",
    "/garbage",
    "/usage",
    "/by-path",
    "/projects/{id}/registry/tags",
    "/groups/{id}/registry/tags",
)


def test_every_call_of_gitlab_s_that_answers_with_something_has_a_type() -> None:
    expected = {
        f"{route.method} {route.path}"
        for route in ROUTES
        if not any(part in route.path for part in ADDED)
        and any(answer is not None for answer in route.operation.answers.values())
    }
    assert set(OF_CALLS) == expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("id",), "1"),
        (("id",), None),
        (("archived",), "false"),
        (("created_at",), "yesterday"),
        (("created_at",), "2024-02-29T12:00:00"),
        (("last_activity_at",), None),
        (("tag_list",), None),
        (("namespace",), "group"),
        (("namespace", "id"), 1.5),
        (("container_expiration_policy", "keep_n"), "10"),
        (("permissions", "project_access"), 50),
        (("_links", "self"), None),
    ],
)
async def test_one_field_of_another_type_fails_a_whole_answer(
    api: Api, path: tuple[str, ...], value: object
) -> None:
    project = await api.project()
    shown = await api.get(f"/projects/{project['id']}")
    read("PUT /projects/{id}", json.dumps(shown).encode())
    inner: Any = shown
    for name in path[:-1]:
        inner = inner[name]
    assert path[-1] in inner
    inner[path[-1]] = value
    with pytest.raises(msgspec.ValidationError):
        read("PUT /projects/{id}", json.dumps(shown).encode())


async def test_what_clients_send_of_their_own_accord_is_taken(api: Api) -> None:
    # The Go client sends fields that are not set as null, dates as times of a day.
    project, person = await api.project(), await api.person()
    member = {"user_id": person.id, "access_level": 30, "expires_at": None}
    made = await api.post(f"/projects/{project['id']}/members", member)
    assert made["expires_at"] is None
    token = {
        "name": "ci",
        "expires_at": "2090-01-01T00:00:00Z",
        "scopes": ["read_registry"],
    }
    made = await api.post(f"/projects/{project['id']}/deploy_tokens", token)
    assert made["expires_at"] == "2090-01-01T00:00:00.000Z"
    share = {"group_id": (await api.group())["id"], "group_access": 30}
    shared = {**share, "expires_at": None}
    made = await api.post(f"/projects/{project['id']}/share", shared)
    assert made["expires_at"] is None
    policy = {"cadence": "7d", "name_regex": "v.*", "name_regex_delete": "dev-.*"}
    body = {"container_expiration_policy_attributes": policy}
    path = f"/projects/{project['id']}"
    changed = (await api.call("PUT", path, json=body)).json()
    assert changed["container_expiration_policy"]["name_regex"] == "dev-.*"
