"""Tags: pointers to manifests, and the record of their moves.

Whatever changes tags here also keeps the repository's ``tag_count`` and the history,
in the same transaction, and has collection look at the manifest that a tag left once
``held_until`` has passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from moorage.domain.cleanup import TagFacts
from moorage.domain.digest import Digest
from moorage.domain.history import Cause
from moorage.domain.manifest import TagDate
from moorage.domain.repositories import TagDetail
from moorage.domain.usage import Sums
from moorage.domain.versions import version_key
from moorage.ports.database import Row, Tx
from moorage.ports.query import load
from moorage.store import (
    holds,
    manifests,
    repositories,
    tag_lists,
    tag_search,
    usage_sums,
)
from moorage.store.times import from_us, to_us

_SQL = load("tags")


@dataclass(frozen=True, slots=True)
class Restored:
    """Which tags came back, and which cannot because their image is gone."""

    names: list[str]
    gone: list[str]


class _Times(dict[int, datetime]):
    """Times by microseconds, each made once: the tags of an image share them."""

    def __missing__(self, microseconds: int) -> datetime:
        self[microseconds] = found = from_us(microseconds)
        return found


def put(
    tx: Tx,
    repository_id: int,
    name: str,
    manifest_id: int,
    *,
    digest: Digest,
    created_at: datetime,
    total_bytes: int,
    pushed_at: datetime,
    cause: Cause,
) -> None:
    """Point a tag at a manifest, whether or not it was there.

    Only a real move is recorded and dated; the copies are brought up to date always.
    """
    copied = {
        "repository_id": repository_id,
        "name": name,
        "manifest_id": manifest_id,
        "total_bytes": total_bytes,
        "created_at_us": to_us(created_at),
        "pushed_at_us": to_us(pushed_at),
        "now_us": to_us(cause.now),
    }
    previous = tx.one(_SQL.lock, repository_id=repository_id, name=name)
    while previous is None:
        if tx.run(_SQL.insert, version_key=version_key(name), **copied):
            repositories.add_to_tag_count(tx, repository_id, 1)
            usage_sums.note(tx, repository_id, Sums(total_bytes))
            tag_search.note(tx, repository_id, [name], now=cause.now)
            _record_move(tx, repository_id, name, digest, None, cause)
            return
        # Another transaction brought it in between; a third may take it away again.
        previous = tx.one(_SQL.lock, repository_id=repository_id, name=name)
    tx.run(_SQL.point, **copied)
    change = Sums(total_bytes - previous["total_bytes"])
    usage_sums.note(tx, repository_id, change)
    if previous["manifest_id"] != manifest_id:
        tx.run(
            _SQL.keep,
            manifest_ids=[previous["manifest_id"]],
            held_until_us=to_us(cause.held_until),
        )
        left = previous["digest"]
        _record_move(tx, repository_id, name, digest, left, cause)


def delete(
    tx: Tx,
    repository_id: int,
    name: str,
    *,
    cause: Cause,
    expected_manifest_id: int | None = None,
) -> bool:
    """Remove a tag; return whether it was there.

    With ``expected_manifest_id`` one that points elsewhere stays.

    Raises:
        HeldError: It is held.
    """
    found = tx.one(_SQL.lock, repository_id=repository_id, name=name)
    if found is None:
        return False
    if expected_manifest_id not in (None, found["manifest_id"]):
        return False
    _check_holds(tx, repository_id, [name], cause)
    _delete(tx, repository_id, [found], cause)
    return True


def delete_many(
    tx: Tx,
    repository_id: int,
    seen: Mapping[str, Digest],
    *,
    cause: Cause,
) -> list[str]:
    """Remove tags that still point where they were seen to; return which they were.

    One that is held stays, as one that moved does. The number of statements does not
    depend on the number of tags.
    """
    there = tx.all(_SQL.lock_named, repository_id=repository_id, names=list(seen))
    left = {
        row["name"]: row for row in there if row["digest"] == str(seen[row["name"]])
    }
    for hold in holds.list_of_tags(tx, repository_id, list(left), now=cause.now):
        left.pop(hold.tag or "", None)
    return _delete(tx, repository_id, list(left.values()), cause)


def delete_first(
    tx: Tx,
    repository_id: int,
    limit: int,
    *,
    cause: Cause,
) -> int:
    """Remove tags, whatever their names, up to a number; return how many there were."""
    rows = tx.all(_SQL.lock_first, repository_id=repository_id, limit=limit)
    return len(_delete(tx, repository_id, rows, cause))


def restore_many(
    tx: Tx,
    repository_id: int,
    wanted: Mapping[str, Digest],
    *,
    cause: Cause,
    date: TagDate = TagDate.CREATED,
) -> Restored:
    """Point tags that are not there at manifests that still are.

    A manifest that was hidden is shown again. What a tag tells of pulls is what is
    known of its image. The number of statements does not depend on the number of tags.
    """
    digests = sorted({str(digest) for digest in wanted.values()})
    rows = tx.all(_SQL.lock_images, repository_id=repository_id, digests=digests)
    images = {row["digest"]: row["id"] for row in rows}
    there = {name: str(each) for name, each in wanted.items() if str(each) in images}
    restored = tx.all(
        _SQL.variant("restore", date=date),
        wanted=[
            (name, images[digest], version_key(name)) for name, digest in there.items()
        ],
        now_us=to_us(cause.now),
    )
    names = _names(restored)
    if names:
        tx.run(
            _SQL.record_restorations,
            repository_id=repository_id,
            restored=[(name, there[name]) for name in sorted(names)],
            actor=cause.actor,
            job_id=cause.job_id,
            now_us=to_us(cause.now),
        )
        manifests.show(tx, {images[there[name]] for name in names})
        usage_sums.note(tx, repository_id, Sums(_total(restored)))
        tag_search.note(tx, repository_id, names, now=cause.now)
        # Last: who pushes a new tag waits for the repository's row.
        repositories.add_to_tag_count(tx, repository_id, len(names))
    return Restored(names, gone=[name for name in wanted if name not in there])


def delete_by_manifest(
    tx: Tx,
    repository_id: int,
    manifest_id: int,
    *,
    cause: Cause,
) -> int:
    """Remove every tag that points to a manifest; return how many there were.

    Raises:
        HeldError: One of them is held.
    """
    rows = tx.all(
        _SQL.lock_manifest, repository_id=repository_id, manifest_id=manifest_id
    )
    _check_holds(tx, repository_id, _names(rows), cause)
    return len(_delete(tx, repository_id, rows, cause))


def find_detail(tx: Tx, repository_id: int, name: str) -> TagDetail | None:
    """Look up a tag and what it points to."""
    return tag_lists.list_details(tx, repository_id, [name]).get(name)


def list_facts(tx: Tx, repository_id: int, *, now: datetime) -> list[TagFacts]:
    """Return every tag of a repository with what rules look at, in no order."""
    held = holds.held_tags(tx, repository_id, now=now)
    images = tagged_images(tx, repository_id)
    digests = {id_: Digest.stored(digest) for digest, id_ in images.items()}
    times = _Times()
    return [
        TagFacts(
            name=row["name"],
            digest=digests[row["manifest_id"]],
            created_at=times[row["created_at_us"]],
            pushed_at=times[row["pushed_at_us"]],
            total_size=row["total_bytes"],
            hold=held.get(row["name"]),
            last_pulled_at=(
                None if row["pulled_at_us"] is None else times[row["pulled_at_us"]]
            ),
            manifest_id=row["manifest_id"],
        )
        for row in tx.all(_SQL.list_facts, repository_id=repository_id)
    ]


def tagged_images(tx: Tx, repository_id: int) -> dict[str, int]:
    """Return the ids of the images of a repository's tags, by their digests."""
    rows = tx.all(_SQL.list_tagged, repository_id=repository_id)
    return {row["digest"]: row["id"] for row in rows}


def list_manifest_ids(tx: Tx, repository_id: int) -> list[int]:
    """Return the manifests that a repository's tags point to."""
    rows = tx.all(_SQL.list_manifest_ids, repository_id=repository_id)
    return [row["manifest_id"] for row in rows]


def list_names(tx: Tx, repository_id: int, after: str, limit: int) -> list[str]:
    """List names in byte order, those after ``after``."""
    rows = tx.all(
        _SQL.list_names, repository_id=repository_id, after=after, limit=limit
    )
    return _names(rows)


def list_names_of_many(tx: Tx, repository_ids: list[int]) -> dict[int, list[str]]:
    """List all names of several repositories, each in byte order."""
    found: dict[int, list[str]] = {each: [] for each in repository_ids}
    for row in tx.all(_SQL.list_names_of_many, repository_ids=repository_ids):
        found[row["repository_id"]].append(row["name"])
    return found


def _check_holds(tx: Tx, repository_id: int, names: list[str], cause: Cause) -> None:
    """Refuse to remove tags, whose rows are locked, while one of them is held."""
    for hold in holds.list_of_tags(tx, repository_id, names, now=cause.now):
        raise hold.refusal(f"tag {hold.tag}")


def _delete(tx: Tx, repository_id: int, rows: Sequence[Row], cause: Cause) -> list[str]:
    """Remove tags whose rows are locked."""
    names = _names(rows)
    if names:
        tx.run(
            _SQL.record_deletions,
            repository_id=repository_id,
            left=[(row["name"], row["digest"]) for row in rows],
            actor=cause.actor,
            job_id=cause.job_id,
            now_us=to_us(cause.now),
        )
        tx.run(
            _SQL.keep,
            manifest_ids=list({row["manifest_id"] for row in rows}),
            held_until_us=to_us(cause.held_until),
        )
        deleted = tx.run(_SQL.delete_names, repository_id=repository_id, names=names)
        usage_sums.note(tx, repository_id, Sums(-_total(rows)))
        tag_search.note(tx, repository_id, names, now=cause.now)
        # Last: who pushes a new tag waits for the repository's row.
        repositories.add_to_tag_count(tx, repository_id, -deleted)
    return names


def _record_move(
    tx: Tx,
    repository_id: int,
    name: str,
    digest: Digest,
    previous_digest: str | None,
    cause: Cause,
) -> None:
    tx.run(
        _SQL.record,
        repository_id=repository_id,
        name=name,
        action="restore" if cause.restores else "push",
        digest=str(digest),
        previous_digest=previous_digest,
        actor=cause.actor,
        job_id=cause.job_id,
        now_us=to_us(cause.now),
    )


def _total(rows: Iterable[Row]) -> int:
    return sum(row["total_bytes"] for row in rows)


def _names(rows: Iterable[Row]) -> list[str]:
    return [row["name"] for row in rows]
