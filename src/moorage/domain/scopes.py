"""What a registry token is asked for, and what it grants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

PULL = "pull"
PUSH = "push"
DELETE = "delete"
EVERYTHING = "*"

BELOW = "/*"
"""Ends a name that means every repository below one.

Source: GitLab registry API facts, "/gitlab/v1/".
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """A resource, such as ``repository`` ``g/p/image``, and actions on it."""

    type: str
    name: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.type}:{self.name}:{','.join(self.actions)}"


CATALOG = Scope("registry", "catalog", (EVERYTHING,))
STATISTICS = Scope("registry", "statistics", (EVERYTHING,))
OF_THE_REGISTRY = frozenset({CATALOG, STATISTICS})
"""What is the registry's as a whole, and administrators' to read."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What a registry token allows.

    ``repositories`` has the actions by a repository's name, in the order asked;
    ``registry`` what of the registry as a whole may be read.
    """

    repositories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    registry: tuple[Scope, ...] = ()

    def allows(self, name: str, actions: Iterable[str]) -> bool:
        """Whether all of the actions on a repository are granted."""
        granted = self.repositories.get(name, ())
        return EVERYTHING in granted or all(action in granted for action in actions)

    def scopes(self) -> list[Scope]:
        """Write the grants as scopes."""
        return [
            *(Scope("repository", *grant) for grant in self.repositories.items()),
            *self.registry,
        ]


def parse_scopes(values: Iterable[str]) -> list[Scope]:
    """Read scope parameters; what is malformed is left out.

    A value may hold several scopes separated by spaces. The name of a resource may
    contain colons.

    Source: Docker token scope documentation, "Resource Scope Grammar".
    """
    parsed = (_parse(text) for value in values for text in value.split())
    return [scope for scope in parsed if scope is not None]


def _parse(text: str) -> Scope | None:
    kind, colon, rest = text.partition(":")
    name, second_colon, actions = rest.rpartition(":")
    if not colon or not second_colon or not name:
        return None
    # A plugin's repository is a repository.
    kind = kind.removesuffix("(plugin)")
    wanted = dict.fromkeys(action for action in actions.split(",") if action)
    return Scope(kind, name, tuple(wanted))
