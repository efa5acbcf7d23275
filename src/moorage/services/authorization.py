"""What a caller may do to repositories by name, projects that do not exist included."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from moorage.domain.access import (
    Ability,
    CredentialKind,
    Principal,
    Role,
    may,
    seen_from,
)
from moorage.domain.digest import Digest
from moorage.domain.errors import NameInvalidError
from moorage.domain.names import RepositoryName
from moorage.domain.projects import NamespaceKind
from moorage.domain.scopes import (
    BELOW,
    DELETE,
    EVERYTHING,
    OF_THE_REGISTRY,
    PULL,
    PUSH,
    Grants,
    Scope,
)
from moorage.domain.tokens import JOB_SCOPE
from moorage.ports.clock import Clock
from moorage.ports.database import Database, Tx
from moorage.services import guards
from moorage.services.identity import Identity
from moorage.store import blobs, members, namespaces, projects

MAX_HOLDERS = 50
"""Repositories looked at for one that lets an anonymous mount read its blob."""

PROJECT_CREATOR = Role.MAINTAINER
"""The role in a group that may create projects in it."""

# Source: GitLab registry API facts, "Action to right" and "Who can sign in".
_ABILITIES = {
    PULL: Ability.READ_IMAGE,
    PUSH: Ability.CREATE_IMAGE,
    DELETE: Ability.ADMIN_IMAGE,
    EVERYTHING: Ability.ADMIN_IMAGE,
}
_TOKEN_SCOPES = {
    PULL: ("api", "read_api", "read_registry", JOB_SCOPE),
    PUSH: ("api", "write_registry", JOB_SCOPE),
    DELETE: ("api", JOB_SCOPE),
    EVERYTHING: ("api",),
}

# A job removes the tags that jobs made, for which its user needs no more than to push.
_JOB_ABILITIES = {**_ABILITIES, DELETE: Ability.DESTROY_TAG}


class Authorization:
    """Cuts what is asked for down to what is allowed."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        identity: Identity,
        *,
        create_on_push: bool,
    ) -> None:
        self._database = database
        self._clock = clock
        self._identity = identity
        self._create_on_push = create_on_push

    async def grant(self, principal: Principal, scopes: Iterable[Scope]) -> Grants:
        """Return the part of the scopes that the caller has a right to.

        Raises:
            ProtectedPathError: As for ``allowed``.
        """
        granted: dict[str, tuple[str, ...]] = {}
        of_registry: list[Scope] = []
        for scope in scopes:
            if scope.type == "repository":
                actions = await self.allowed(principal, scope.name, scope.actions)
                before = granted.get(scope.name, ())
                granted[scope.name] = tuple(dict.fromkeys((*before, *actions)))
            elif scope in OF_THE_REGISTRY and may_read_registry(principal):
                of_registry.append(scope)
        kept = {name: actions for name, actions in granted.items() if actions}
        return Grants(kept, tuple(dict.fromkeys(of_registry)))

    async def allowed(
        self, principal: Principal, name: str, actions: Sequence[str]
    ) -> list[str]:
        """Return which actions on a repository are allowed, in the order asked.

        A name that ends in ``/*`` means all below a repository, for reading alone.

        Raises:
            ProtectedPathError: Pushing is among them, and a rule keeps the caller from
                it.
        """
        below = name.endswith(BELOW)
        name = name.removesuffix(BELOW)
        try:
            RepositoryName.parse(name)
        except NameInvalidError:
            return []
        if below:
            actions = [action for action in actions if action == PULL]
        scoped = [
            action
            for action in actions
            if action in _TOKEN_SCOPES
            and (principal.anonymous or principal.has_scope(*_TOKEN_SCOPES[action]))
        ]
        project = await self._database.quick(lambda tx: projects.find_owning(tx, name))
        if project is None:
            # Who may make the project may also be told that nothing is there yet.
            hopeful = not below and await self._may_create(principal, name)
            return scoped if hopeful else []
        access = await self._identity.project_access(principal, project)
        job = principal.kind is CredentialKind.JOB
        abilities = _JOB_ABILITIES if job else _ABILITIES
        seen = seen_from(principal, project.id)
        found = [action for action in scoped if may(seen, abilities[action], access)]
        if not {PUSH, EVERYTHING}.isdisjoint(found):
            now = self._clock.now()
            await self._database.quick(
                lambda tx: guards.check_push(tx, principal, project, name, now)
            )
        return found

    async def _may_create(self, principal: Principal, name: str) -> bool:
        account_id, now = principal.account_id, self._clock.now()
        bound = principal.kind is CredentialKind.JOB
        if not self._create_on_push or account_id is None or bound:
            return False

        def body(tx: Tx) -> bool:
            namespace = namespaces.find_longest(tx, name)
            if namespace is None or projects.was_owned(tx, name):
                # Who still pushes where a project was before is told so.
                return False
            if principal.admin or namespace.owner_id == account_id:
                return True
            if namespace.kind is not NamespaceKind.GROUP:
                return False
            level = members.group_level(tx, namespace.id, account_id, now)
            return level >= PROJECT_CREATOR

        return await self._database.quick(body)

    async def may_pull(self, principal: Principal, name: RepositoryName) -> bool:
        """Whether the caller, whatever their registry token says, may read it."""
        return bool(await self.allowed(principal, name, [PULL]))

    async def find_readable(
        self, principal: Principal, digest: Digest
    ) -> RepositoryName | None:
        """Return a repository that holds a blob and that the caller may read."""
        holders = await self._database.quick(
            lambda tx: blobs.list_holders(tx, digest, MAX_HOLDERS)
        )
        seen: dict[int, bool] = {}
        for holder in holders:
            name = RepositoryName(holder.path)
            if holder.project_id not in seen:
                seen[holder.project_id] = await self.may_pull(principal, name)
            if seen[holder.project_id]:
                return name
        return None


def opens_registry(principal: Principal) -> bool:
    """Whether the credentials are good for anything here, whatever the repository.

    Source: GitLab registry API facts, "Registry token endpoint", "Answers".
    """
    return principal.has_scope(*itertools.chain(*_TOKEN_SCOPES.values()))


def may_read_registry(principal: Principal) -> bool:
    """Whether the caller may list all repositories, and read statistics."""
    return principal.admin and principal.has_scope("api", "read_api")
