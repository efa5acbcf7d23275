"""How long names, descriptions and paths may be, in GitLab's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from in_process.api import Api

# What is made, and what of it may be how long.
MADE = [
    ("/projects", {"path": "p"}, "name", 255),
    ("/projects", {"name": "p"}, "path", 255),
    ("/projects", {"name": "p"}, "description", 2000),
    ("/groups", {"path": "g"}, "name", 255),
    ("/groups", {"name": "g"}, "path", 255),
    ("/groups", {"name": "g", "path": "g"}, "description", 255),
    ("/users", {"username": "u"}, "name", 255),
    ("/users", {"name": "u"}, "username", 255),
    ("/users", {"name": "u", "username": "u"}, "password", 128),
    ("/users/1/personal_access_tokens", {"scopes": ["api"]}, "name", 255),
    (
        "/users/1/personal_access_tokens",
        {"scopes": ["api"], "name": "t"},
        "description",
        255,
    ),
    ("/projects/1/access_tokens", {"scopes": ["api"]}, "name", 255),
    ("/projects/1/deploy_tokens", {"scopes": ["read_registry"]}, "name", 255),
    (
        "/projects/1/deploy_tokens",
        {"scopes": ["read_registry"], "name": "t"},
        "username",
        255,
    ),
]


def refusal(path: str, field: str, maximum: int) -> dict[str, Any]:
    complaint = f"is too long (maximum is {maximum} characters)"
    if path.startswith("/groups"):
        return {"message": f'Failed to save group {{:{field}=>["{complaint}"]}}'}
    return {"message": {field: [complaint]}}


@pytest.mark.parametrize(
    ("path", "body", "field", "maximum"), MADE, ids=lambda value: str(value)[:40]
)
async def test_what_is_made_has_texts_of_some_length(
    api: Api, path: str, body: dict[str, Any], field: str, maximum: int
) -> None:
    await api.project()
    if path == "/users":
        body = {"email": "u@example.com", "password": "x" * 8, **body}
    response = await api.call("POST", path, json={**body, field: "x" * (maximum + 1)})
    assert response.status_code == 400
    assert response.json() == refusal(path, field, maximum)
    made = await api.post(path, {**body, field: "x" * maximum})
    assert field == "password" or made[field] == "x" * maximum


@pytest.mark.parametrize(
    ("folder", "field", "maximum"),
    [
        ("projects", "name", 255),
        ("projects", "description", 2000),
        ("projects", "path", 255),
        ("groups", "name", 255),
        ("groups", "description", 255),
        ("groups", "path", 255),
        ("users", "name", 255),
        ("users", "username", 255),
        ("users", "password", 128),
    ],
)
async def test_what_is_changed_too(
    api: Api, folder: str, field: str, maximum: int
) -> None:
    make = {"projects": api.project, "groups": api.group}.get(folder)
    number = (await api.person()).id if make is None else (await make())["id"]
    path = f"/{folder}/{number}"
    response = await api.call("PUT", path, json={field: "x" * (maximum + 1)})
    assert response.status_code == 400
    assert response.json() == refusal(path, field, maximum)
    response = await api.call("PUT", path, json={field: "x" * maximum})
    assert response.status_code == 200
