"""Rows to test with, made through the store: valid by default, telling what matters."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from moorage.domain.access import CredentialKind, Role, Visibility
from moorage.domain.digest import Digest
from moorage.domain.history import Cause
from moorage.domain.projects import Scope
from moorage.ports.query import Query
from moorage.store import (
    accounts,
    members,
    namespaces,
    projects,
    repositories,
    tags,
    tokens,
)
from moorage.store.times import to_us

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moorage.domain.accounts import Account
    from moorage.domain.projects import Namespace, Project
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Row, Tx

NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)

_numbers = itertools.count(1)

_INSERT_MANIFEST = Query(
    "rows.manifest",
    """
    INSERT INTO manifest (repository_id, digest, media_type, size_bytes, config_digest,
                          total_bytes, platforms, created_at_us, pushed_at_us,
                          lease_until_us)
    VALUES (:repository_id, :digest, :media_type, 500, :config_digest,
            :total_bytes, '[]', :created_at_us, :pushed_at_us, 0)
    RETURNING id
    """,
)
_INSERT_PAYLOAD = Query(
    "rows.payload",
    "INSERT INTO manifest_payload (manifest_id, content) VALUES (:id, :content)",
)
FIND_MANIFEST = Query(
    "rows.find_manifest",
    "SELECT pull_count, pulled_at_us, lease_until_us FROM manifest WHERE id = :id",
)
CLOSE_UPLOAD = Query(
    "rows.close_upload", "UPDATE upload SET digest = :digest WHERE id = :id"
)
_EVENTS = Query("rows.events", "SELECT * FROM tag_event ORDER BY id")


@dataclass(frozen=True, slots=True)
class Image:
    """A manifest's row."""

    id: int
    digest: Digest
    config_digest: Digest
    created_at: datetime
    pushed_at: datetime
    total_bytes: int


def a_group(tx: Tx, path: str = "group", parent: Namespace | None = None) -> Namespace:
    new = namespaces.NewGroup(
        name=path, path=path, parent=parent, visibility=Visibility.PUBLIC
    )
    return namespaces.create_group(tx, new, now=NOW)


def a_project(
    tx: Tx,
    namespace: Namespace,
    path: str = "project",
    visibility: Visibility = Visibility.PRIVATE,
) -> Project:
    return projects.create(
        tx,
        namespace=namespace,
        path=path,
        name=path,
        creator_id=None,
        now=NOW,
        visibility=visibility,
    )


def an_account(tx: Tx, username: str, *, admin: bool = False) -> Account:
    new = accounts.NewAccount(
        username=username, name=username, email=f"{username}@example.com", admin=admin
    )
    return accounts.create(tx, new, now=NOW)


def a_token(account: Account) -> tokens.NewToken:
    """Describe a token unlike any other."""
    return tokens.NewToken(
        kind=CredentialKind.PERSONAL,
        secret_hash=f"hash {next(_numbers)}",
        name="token",
        scopes=("api",),
        account_id=account.id,
    )


def a_member(tx: Tx, project: Project, level: Role) -> Account:
    account = an_account(tx, level.name.lower())
    members.put(tx, Scope(project_id=project.id), account.id, level, now=NOW)
    return account


def a_repository(tx: Tx, project: Project, name: str = "") -> Repository:
    path = f"{project.full_path}/{name}".rstrip("/").lower()
    return repositories.create(tx, project.id, project.namespace_id, name, path, NOW)


def a_lone_repository(tx: Tx) -> Repository:
    """Make a repository with all that it needs."""
    return a_repository(tx, a_project(tx, a_group(tx)))


def an_image(
    tx: Tx,
    repository: Repository,
    *,
    created_at: datetime = NOW,
    pushed_at: datetime = NOW,
    total_bytes: int = 1000,
) -> Image:
    """Make a manifest unlike any other."""
    number = next(_numbers)
    digest = Digest.of(f"manifest {number}".encode())
    config_digest = Digest.of(f"config {number}".encode())
    row = tx.one(
        _INSERT_MANIFEST,
        repository_id=repository.id,
        digest=str(digest),
        media_type="application/vnd.oci.image.manifest.v1+json",
        config_digest=str(config_digest),
        total_bytes=total_bytes,
        created_at_us=to_us(created_at),
        pushed_at_us=to_us(pushed_at),
    )
    assert row is not None
    return Image(row["id"], digest, config_digest, created_at, pushed_at, total_bytes)


def put_payload(tx: Tx, image: Image) -> None:
    """Give a manifest bytes, so that it can be pulled."""
    tx.run(_INSERT_PAYLOAD, id=image.id, content=b"{}")


def put_tag(
    tx: Tx, repository: Repository, name: str, image: Image, now: datetime = NOW
) -> None:
    tags.put(
        tx,
        repository.id,
        name,
        image.id,
        digest=image.digest,
        created_at=image.created_at,
        total_bytes=image.total_bytes,
        pushed_at=image.pushed_at,
        cause=Cause("pusher", now, now),
    )


def put_tags(tx: Tx, repository: Repository, created: Mapping[str, datetime]) -> None:
    """Make one image per tag, created when the mapping says."""
    for name, created_at in created.items():
        put_tag(tx, repository, name, an_image(tx, repository, created_at=created_at))


def tag_events(tx: Tx) -> list[Row]:
    """Return the whole history, oldest first."""
    return tx.all(_EVENTS)


def tag_names(tx: Tx, repository: Repository) -> list[str]:
    return tags.list_names(tx, repository.id, "", 100_000)
