"""Repositories, tags, and blobs as the registry knows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moorage.domain.digest import Digest


@dataclass(frozen=True, slots=True)
class Repository:
    """An OCI repository, and where it belongs in the tree of projects.

    ``name`` is its path below the project, empty for the one named like the project;
    ``path`` is the full, lower-case name that clients pull by.
    """

    id: int
    project_id: int
    name: str
    path: str
    tag_count: int
    status: str | None
    created_at: datetime
    cleanup_policy_started_at: datetime | None


class OwnerKind(StrEnum):
    """What has a list of repositories."""

    PROJECT = "project"
    NAMESPACE = "namespace"


@dataclass(frozen=True, slots=True)
class RepositoryOwner:
    """A project, or a group with all that is below it.

    Of a group those are left out whose project's registry is switched off.
    """

    kind: OwnerKind
    id: int

    @classmethod
    def project(cls, project_id: int) -> RepositoryOwner:
        """Name a project."""
        return cls(OwnerKind.PROJECT, project_id)

    @classmethod
    def namespace(cls, namespace_id: int) -> RepositoryOwner:
        """Name a group, or a user's own namespace."""
        return cls(OwnerKind.NAMESPACE, namespace_id)


class RepositoryOrder(StrEnum):
    """What repositories are ordered by; age breaks ties, in the same direction.

    ``PUSHED`` and ``PULLED`` are of tags that are there; what was never is first.
    ``SIZE`` counts each blob of a repository once, until it is collected.
    """

    CREATED = "created"
    NAME = "name"
    TAGS = "tags"
    PUSHED = "pushed"
    PULLED = "pulled"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class RepositoryList:
    """Which repositories are asked for, in which order; ``search`` in any case."""

    order: RepositoryOrder = RepositoryOrder.CREATED
    descending: bool = False
    search: str = ""


ALL_REPOSITORIES = RepositoryList()
"""Oldest first."""


@dataclass(frozen=True, slots=True)
class LastUse:
    """When a repository was last pushed to and pulled from, by tags that are there."""

    pushed_at: datetime | None
    pulled_at: datetime | None


@dataclass(frozen=True, slots=True)
class TagDetail:
    """A tag and what it points to.

    ``created_at`` is the effective date (see ``effective_created_at``);
    ``total_bytes`` the listed layer sizes; ``config_digest`` is missing for an index.
    ``pulled_at`` and ``pull_count`` are of pulls by this tag.
    """

    name: str
    digest: Digest
    media_type: str
    config_digest: Digest | None
    created_at: datetime
    pushed_at: datetime
    total_bytes: int
    artifact_type: str | None
    platforms: tuple[str, ...]
    pulled_at: datetime | None
    pull_count: int


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob that a repository may serve, and the generation of its object."""

    id: int
    digest: Digest
    generation: str
    size_bytes: int
