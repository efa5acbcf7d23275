"""Where a push goes: the repository, found or made, and the project that owns it."""

from __future__ import annotations

from moorage.domain.access import Principal
from moorage.domain.errors import (
    ForbiddenError,
    RepositoryUnknownError,
    ValidationError,
)
from moorage.domain.names import RepositoryName
from moorage.domain.projects import Namespace, Project
from moorage.domain.repositories import Repository
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.store import accounts, namespaces, projects, repositories


class Placement:
    """Finds the repository of a push; makes it, and its project, when it is new.

    The right to push is checked before, when the registry token is issued.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def is_new(self, name: RepositoryName) -> bool:
        """Whether nothing was ever pushed under this name, and something could be.

        Raises:
            RepositoryUnknownError: The project that had it has another path now.
        """

        def body(tx: Tx) -> bool:
            if repositories.has_been(tx, name):
                return False
            if projects.find_owning(tx, name) is None and projects.was_owned(tx, name):
                raise RepositoryUnknownError(name=name)
            return True

        return await self._database.quick(body)

    async def find(self, name: RepositoryName) -> Repository | None:
        """Return the repository that a push to ``name`` goes to, if it is there."""
        return await self._database.quick(
            lambda tx: repositories.find_by_path(tx, name)
        )

    async def find_or_create(
        self, name: RepositoryName, principal: Principal
    ) -> Repository:
        """Return the repository that a push to ``name`` goes to.

        Raises:
            RepositoryUnknownError: No project owns the name and none can be made.
        """
        found = await self.find(name)
        if found is not None:
            return found
        now = self._clock.now()

        def body(tx: Tx) -> Repository:
            project = self._lock_project(tx, name, principal)
            rest = name[len(project.full_path) :].lstrip("/")
            return repositories.create(
                tx, project.id, project.namespace_id, rest, name, now=now
            )

        try:
            return await self._database.write(body)
        except ValidationError:
            # A push beside this one made the project first.
            return await self._database.write(body)

    def _lock_project(
        self, tx: Tx, name: RepositoryName, principal: Principal
    ) -> Project:
        """Return the project that owns a name, for as long as the transaction takes."""
        found = projects.find_owning(tx, name)
        if found is None:
            return self._create_project(tx, name, principal)
        project = projects.lock(tx, found.id)
        if project is None or project.full_path != found.full_path:
            # It moved away, or went, since it was found.
            raise RepositoryUnknownError(name=name)
        return project

    def _create_project(
        self, tx: Tx, name: RepositoryName, principal: Principal
    ) -> Project:
        namespace = namespaces.find_longest(tx, name)
        if namespace is None or projects.was_owned(tx, name):
            raise RepositoryUnknownError(name=name)
        namespace = namespaces.lock(tx, namespace.id)
        _check_account(tx, principal)
        path = project_path(namespace, name)
        return projects.create(
            tx,
            namespace=namespace,
            name=path,
            path=path,
            creator_id=principal.account_id,
            now=self._clock.now(),
        )


def _check_account(tx: Tx, principal: Principal) -> None:
    """Let nobody make projects by a registry token that outlived their account."""
    if principal.account_id is None:
        raise ForbiddenError
    account = accounts.find(tx, principal.account_id)
    if account is None or account.blocked:
        raise ForbiddenError


def project_path(namespace: Namespace, name: RepositoryName) -> str:
    """Return the path of the project that a push below a namespace makes."""
    return name[len(namespace.full_path) + 1 :].partition("/")[0]
