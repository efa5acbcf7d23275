"""Exact bytes against a model that removes one thing after the other by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from contract import graph, rows
from contract.rows import NOW
from moorage.domain.history import Cause
from moorage.domain.holds import NewHold
from moorage.store import holds, sizes, tags

if TYPE_CHECKING:
    from contract.graph import Blob, Node
    from moorage.domain.repositories import Repository
    from moorage.ports.database import Database, Tx

SEEDS = 40


@dataclass
class Picture:
    """A manifest as the model knows it; numbers point at earlier ones."""

    node: Node
    repository: int
    blobs: list[Blob]
    children: list[int]
    subject: int | None
    held: bool


class Model:
    """Some repositories, made at random as rows, and known without asking."""

    def __init__(self, tx: Tx, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311
        project = rows.a_project(tx, rows.a_group(tx))
        self.repositories = [
            rows.a_repository(tx, project, name) for name in ("one", "two", "three")
        ]
        self.blobs = [graph.a_blob(tx, 10**at) for at in range(7)]
        self.pictures: list[Picture] = []
        self.pointers: dict[tuple[int, str], int] = {}
        for number in range(self.random.randint(1, 14)):
            self._add(tx, number)

    def _add(self, tx: Tx, number: int) -> None:
        random = self.random
        at = random.randrange(3)
        beside = [n for n, each in enumerate(self.pictures) if each.repository == at]
        children = random.sample(beside, min(len(beside), random.choice((0, 0, 1, 2))))
        # An index that is about what it lists would keep itself for ever.
        about = beside if not children and random.random() < 0.4 else []
        subject = random.choice(about) if about else None
        blobs = random.sample(self.blobs, random.randint(0, 3))
        repository = self.repositories[at]
        node = graph.a_manifest(
            tx,
            repository,
            blobs=blobs,
            children=[self.pictures[child].node for child in children],
            subject=None if subject is None else self.pictures[subject].node,
        )
        held = random.random() < 0.1
        if held:
            new = NewHold(repository.id, "kept", "me", digest=node.digest)
            holds.create(tx, new, now=NOW)
        self.pictures.append(Picture(node, at, blobs, children, subject, held))
        for each in range(random.choice((0, 1, 1, 2))):
            name = f"t{number}-{each}"
            self.pointers[at, name] = number
            _point(tx, repository, name, node)

    def stored(self, without: set[str]) -> int:
        """Add up what stays of all blobs when tags of the first repository go."""
        alive = {
            number
            for (at, name), number in self.pointers.items()
            if at != 0 or name not in without
        } | {number for number, each in enumerate(self.pictures) if each.held}
        while True:
            more = {c for n in alive for c in self.pictures[n].children} | {
                n for n, each in enumerate(self.pictures) if each.subject in alive
            }
            if more <= alive:
                break
            alive |= more
        used = {blob.id: blob for n in alive for blob in self.pictures[n].blobs}
        return sum(blob.size_bytes for blob in used.values())


def _point(tx: Tx, repository: Repository, name: str, node: Node) -> None:
    tags.put(
        tx,
        repository.id,
        name,
        node.id,
        digest=node.digest,
        created_at=NOW,
        total_bytes=0,
        pushed_at=NOW,
        cause=Cause("me", NOW, NOW),
    )


class Undone(Exception):  # noqa: N818 (nothing is to stay)
    """Nothing of this is to be kept."""


async def test_bytes_are_those_of_the_model(database: Database) -> None:
    def body(tx: Tx, seed: int) -> None:
        model = Model(tx, seed)
        repository_id = model.repositories[0].id
        mine = [name for at, name in model.pointers if at == 0]
        going = {name for name in mine if model.random.random() < 0.6}
        nodes = {name: _node(model, name) for name in mine}
        keeping = sizes.keeping(tx, repository_id)
        whole = model.stored(set())
        freed = sizes.freed_bytes(
            tx,
            repository_id,
            keeping,
            staying=[nodes[name] for name in mine if name not in going],
            going=[nodes[name] for name in going],
        )
        assert freed == whole - model.stored(going), seed
        pointers = [nodes[name] for name in mine]
        wanted = model.random.sample(range(len(mine)), len(mine) // 2)
        for asked in (range(len(mine)), wanted):
            found = sizes.exclusive_bytes(tx, repository_id, keeping, pointers, asked)
            for place in asked:
                alone = whole - model.stored({mine[place]})
                assert found.get(place, 0) == alone, (seed, mine[place])
        raise Undone

    for seed in range(SEEDS):
        with pytest.raises(Undone):
            await database.write(partial(body, seed=seed))


def _node(model: Model, name: str) -> int:
    return model.pictures[model.pointers[0, name]].node.id


async def test_nothing_comes_free_of_nothing(database: Database) -> None:
    def body(tx: Tx) -> None:
        repository = rows.a_lone_repository(tx)
        keeping = sizes.keeping(tx, repository.id)
        free = sizes.freed_bytes(tx, repository.id, keeping, staying=[], going=[])
        assert free == 0
        assert not sizes.exclusive_bytes(tx, repository.id, keeping, [], [])

    await database.write(body)
