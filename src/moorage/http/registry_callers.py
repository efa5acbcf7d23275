"""Who calls the registry, by a registry token or by Basic credentials.

Shared by the protocol below ``/v2/`` and by GitLab's own calls beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from moorage.domain.access import Principal
from moorage.domain.errors import (
    InsufficientScopeError,
    TokenInvalidError,
    UnauthenticatedError,
)
from moorage.domain.scopes import OF_THE_REGISTRY, Grants, Scope
from moorage.http.credentials import parse_basic
from moorage.services.authorization import Authorization, may_read_registry
from moorage.services.identity import Identity
from moorage.services.registry_tokens import SERVICE, Bearer, RegistryTokens


class Access(Protocol):
    """The services that know callers and their rights."""

    @property
    def identity(self) -> Identity:
        """Who brings credentials."""

    @property
    def authorization(self) -> Authorization:
        """What they may do."""

    @property
    def tokens(self) -> RegistryTokens:
        """What registry tokens say."""


async def find_caller(
    access: Access, header: str | None, wanted: Sequence[Scope] = ()
) -> Bearer:
    """Return who calls.

    For Basic credentials the grants are made on the spot, of what is wanted only.

    Raises:
        UnauthenticatedError: No or wrong credentials.
    """
    if header is None:
        raise UnauthenticatedError
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return access.tokens.verify(value.strip())
    principal = await access.identity.authenticate_basic(*parse_basic(header))
    return Bearer(
        principal,
        await _grant(access, principal, wanted),
        datetime.max.replace(tzinfo=UTC),
    )


async def _grant(
    access: Access, principal: Principal, wanted: Iterable[Scope]
) -> Grants:
    repositories = {
        scope.name: tuple(
            await access.authorization.allowed(principal, scope.name, scope.actions)
        )
        for scope in wanted
    }
    readable = tuple(OF_THE_REGISTRY) if may_read_registry(principal) else ()
    return Grants(repositories, readable)


def challenge(base_url: str, scope: str | None, error: UnauthenticatedError) -> str:
    """Write the header that tells a client where to get a better token.

    Source: Docker token authentication specification, "How to authenticate".
    """
    parts = [f'realm="{base_url}/jwt/auth"', f'service="{SERVICE}"']
    if scope is not None:
        parts.append(f'scope="{scope}"')
    if isinstance(error, InsufficientScopeError):
        parts.append('error="insufficient_scope"')
    elif isinstance(error, TokenInvalidError):
        parts.append('error="invalid_token"')
    return f"Bearer {','.join(parts)}"
