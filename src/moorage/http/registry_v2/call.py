"""One call of the registry protocol: the request, its resource, its caller."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from moorage.domain.access import Principal
from moorage.domain.errors import InsufficientScopeError, UnauthenticatedError
from moorage.domain.events import Occasion, RequestFacts
from moorage.domain.names import RepositoryName
from moorage.domain.scopes import CATALOG, Scope
from moorage.http.messages import Request
from moorage.http.registry_callers import challenge, find_caller
from moorage.services.authorization import Authorization
from moorage.services.deletion import Deletion
from moorage.services.identity import Identity
from moorage.services.notifications import PullNotices
from moorage.services.placement import Placement
from moorage.services.pull import Pull
from moorage.services.push import Push
from moorage.services.quotas import Quotas
from moorage.services.registry_tokens import Bearer, RegistryTokens
from moorage.services.uploads import Uploads
from moorage.services.uses import Uses


@dataclass(frozen=True, slots=True)
class Context:
    """The services that the registry protocol stands on."""

    external_url: str
    max_manifest_bytes: int
    blob_folder: Path
    accel_redirect: str | None
    identity: Identity
    authorization: Authorization
    tokens: RegistryTokens
    placement: Placement
    uploads: Uploads
    push: Push
    pull: Pull
    deletion: Deletion
    notices: PullNotices
    uses: Uses
    quotas: Quotas


class Call:
    """A request to one endpoint of one repository."""

    def __init__(
        self, context: Context, request: Request, raw_name: str, argument: str
    ) -> None:
        self.context = context
        self.request = request
        self.argument = argument
        self._raw_name = raw_name
        self._name: RepositoryName | None = None
        self.needed_scope: str | None = None

    @property
    def name(self) -> RepositoryName:
        """The repository's name.

        Raises:
            NameInvalidError: It is none.
        """
        if self._name is None:
            self._name = RepositoryName.parse(self._raw_name)
        return self._name

    @property
    def base_url(self) -> str:
        """The address that clients use."""
        return self.request.base_url or self.context.external_url

    def occasion(self, principal: Principal) -> Occasion:
        """Say who does what this call does, and by which request."""
        request = self.request
        facts = RequestFacts(
            id=str(uuid.uuid4()),
            address=request.client,
            host=request.header("host") or "",
            method=request.method,
            user_agent=request.header("user-agent") or "",
            base_url=request.base_url,
        )
        return Occasion(principal.username, facts)

    async def authorise(self, *actions: str) -> Principal:
        """Return the caller, who may do these things to the repository.

        Raises:
            UnauthenticatedError: They may not, or did not say who they are. What
                exists is not looked at: a stranger learns nothing.
        """
        self.needed_scope = f"repository:{self.name}:{','.join(actions)}"
        bearer = await self.authenticate(actions)
        if not bearer.grants.allows(self.name, actions):
            raise InsufficientScopeError
        return bearer.principal

    async def authorise_catalog(self) -> None:
        """Let only those pass who may list every repository.

        Raises:
            UnauthenticatedError: The caller may not.
        """
        self.needed_scope = str(CATALOG)
        bearer = await self.authenticate(())
        if CATALOG not in bearer.grants.registry:
            raise InsufficientScopeError

    async def authenticate(self, actions: Sequence[str] = ()) -> Bearer:
        """Return who calls, by a registry token or by Basic credentials.

        For Basic credentials the grants are made on the spot, for ``actions`` only.

        Raises:
            UnauthenticatedError: No or wrong credentials.
        """
        wanted = [Scope("repository", self.name, tuple(actions))] if actions else []
        header = self.request.header("authorization")
        return await find_caller(self.context, header, wanted)

    def challenge(self, error: UnauthenticatedError) -> str:
        """Write the header that tells a client where to get a better token."""
        return challenge(self.base_url, self.needed_scope, error)
