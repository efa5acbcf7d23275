"""Groups, projects and people on a live server, made with python-gitlab."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gitlab
import httpx

from live.registry import RegistryClient

if TYPE_CHECKING:
    from gitlab.v4.objects import Group, Project

    from live.server import MoorageServer

GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER = 10, 20, 30, 40, 50


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a personal access token of scope ``api``."""

    user_id: int
    username: str
    token: str


class Estate:
    """What the administrator of a server sets up for a test.

    Every name is new, so that tests which share a server do not meet.
    """

    def __init__(self, server: MoorageServer) -> None:
        self.server = server
        self.gitlab = gitlab.Gitlab(server.url, private_token=server.root_token)
        self.api = httpx.Client(
            base_url=f"{server.url}/api/v4", timeout=60, trust_env=False
        )
        self.admin = Person(1, "root", server.root_token)
        self._prefix = secrets.token_hex(3)
        self._numbers = itertools.count(1)

    def close(self) -> None:
        """Close the connections."""
        self.gitlab.session.close()
        self.api.close()

    def new_name(self, kind: str) -> str:
        """Make a name that nothing on the server has."""
        return f"{kind}-{self._prefix}-{next(self._numbers)}"

    def group(self, parent: Group | None = None, **attributes: Any) -> Group:
        """Create a group, public unless said otherwise."""
        name = self.new_name("group")
        return self.gitlab.groups.create(
            {
                "name": name,
                "path": name,
                "visibility": "public",
                **({"parent_id": parent.id} if parent else {}),
                **attributes,
            }
        )

    def project(self, group: Group | None = None, **attributes: Any) -> Project:
        """Create a project, private and in a new group unless said otherwise."""
        name = self.new_name("project")
        group = group or self.group()
        return self.gitlab.projects.create(
            {"name": name, "path": name, "namespace_id": group.id, **attributes}
        )

    def person(self, project: Project | None = None, level: int = 0) -> Person:
        """Create a user with a token, and make him a member of a project."""
        username = self.new_name("user")
        user = self.gitlab.users.create(
            {
                "username": username,
                "name": username,
                "email": f"{username}@example.com",
                "password": secrets.token_urlsafe(16),
                "skip_confirmation": True,
            }
        )
        token = user.personal_access_tokens.create({"name": "test", "scopes": ["api"]})
        if project is not None:
            project.members.create({"user_id": user.id, "access_level": level})
        return Person(user.id, username, token.token)

    def registry(self, person: Person | None) -> RegistryClient:
        """Connect to the registry as a person, or as nobody."""
        if person is None:
            return RegistryClient(self.server.url)
        return RegistryClient(self.server.url, person.username, person.token)

    def repository_id(self, project: Project, path: str) -> int:
        """Find the number of a pushed repository by its full path."""
        for repository in project.repositories.list(iterator=True):
            if repository.path == path:
                found: int = repository.id
                return found
        raise LookupError(f"{path} is not listed in project {project.id}")

    def call(
        self, person: Person | None, method: str, path: str, **request: Any
    ) -> httpx.Response:
        """Call the management API as a person, or as nobody."""
        headers = {"PRIVATE-TOKEN": person.token} if person else {}
        return self.api.request(method, path, headers=headers, **request)
