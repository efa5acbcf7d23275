"""What a registry token is asked for, and what it grants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

PULL = "pull"
PUSH = "push"
DELETE = "delete"
EVERYTHING = "*"

CATALOG = "registry:catalog"

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


@dataclass(frozen=True, slots=True)
class Grants:
    """What a registry token allows: actions by repository name."""

    repositories: Mapping[str, frozenset[str]] = field(default_factory=dict)
    catalog: bool = False

    def allows(self, name: str, actions: Iterable[str]) -> bool:
        """Whether all of the actions on a repository are granted."""
        granted = self.repositories.get(name, frozenset())
        return EVERYTHING in granted or granted.issuperset(actions)

    def scopes(self) -> list[Scope]:
        """Write the grants as scopes."""
        scopes = [
            Scope("repository", name, tuple(sorted(actions)))
            for name, actions in self.repositories.items()
        ]
        if self.catalog:
            scopes.append(Scope("registry", "catalog", (EVERYTHING,)))
        return scopes


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
