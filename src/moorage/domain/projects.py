"""Where images belong: projects, and the groups and users that projects lie in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from moorage.domain.access import RegistryAccess, Visibility
from moorage.domain.errors import (
    InvalidError,
    ProjectUnknownError,
    ValidationError,
)
from moorage.domain.names import is_component
from moorage.domain.texts import length_complaints

MAX_PATH_LENGTH = 255

PATH_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_PATH = re.compile(PATH_PATTERN)

PATH_RULE = (
    "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-' or '.' "
    "or end in '.', '.git' or '.atom'."
)
"""What is said of a path or user name that breaks the rules."""

SPECIAL_RULE = (
    "must not start or end with a special character and must not contain consecutive "
    "special characters."
)
"""What GitLab says of a path below which no image can be pushed."""

DIGITS_RULE = "cannot consist of digits only"
"""What is said of a group's path that would be taken for its number."""

OwnerKind: TypeAlias = Literal["project", "namespace"]

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


@dataclass(frozen=True, slots=True)
class Scope:
    """A project or a group; exactly one of the two is given."""

    project_id: int | None = None
    namespace_id: int | None = None

    @property
    def place(self) -> tuple[OwnerKind, int]:
        """Which of the two it is, and its number."""
        if self.project_id is not None:
            return "project", self.project_id
        return "namespace", self.namespace_id or 0


class ProjectMovedError(ProjectUnknownError):
    """A project was asked for by a path that it had before.

    ``detail["project_id"]`` is its number.
    """


class GroupInvalidError(ValidationError):
    """A group that cannot be saved like this; ``detail`` as in its parent."""


class TransferRefusedError(InvalidError):
    """A project or group that cannot go where it was sent."""

    message = "Transfer failed"


def path_complaints(text: str) -> list[str]:
    """Say why a group, project or user cannot be called this in a path.

    What images' names may hold is allowed here too: ``a--b`` and ``a__b``, which GitLab
    refuses.
    """
    too_long = length_complaints(text, MAX_PATH_LENGTH)
    if _PATH.fullmatch(text) is None or text.endswith((".", ".git", ".atom")):
        return [PATH_RULE, *too_long]
    return too_long if is_component(text.lower()) else [SPECIAL_RULE, *too_long]


def group_path_complaints(text: str) -> list[str]:
    """Say why a group cannot have this as its part of the path."""
    return [DIGITS_RULE] if text.isdigit() else path_complaints(text)


def path_from_name(name: str) -> str:
    """Make a path of a title, much as GitLab does when only a name is given."""
    joined = re.sub(
        r"[^a-z0-9]+", lambda run: "_" if run[0] == "_" else "-", name.lower()
    )
    return joined.strip("-_")


def is_wider(one: Visibility, other: Visibility) -> bool:
    """Whether the first is seen by more people than the second."""
    return _RANK[one] > _RANK[other]


def wider_than(visibility: Visibility) -> list[Visibility]:
    """Return what is seen by more people than this."""
    return [one for one in Visibility if is_wider(one, visibility)]
