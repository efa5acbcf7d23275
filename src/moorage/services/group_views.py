"""What is shown of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moorage.domain.members import Share
from moorage.domain.projects import Namespace
from moorage.ports.database import Tx
from moorage.store import namespaces


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group with all groups above it, topmost first, itself last.

    ``shares`` are the groups that were invited to it; lists leave them out.
    """

    group: Namespace
    ancestry: Sequence[Namespace]
    shares: Sequence[Share] = ()


def views(tx: Tx, groups: Sequence[Namespace]) -> list[GroupView]:
    """Return groups with those above them."""
    chains = namespaces.chains(tx, [group.id for group in groups])
    return [GroupView(group, chains[group.id]) for group in groups]
