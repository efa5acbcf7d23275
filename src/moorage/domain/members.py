"""Who belongs to a project or group, and with which role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from moorage.domain.access import Role
from moorage.domain.accounts import Account
from moorage.domain.errors import NotFoundError
from moorage.domain.projects import Namespace, Scope

GRANTABLE = frozenset(
    {
        Role.MINIMAL,
        Role.GUEST,
        Role.PLANNER,
        Role.REPORTER,
        Role.DEVELOPER,
        Role.MAINTAINER,
        Role.OWNER,
    }
)
"""Roles that a membership can have."""


@dataclass(frozen=True, slots=True)
class Member:
    """A membership: it ends at the start of ``expires_on``, UTC.

    ``created_by`` is missing where nobody did it, or nobody who is still there.
    """

    account: Account
    level: Role
    expires_on: date | None
    created_by: Account | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class JoinedPlace:
    """A project or group that somebody is a direct member of."""

    scope: Scope
    name: str
    level: Role


@dataclass(frozen=True, slots=True)
class Share:
    """A group that was invited to a project or to another group.

    Its members have their own role there, up to ``level``, until ``expires_on``.
    """

    id: int
    scope: Scope
    group: Namespace
    level: Role
    expires_on: date | None


class ShareUnknownError(NotFoundError):
    """The group was not invited there."""

    message = "404 Group Link Not Found"
