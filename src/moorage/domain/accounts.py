"""People, and the bots that project and group access tokens act as."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

USERNAME_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}"
EMAIL_PATTERN = r"[^@\s]{1,127}@[^@\s]{1,127}"
_USERNAME = re.compile(USERNAME_PATTERN)
_EMAIL = re.compile(EMAIL_PATTERN)

MIN_PASSWORD_LENGTH = 8
"""Source: GitLab's default password policy."""


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
    blocked: bool
    created_at: datetime


def is_username(text: str) -> bool:
    """Whether an account, and so its personal namespace, may be called this."""
    return (
        _USERNAME.fullmatch(text) is not None
        and not text.endswith((".", ".git", ".atom"))
        and ".." not in text
    )


def is_email(text: str) -> bool:
    """Whether this looks like an address: one ``@`` with something on both sides."""
    return _EMAIL.fullmatch(text) is not None
