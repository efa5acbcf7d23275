from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from in_process.api import Api

SCOPES = ["read_registry", "write_registry"]


def base(of: dict[str, Any]) -> str:
    folder = "projects" if "path_with_namespace" in of else "groups"
    return f"/{folder}/{of['id']}/deploy_tokens"


async def place(api: Api, folder: str) -> dict[str, Any]:
    return await (api.project() if folder == "projects" else api.group())


@pytest.mark.parametrize("folder", ["projects", "groups"])
async def test_a_deploy_token_s_life(api: Api, folder: str) -> None:
    path = base(await place(api, folder))
    made = await api.post(
        path, {"name": "ci", "scopes": SCOPES, "expires_at": "2031-01-01"}
    )
    secret = made.pop("token")
    assert secret.startswith("gldt-")
    assert made == {
        "id": made["id"],
        "name": "ci",
        "username": f"gitlab+deploy-token-{made['id']}",
        "expires_at": "2031-01-01T00:00:00.000Z",
        "scopes": SCOPES,
        "revoked": False,
        "expired": False,
    }
    assert await api.get(path) == [made]
    assert await api.get(f"{path}/{made['id']}") == made
    assert await api.get("/deploy_tokens") == [made]
    response = await api.call("DELETE", f"{path}/{made['id']}")
    assert response.status_code == 204
    assert await api.get(path) == []
    for method in ("GET", "DELETE"):
        response = await api.call(method, f"{path}/{made['id']}")
        assert response.status_code == 404


async def test_a_user_name_of_one_s_own_and_no_end(api: Api) -> None:
    path = base(await api.project())
    made = await api.post(path, {"name": "x", "scopes": SCOPES, "username": "robot"})
    assert (made["username"], made["expires_at"]) == ("robot", None)


async def test_expired_tokens_are_not_active(api: Api) -> None:
    project = await api.project()
    path = base(project)
    until = (api.clock.now() + timedelta(hours=1)).isoformat()
    made = await api.post(path, {"name": "x", "scopes": SCOPES, "expires_at": until})
    for where in (path, "/deploy_tokens"):
        assert len(await api.get(f"{where}?active=true")) == 1
    api.clock.advance(timedelta(hours=1))
    for where in (path, "/deploy_tokens"):
        assert await api.get(f"{where}?active=true") == []
        assert [token["expired"] for token in await api.get(where)] == [True]
    assert made["expired"] is False


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({"name": None}, {"error": "name is empty"}),
        ({"scopes": ["api"]}, {"error": "scopes does not have a valid value"}),
        ({"scopes": []}, {"message": {"scopes": ["can't be blank"]}}),
        ({"name": " "}, {"message": {"name": ["can't be blank"]}}),
        ({"expires_at": "soon"}, {"error": "expires_at is invalid"}),
        (
            {"expires_at": "2001-01-01"},
            {"message": {"expires_at": ["must be in the future"]}},
        ),
        (
            {"username": "a b"},
            {
                "message": {
                    "username": [
                        "can contain only letters, digits, '_', '-', '+', and '.'"
                    ]
                }
            },
        ),
    ],
)
async def test_what_is_no_deploy_token(
    api: Api, change: dict[str, Any], body: dict[str, Any]
) -> None:
    wanted = {"name": "x", "scopes": SCOPES, **change}
    response = await api.call("POST", base(await api.project()), json=wanted)
    assert response.status_code == 400
    assert response.json() == body


@pytest.mark.parametrize(
    ("folder", "level", "reading", "writing"),
    [
        ("projects", 30, 403, 403),
        ("projects", 40, 200, 201),
        ("projects", 50, 200, 201),
        ("groups", 30, 403, 403),
        ("groups", 40, 200, 403),
        ("groups", 50, 200, 201),
    ],
)
async def test_who_may(
    api: Api, folder: str, level: int, reading: int, writing: int
) -> None:
    owner = await place(api, folder)
    person = await api.member(owner, level)
    path, body = base(owner), {"name": "x", "scopes": SCOPES}
    there = await api.post(path, body)
    one = f"{path}/{there['id']}"
    for where in (path, one):
        response = await api.call("GET", where, person.token)
        assert response.status_code == reading
    response = await api.call("POST", path, person.token, json=body)
    assert response.status_code == writing
    response = await api.call("DELETE", one, person.token)
    assert response.status_code == (204 if writing == 201 else writing)


async def test_strangers_and_nobody(api: Api) -> None:
    project = await api.project(visibility="private")
    stranger = await api.person()
    for token in (stranger.token, None):
        response = await api.call("GET", base(project), token)
        assert response.status_code == 404
    assert (await api.call("GET", "/deploy_tokens", None)).status_code == 401
    assert (await api.call("GET", "/deploy_tokens", stranger.token)).status_code == 403


async def test_a_project_shows_no_other_s_tokens(api: Api) -> None:
    project, other = await api.project(), await api.project()
    made = await api.post(base(other), {"name": "x", "scopes": SCOPES})
    response = await api.call("GET", f"{base(project)}/{made['id']}")
    assert response.status_code == 404
