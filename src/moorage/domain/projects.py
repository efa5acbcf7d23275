"""Where images belong: projects, and the groups and users that projects lie in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moorage.domain.access import RegistryAccess, Visibility
from moorage.domain.errors import ValidationError

_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")

PATH_RULE = (
    "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-' or '.' "
    "or end in '.', '.git' or '.atom'."
)
"""What is said of a path or user name that breaks the rules."""

_RANK = {Visibility.PRIVATE: 0, Visibility.INTERNAL: 10, Visibility.PUBLIC: 20}


class NamespaceKind(StrEnum):
    """What a namespace is: a person's own, or a group's."""

    USER = "user"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where projects live. A group is a namespace with members, and has its id.

    ``owner_id`` is the account of a personal namespace.
    """

    id: int
    kind: NamespaceKind
    parent_id: int | None
    owner_id: int | None
    name: str
    path: str
    full_path: str
    visibility: Visibility
    description: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Project:
    """The owner of repositories: those whose path begins with ``full_path``."""

    id: int
    namespace_id: int
    creator_id: int | None
    name: str
    path: str
    full_path: str
    visibility: Visibility
    registry_access: RegistryAccess
    description: str
    archived_at: datetime | None
    created_at: datetime
    last_activity_at: datetime


class GroupInvalidError(ValidationError):
    """A group that cannot be saved like this; ``detail`` as in its parent."""


def is_path(text: str) -> bool:
    """Whether a group or project may have this as its part of the path."""
    return (
        _PATH.fullmatch(text) is not None
        and not text.endswith((".", ".git", ".atom"))
        and ".." not in text
    )


def path_from_name(name: str) -> str:
    """Make a path of a title, as GitLab does when only a name is given."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")


def is_wider(one: Visibility, other: Visibility) -> bool:
    """Whether the first is seen by more people than the second."""
    return _RANK[one] > _RANK[other]
