"""Repositories: rows, their place below groups, their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from moorage.domain.errors import RepositoryUnknownError, ValidationError
from moorage.domain.names import MAX_NAME_LENGTH
from moorage.domain.repositories import LastUse, Repository
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import path_search, usage_sums
from moorage.store.times import from_us, from_us_or_none, to_us

_SQL = load("repositories")


def find(tx: Tx, repository_id: int) -> Repository | None:
    """Look a repository up that was not deleted."""
    row = tx.one(_SQL.find, id=repository_id)
    return None if row is None else read(row)


def find_by_path(tx: Tx, path: str) -> Repository | None:
    """Look a repository up, that was not deleted, by the name clients pull by."""
    row = tx.one(_SQL.find_by_path, path=path)
    return None if row is None else read(row)


def find_deleted(tx: Tx, repository_id: int) -> Repository | None:
    """Look a repository up that was deleted, of a project that was not."""
    row = tx.one(_SQL.find_deleted, id=repository_id)
    return None if row is None else read(row)


def revive(tx: Tx, repository_id: int, namespace_id: int, path: str) -> None:
    """Bring a deleted repository back, without tags, under a path that is free."""
    tx.run(_SQL.revive, id=repository_id, path=path)
    path_search.add(tx, [path])
    place(tx, repository_id, namespace_id)


def create(
    tx: Tx, project_id: int, namespace_id: int, name: str, path: str, now: datetime
) -> Repository:
    """Make a repository in a project, or return the one that is there already.

    ``namespace_id`` is the project's own namespace. A new one takes over the blobs that
    were just brought to a deleted one of its name and project.
    """
    created = tx.run(
        _SQL.create, project_id=project_id, name=name, path=path, now_us=to_us(now)
    )
    repository = find_by_path(tx, path)
    if repository is None:
        raise RepositoryUnknownError(name=path)
    if created:
        place(tx, repository.id, namespace_id)
        path_search.add(tx, [path])
        tx.run(
            _SQL.inherit_links,
            repository_id=repository.id,
            project_id=project_id,
            path=path,
            now_us=to_us(now),
        )
        usage_sums.note_links_of(tx, repository.id)
    return repository


def has_been(tx: Tx, path: str) -> bool:
    """Whether there is or was a repository of this name."""
    return tx.one(_SQL.has_been, path=path) is not None


def has_had_path(tx: Tx, repository_id: int, path: str) -> bool:
    """Whether a repository, deleted or not, is that of a path."""
    return tx.one(_SQL.has_had_path, id=repository_id, path=path) is not None


def place(tx: Tx, repository_id: int, namespace_id: int) -> None:
    """Show a repository in the lists of a namespace and of all that enclose it."""
    tx.run(_SQL.place, repository_id=repository_id, namespace_id=namespace_id)


def move(tx: Tx, project_ids: Sequence[int]) -> None:
    """Let repositories follow their projects, which have other paths by now.

    Raises:
        ValidationError: The name of one would be longer than clients can ask for.
    """
    ids = list(project_ids)
    tx.run(_SQL.follow, project_ids=ids)
    row = tx.one(_SQL.longest_path, project_ids=ids)
    if row is not None and row["length"] > MAX_NAME_LENGTH:
        raise ValidationError(path=["is too long for the names of its images"])
    rows = tx.all(_SQL.list_paths_of, project_ids=ids)
    path_search.add(tx, (row["path"] for row in rows))
    show(tx, ids)


def show(tx: Tx, project_ids: Sequence[int]) -> None:
    """Show the repositories of projects where these are by now, if they have any."""
    tx.run(_SQL.withdraw, project_ids=list(project_ids))
    tx.run(_SQL.show, project_ids=list(project_ids))


def list_paths(tx: Tx, after: str, limit: int) -> list[str]:
    """List names in byte order, those after ``after``."""
    return [row["path"] for row in tx.all(_SQL.list_paths, after=after, limit=limit)]


def last_uses(tx: Tx, repository_ids: list[int]) -> dict[int, LastUse]:
    """Say when a tag that is there was last pushed and pulled, per repository."""
    return {
        row["id"]: LastUse(
            from_us_or_none(row["pushed_at_us"]),
            from_us_or_none(row["pulled_at_us"] or None),
        )
        for row in tx.all(_SQL.last_uses, ids=repository_ids)
    }


def size_bytes(tx: Tx, repository_id: int) -> int:
    """Add up the blobs that tags reach, each once. Costs as much as there are."""
    row = tx.one(_SQL.size, id=repository_id)
    return row["size_bytes"] if row else 0


def list_below(
    tx: Tx, project_id: int, path: str, after: str | None, limit: int
) -> list[Repository]:
    """Return a project's repositories with tags whose paths go on from one, by path."""
    low, high = _range_below(path)
    rows = tx.all(
        _SQL.list_below,
        project_id=project_id,
        after=low if after is None else max(low, after),
        high=high,
        limit=limit,
    )
    return [read(row) for row in rows]


def size_with_below_bytes(tx: Tx, top: Repository) -> int:
    """Add up the blobs that tags of it and of all below it reach, each once."""
    low, high = _range_below(top.path)
    row = tx.one(
        _SQL.size_with_below,
        project_id=top.project_id,
        path=top.path,
        low=low,
        high=high,
    )
    return row["size_bytes"] if row else 0


def published_at(tx: Tx, repository_id: int) -> datetime | None:
    """Return when a tag was last pointed at something."""
    row = tx.one(_SQL.published, id=repository_id)
    return None if row is None else from_us_or_none(row["moved_at_us"])


def _range_below(path: str) -> tuple[str, str]:
    """Return what paths below one are between: a slash, and what sorts behind it."""
    return f"{path}/", f"{path}0"


def add_to_tag_count(tx: Tx, repository_id: int, change: int) -> None:
    """Keep ``tag_count`` right, in the transaction that changes the tags.

    Raises:
        RepositoryUnknownError: It was deleted meanwhile, and its tags with it.
    """
    if tx.run(_SQL.add_to_tag_count, id=repository_id, change=change) == 0:
        raise RepositoryUnknownError(id=repository_id)


def count_tags(tx: Tx, repository_id: int) -> int:
    """Say how many tags a repository has, even one that is hidden."""
    row = tx.one(_SQL.count_tags, id=repository_id)
    return 0 if row is None else row["tag_count"]


def set_status(tx: Tx, repository_id: int, status: str | None) -> None:
    """Say how far a deletion is; ``None`` is a repository in normal use."""
    tx.run(_SQL.set_status, id=repository_id, status=status)


def mark_deleted(tx: Tx, repository_id: int, *, now: datetime) -> bool:
    """Take an empty repository away; return ``False`` if it has tags or is gone."""
    if tx.run(_SQL.mark_deleted, id=repository_id, now_us=to_us(now)) == 0:
        return False
    tx.run(_SQL.displace, repository_id=repository_id)
    return True


def hide(tx: Tx, repository_id: int, *, now: datetime) -> None:
    """Take a repository away at once, whatever tags it still has."""
    tx.run(_SQL.hide, id=repository_id, now_us=to_us(now))
    tx.run(_SQL.displace, repository_id=repository_id)


def leave_project(tx: Tx, project_id: int) -> None:
    """Let a project go without its repositories, which are all deleted."""
    tx.run(_SQL.leave_project, project_id=project_id)


def mark_policy_started(tx: Tx, repository_id: int, *, now: datetime) -> None:
    """Remember when a policy was last run on a repository."""
    tx.run(_SQL.mark_policy_started, id=repository_id, now_us=to_us(now))


def accept_cleanup(
    tx: Tx, repository_id: int, *, interval: timedelta, now: datetime
) -> bool:
    """Take the lease of bulk deletes; return ``False`` while another has it."""
    accepted = tx.run(
        _SQL.accept_cleanup,
        id=repository_id,
        now_us=to_us(now),
        free_since_us=to_us(now - interval),
    )
    return accepted == 1


def read(row: Row) -> Repository:
    """Read a repository."""
    return Repository(
        id=row["id"],
        project_id=row["project_id"],
        name=row["name"],
        path=row["path"],
        tag_count=row["tag_count"],
        status=row["status"],
        created_at=from_us(row["created_at_us"]),
        cleanup_policy_started_at=from_us_or_none(row["cleanup_policy_started_at_us"]),
    )
