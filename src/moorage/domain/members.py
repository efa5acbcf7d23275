"""Who belongs to a project or group, and with which role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from moorage.domain.access import Role
from moorage.domain.accounts import Account

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
    """A membership: it ends at the start of ``expires_on``, UTC."""

    account: Account
    level: Role
    expires_on: date | None
    created_by_id: int | None
    created_at: datetime
