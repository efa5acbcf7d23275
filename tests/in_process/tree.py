"""A tree of groups and projects behind a registry in process, for tests of access."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from in_process.registry import ROOT_TOKEN, Registry

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]


@dataclass
class Tree:
    """Makes what a test is about through the API, as the administrator."""

    registry: Registry
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        token: str | None = ROOT_TOKEN,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Call the API with an access token, or with other headers."""
        own = {} if token is None else {"PRIVATE-TOKEN": token}
        return await self.registry.send_json(
            method, f"/api/v4{path}", body, {**own, **(headers or {})}
        )

    async def make(self, path: str, body: Json, token: str = ROOT_TOKEN) -> Json:
        """Create something."""
        response = await self.call("POST", path, body, token=token)
        assert response.status_code == 201, response.text
        made: Json = response.json()
        return made

    async def group(self, parent: Json | None = None) -> Json:
        name = f"group{next(self.numbers)}"
        body: Json = {"name": name, "path": name, "visibility": "private"}
        if parent is not None:
            body["parent_id"] = parent["id"]
        return await self.make("/groups", body)

    async def project(
        self, group: Json | None = None, visibility: str = "private"
    ) -> Json:
        group = group or await self.group()
        name = f"project{next(self.numbers)}"
        body = {"name": name, "namespace_id": group["id"], "visibility": visibility}
        if visibility != "private":
            await self.call("PUT", f"/groups/{group['id']}", {"visibility": visibility})
        return await self.make("/projects", body)

    async def person(self, project: Json | None = None, level: int = 0) -> Json:
        """Make a user with a token, a member of the project if a level is given."""
        name = f"user{next(self.numbers)}"
        user = await self.make(
            "/users",
            {
                "username": name,
                "name": name,
                "email": f"{name}@example.com",
                "force_random_password": True,
            },
        )
        made = await self.make(
            f"/users/{user['id']}/personal_access_tokens",
            {"name": "test", "scopes": ["api"]},
        )
        if project is not None and level:
            await self.make(
                f"/projects/{project['id']}/members",
                {"user_id": user["id"], "access_level": level},
            )
        return {**user, "token": made["token"]}

    async def image(self, project: Json, tag: str = "v1", name: str = "app") -> str:
        """Push an image as the administrator; return the repository's name."""
        path = f"{project['path_with_namespace']}/{name}"
        await self.registry.push_image(path, tag)
        return path

    async def repository_path(self, project: Json) -> str:
        """Return the API's path of the project's only repository."""
        base = f"/projects/{project['id']}/registry/repositories"
        found = (await self.call("GET", base)).json()
        return f"{base}/{found[0]['id']}"


async def granted(
    registry: Registry, name: str, auth: tuple[str, str] | None
) -> list[str]:
    """Return which of all actions on a repository a registry token is given."""
    response = await registry.ask_token(f"repository:{name}:pull,push,delete,*", auth)
    if response.status_code == 403:
        return []
    assert response.status_code == 200, response.text
    scope: str = response.json()["scope"]
    return scope.rpartition(":")[2].split(",") if scope else []
