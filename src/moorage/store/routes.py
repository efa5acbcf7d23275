"""Paths: what each belongs to, and to which project it belonged before."""

from __future__ import annotations

from collections.abc import Sequence

from moorage.domain.projects import OwnerKind
from moorage.ports.database import Row, Tx
from moorage.ports.query import load

_SQL = load("routes")


def claim(tx: Tx, of: OwnerKind, id_: int, full_path: str) -> bool:
    """Give something its path; return ``False`` if that is taken.

    The path then leads nowhere else any more.
    """
    path_key = full_path.lower()
    if not tx.run(_SQL.variant("claim", of=of), path_key=path_key, id=id_):
        return False
    tx.run(_SQL.forget, path_key=path_key)
    return True


def find(tx: Tx, of: OwnerKind, full_path: str) -> Row | None:
    """Return the row of what has a path, in any case."""
    return tx.one(_SQL.variant("find", of=of), path_key=full_path.lower())


def find_longest(tx: Tx, of: OwnerKind, prefixes: Sequence[str]) -> Row | None:
    """Return the row of what has the longest of some paths, given in lower case."""
    query = _SQL.variant("find_longest", of=of)
    return tx.one(query, prefixes=list(prefixes))


def find_former(tx: Tx, prefixes: Sequence[str]) -> Row | None:
    """Return the row of the project that had the longest of some paths before."""
    return tx.one(_SQL.find_former, prefixes=list(prefixes))


def remember(tx: Tx, project_ids: Sequence[int]) -> None:
    """Let the present paths of projects lead to them once they have others."""
    tx.run(_SQL.remember, project_ids=list(project_ids))


def replace(tx: Tx, of: OwnerKind, id_: int, full_path: str) -> bool:
    """Give something another path; return ``False`` if that is taken."""
    tx.run(_SQL.variant("release", of=of), id=id_)
    return claim(tx, of, id_, full_path)


def follow(tx: Tx, of: OwnerKind, ids: Sequence[int], old: str, new: str) -> None:
    """Move what lies below a path along with it."""
    tx.run(
        _SQL.variant("follow", of=of),
        ids=list(ids),
        path_key=new.lower(),
        rest_from=len(old) + 1,
    )


def prefixes_of(path: str) -> list[str]:
    """Return a path and every path above it, shortest first, in lower case."""
    parts = path.lower().split("/")
    return ["/".join(parts[: length + 1]) for length in range(len(parts))]
