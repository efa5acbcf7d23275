"""People, and the bots that project and group access tokens act as."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moorage.domain.texts import length_complaints

EMAIL_PATTERN = r"[^@\s]{1,127}@[^@\s]{1,127}"
_EMAIL = re.compile(EMAIL_PATTERN)

MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 128
"""Source: GitLab's default password policy."""


class AccountState(StrEnum):
    """Whether somebody is let in, and if not, what an administrator did."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    DEACTIVATED = "deactivated"
    BANNED = "banned"


@dataclass(frozen=True, slots=True)
class StateChange:
    """What an administrator does to an account.

    ``refusals`` has the states that it cannot come from, with what GitLab says then.
    """

    to: AccountState
    refusals: Mapping[AccountState, str]


def _refused(text: str, *states: AccountState) -> dict[AccountState, str]:
    return {state: text.format(state) for state in states}


_ACTIVE, _BLOCKED, _DEACTIVATED, _BANNED = AccountState

BLOCK = StateChange(_BLOCKED, _refused("You cannot block {} users.", _BANNED))
UNBLOCK = StateChange(
    _ACTIVE,
    {
        **_refused("Deactivated users cannot be unblocked by the API", _DEACTIVATED),
        **_refused("You cannot unblock {} users.", _BANNED),
    },
)
DEACTIVATE = StateChange(
    _DEACTIVATED,
    _refused("A blocked user cannot be deactivated by the API", _BLOCKED, _BANNED),
)
ACTIVATE = StateChange(
    _ACTIVE,
    _refused("A blocked user must be unblocked to be activated", _BLOCKED, _BANNED),
)
BAN = StateChange(
    _BANNED, _refused("You cannot ban {} users.", _BLOCKED, _DEACTIVATED, _BANNED)
)
UNBAN = StateChange(
    _ACTIVE, _refused("You cannot unban {} users.", _ACTIVE, _BLOCKED, _DEACTIVATED)
)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can hold tokens and memberships."""

    id: int
    username: str
    name: str
    email: str
    admin: bool
    external: bool
    bot: bool
    state: AccountState
    created_at: datetime

    @property
    def blocked(self) -> bool:
        """Whether they are not let in, for whatever reason."""
        return self.state is not AccountState.ACTIVE


def email_complaints(text: str) -> list[str]:
    """Say so if this is no address: one ``@`` with something on both sides."""
    return ["is invalid"] if _EMAIL.fullmatch(text) is None else []


def password_complaints(text: str) -> list[str]:
    """Say why this can be no password."""
    if len(text) < MIN_PASSWORD_LENGTH:
        return [f"is too short (minimum is {MIN_PASSWORD_LENGTH} characters)"]
    return length_complaints(text, MAX_PASSWORD_LENGTH)
