"""The management API in process, and an estate to call it about."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from moorage.http.gitlab_v4.context import Context
    from moorage.ports.database import Database
    from moorage.testing.clock import FrozenClock

URL = "https://registry.example.com:8443"
ROOT_TOKEN = "glpat-root-token-of-the-tests"

Json = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """A user, and a token of scope ``api``."""

    id: int
    username: str
    token: str


@dataclass
class Api:
    """Calls the API, as the administrator unless another token is given."""

    client: httpx.AsyncClient
    database: Database
    clock: FrozenClock
    context: Context
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def call(
        self, method: str, path: str, token: str | None = ROOT_TOKEN, **options: Any
    ) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["PRIVATE-TOKEN"] = token
        return await self.client.request(
            method, f"/api/v4{path}", headers=headers, **options
        )

    async def get(
        self, path: str, token: str | None = ROOT_TOKEN, **options: Any
    ) -> Any:
        response = await self.call("GET", path, token, **options)
        assert response.status_code == 200, response.text
        return response.json()

    async def post(self, path: str, body: Json, token: str | None = ROOT_TOKEN) -> Any:
        response = await self.call("POST", path, token, json=body)
        assert response.status_code == 201, response.text
        return response.json()

    async def person(self, **attributes: Any) -> Person:
        name = f"user{next(self.numbers)}"
        user = await self.post(
            "/users",
            {
                "username": name,
                "name": name.title(),
                "email": f"{name}@example.com",
                "force_random_password": True,
                **attributes,
            },
        )
        made = await self.post(
            f"/users/{user['id']}/personal_access_tokens",
            {"name": "test", "scopes": ["api"]},
        )
        return Person(user["id"], user["username"], made["token"])

    async def group(self, token: str | None = ROOT_TOKEN, **attributes: Any) -> Json:
        name = f"group{next(self.numbers)}"
        body = {"name": name, "path": name, "visibility": "public", **attributes}
        group: Json = await self.post("/groups", body, token)
        return group

    async def project(self, token: str | None = ROOT_TOKEN, **attributes: Any) -> Json:
        name = f"project{next(self.numbers)}"
        if "namespace_id" not in attributes:
            attributes["namespace_id"] = (await self.group(token))["id"]
        project: Json = await self.post(
            "/projects", {"name": name, **attributes}, token
        )
        return project

    async def member(self, of: Json, level: int, **attributes: Any) -> Person:
        """Make a user and a member of a project or group."""
        person = await self.person()
        folder = "projects" if "path_with_namespace" in of else "groups"
        await self.post(
            f"/{folder}/{of['id']}/members",
            {"user_id": person.id, "access_level": level, **attributes},
        )
        return person
