"""Tokens: kinds, scopes, and how a secret is spelt and kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.access import CredentialKind

PREFIXES = {
    CredentialKind.PERSONAL: "glpat-",
    CredentialKind.PROJECT: "glpat-",
    CredentialKind.GROUP: "glpat-",
    CredentialKind.DEPLOY: "gldt-",
    CredentialKind.JOB: "glcbt-",
}
"""Secret scanners know these."""

SECRET_BYTES = 24
"""Randomness in a secret: more than anybody can try."""

ACCESS_SCOPES = (
    "api",
    "read_api",
    "read_user",
    "read_registry",
    "write_registry",
    "read_repository",
    "write_repository",
    "create_runner",
    "manage_runner",
    "ai_features",
    "k8s_proxy",
    "self_rotate",
    "read_service_ping",
    "read_virtual_registry",
    "write_virtual_registry",
)
"""What any access token may carry."""

ADMIN_SCOPES = ("sudo", "admin_mode")
"""What only an administrator's personal token may carry besides."""


DEPLOY_SCOPES = (
    "read_repository",
    "read_registry",
    "write_registry",
    "read_virtual_registry",
    "write_virtual_registry",
    "read_package_registry",
    "write_package_registry",
)
"""What a deploy token may carry."""

JOB_SCOPE = "job"
"""What every job's token carries, and nothing else does."""

JOB_USERNAME = "gitlab-ci-token"
"""The user name that goes with a job's token at the token service."""


@dataclass(frozen=True, slots=True)
class Token:
    """A credential, without its secret.

    ``account_id`` is missing for deploy tokens; ``project_id`` or ``namespace_id``
    names what a project's or group's token is for.
    """

    id: int
    kind: CredentialKind
    account_id: int | None
    project_id: int | None
    namespace_id: int | None
    username: str | None
    name: str
    description: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime

    @property
    def login(self) -> str:
        """The user name that a deploy token is used with."""
        return self.username or f"gitlab+deploy-token-{self.id}"

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def active(self, now: datetime) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and not self.expired(now)


def spell_secret(kind: CredentialKind, random: str) -> str:
    """Put the prefix of the kind before url-safe random characters."""
    return PREFIXES[kind] + random


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret.

    A plain hash is enough: nobody can try all secrets of this length.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
