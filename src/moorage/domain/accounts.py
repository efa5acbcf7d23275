"""People, and the bots that project and group access tokens act as."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

EMAIL_PATTERN = r"[^@\s]{1,127}@[^@\s]{1,127}"
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


def is_email(text: str) -> bool:
    """Whether this looks like an address: one ``@`` with something on both sides."""
    return _EMAIL.fullmatch(text) is not None
