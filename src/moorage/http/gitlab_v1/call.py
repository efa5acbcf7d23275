"""One of these calls: the request, its repository, its caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from moorage.domain.errors import InsufficientScopeError, UnauthenticatedError
from moorage.domain.names import RepositoryName
from moorage.domain.scopes import BELOW, PULL, Scope
from moorage.http.gitlab_v1.errors import QueryTypeError, QueryValueError
from moorage.http.messages import Request
from moorage.http.registry_callers import challenge, find_caller
from moorage.services.authorization import Authorization
from moorage.services.identity import Identity
from moorage.services.published_tags import PublishedTags
from moorage.services.registry_tokens import RegistryTokens

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Context:
    """The services behind these calls."""

    external_url: str
    identity: Identity
    authorization: Authorization
    tokens: RegistryTokens
    published: PublishedTags


class Call:
    """A request to one endpoint, with the path of a repository and a tag, if any."""

    def __init__(
        self, context: Context, request: Request, raw_name: str, tag: str
    ) -> None:
        self.context = context
        self.request = request
        self.tag = tag
        self._raw_name = raw_name
        self._wanted: list[Scope] = []

    async def authenticate(self) -> None:
        """Let pass who brings good credentials, whatever they allow.

        Raises:
            UnauthenticatedError: The caller does not.
        """
        await find_caller(self.context, self.request.header("authorization"))

    async def authorise(self, *, below: bool = False) -> RepositoryName:
        """Return the repository that the caller may read, and all below if asked.

        Raises:
            NameInvalidError: The path is none of a repository.
            UnauthenticatedError: The caller may not. What exists is not looked at.
        """
        name = RepositoryName.parse(self._raw_name)
        names = [name, name + BELOW] if below else [name]
        self._wanted = [Scope("repository", each, (PULL,)) for each in names]
        header = self.request.header("authorization")
        bearer = await find_caller(self.context, header, self._wanted)
        for scope in self._wanted:
            if not bearer.grants.allows(scope.name, scope.actions):
                raise InsufficientScopeError
        return name

    async def authorise_registry(self, scope: Scope) -> None:
        """Let only those pass who may read this of the registry as a whole.

        Raises:
            UnauthenticatedError: The caller may not.
        """
        self._wanted = [scope]
        bearer = await find_caller(self.context, self.request.header("authorization"))
        if scope not in bearer.grants.registry:
            raise InsufficientScopeError

    def challenge(self, error: UnauthenticatedError) -> str:
        """Write the header that tells where to get a better token."""
        scope = " ".join(str(each) for each in self._wanted) or None
        return challenge(self._base_url, scope, error)

    @property
    def _base_url(self) -> str:
        return self.request.base_url or self.context.external_url

    # Parameters

    def limit(self) -> int:
        """Read how many entries are asked for.

        Raises:
            QueryTypeError: That is no number.
            QueryValueError: It is too small or too great.
        """
        text = self.request.parameter("n")
        if text is None:
            return DEFAULT_LIMIT
        if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdigit()):
            raise QueryTypeError("n must be an integer", parameter="n")
        if not 1 <= int(text[:9]) <= MAX_LIMIT:
            between = f"n must be between 1 and {MAX_LIMIT}"
            raise QueryValueError(between, parameter="n")
        return int(text)

    def choice(self, name: str, *among: str) -> str | None:
        """Read a parameter that is one of a few words.

        Raises:
            QueryValueError: It is another.
        """
        text = self.request.parameter(name)
        if text is not None and text not in among:
            wanted = f"{name} must be one of {', '.join(among)}"
            raise QueryValueError(wanted, parameter=name)
        return text

    def link(self, parameters: Mapping[str, str | int], relation: str) -> str:
        """Write an address of this call's with other parameters."""
        address = f"{self._base_url}{self.request.path}?{urlencode(parameters)}"
        return f'<{address}>; rel="{relation}"'


def show_time(time: datetime) -> str:
    """Spell a time: UTC, milliseconds, ``Z``."""
    text = time.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
