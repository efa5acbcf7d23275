"""A project moves again and again while others push to it and pull from it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from live.images import a_layer, an_image, digest_of
from live.registry import UnexpectedAnswerError, expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitlab.v4.objects import Group, Project

    from live.estate import Estate

pytestmark = pytest.mark.clients

MOVES = 12
PUSHERS = 2
_PATIENCE_SECONDS = 30

AT_A_FORMER_PATH = (401, 404)
"""A token for it opens nothing, or there is nothing."""


class Race:
    """One project, two groups that it moves between, and who pushes meanwhile."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.groups: list[Group] = [estate.group(), estate.group()]
        self.project: Project = estate.project(self.groups[0])
        self.over = threading.Event()
        self.arrived = threading.Event()

    def path(self) -> str:
        """Say where the project is just now."""
        shown = self.estate.call(
            self.estate.admin, "GET", f"/projects/{self.project.id}"
        )
        path: str = expect(shown, 200).json()["path_with_namespace"]
        return path

    def move(self) -> None:
        """Move the project to and fro, by each of the calls that give it a path.

        Between two rounds somebody's push goes through.
        """
        try:
            for number in range(MOVES):
                target = self.groups[(number + 1) % 2].id
                name = {"path": f"renamed-{number}"}
                for method, address, body in (
                    (
                        "PUT",
                        f"/projects/{self.project.id}/transfer",
                        {"namespace": target},
                    ),
                    ("PUT", f"/projects/{self.project.id}", name),
                    (
                        "PUT",
                        f"/groups/{target}",
                        {"path": f"{self.estate.new_name('g')}"},
                    ),
                ):
                    answer = self.estate.call(
                        self.estate.admin, method, address, json=body
                    )
                    expect(answer, 200)
                self.arrived.clear()
                assert self.arrived.wait(_PATIENCE_SECONDS)
        finally:
            self.over.set()

    def push(self, pusher: int) -> dict[str, str]:
        """Push until the moving ends; return what was told to be there, by tag."""
        told = {}
        with self.estate.registry(self.estate.admin) as registry:
            number = 0
            while not self.over.is_set():
                tag, number = f"p{pusher}-{number}", number + 1
                path = self.path()
                digest = tried(registry.push, path, tag, an_image(tag))
                if digest is not None:
                    told[tag] = digest
                    self.arrived.set()
                    assert tried(registry.pull, path, tag) in (digest, None)
        return told


def tried(step: Callable[..., str], *arguments: object) -> str | None:
    """Do something where the project just was; it may be gone from there."""
    try:
        return step(*arguments)
    except UnexpectedAnswerError as error:
        if error.status not in AT_A_FORMER_PATH:
            raise
        return None


def test_what_was_pushed_while_a_project_moved_is_where_it_went(
    estate: Estate,
) -> None:
    race = Race(estate)
    with ThreadPoolExecutor(PUSHERS + 1) as threads:
        moving = threads.submit(race.move)
        pushing = [threads.submit(race.push, number) for number in range(PUSHERS)]
        told = {tag: digest for one in pushing for tag, digest in one.result().items()}
        moving.result()
    assert len(told) >= MOVES
    path = race.path()
    with estate.registry(estate.admin) as registry:
        for tag, digest in told.items():
            assert registry.pull(path, tag) == digest
        assert set(told) <= set(registry.tags(path))
    # Nothing was left behind, and nothing began a second life at a former path.
    listed = [
        one.id
        for group in race.groups
        for one in estate.gitlab.groups.get(group.id).projects.list(get_all=True)
    ]
    assert listed == [race.project.id]
    project = estate.gitlab.projects.get(race.project.id)
    (repository,) = project.repositories.list(get_all=True, tags_count=True)
    assert repository.path == path
    assert repository.tags_count >= len(told)


def test_an_upload_goes_on_at_the_new_path(estate: Estate) -> None:
    project = estate.project()
    former = f"{project.path_with_namespace}/app"
    layer = a_layer("moved half-way")
    with estate.registry(estate.admin) as registry:
        location = registry.start_upload(former)
        registry.append(former, location, layer[:10], start=0)
        project.path = estate.new_name("renamed")
        project.save()
        path = f"{project.namespace['full_path']}/{project.path}/app"
        assert registry.upload_status(former, location).status_code == 404
        moved = location.replace(f"/v2/{former}/", f"/v2/{path}/")
        assert registry.upload_status(path, moved).headers["Range"] == "0-9"
        moved = registry.append(path, moved, layer[10:], start=10)
        registry.finish(path, moved, digest_of(layer))
        assert expect(registry.blob(path, digest_of(layer)), 200).content == layer
        gone = registry.blob(former, digest_of(layer))
        assert gone.status_code in AT_A_FORMER_PATH


def test_what_is_pushed_to_a_former_path_is_told_that_there_is_nothing(
    estate: Estate,
) -> None:
    project, image = estate.project(), an_image("late")
    former = project.path_with_namespace
    with estate.registry(estate.admin) as registry:
        for blob in image.blobs:
            registry.push_blob(former, blob)
        project.path = estate.new_name("renamed")
        project.save()
        with pytest.raises(UnexpectedAnswerError, match="NAME_UNKNOWN") as refused:
            registry.put_manifest(former, "v1", image.manifest, image.media_type)
        assert refused.value.status == 404
        with pytest.raises(UnexpectedAnswerError) as refused:
            registry.start_upload(former)
        assert refused.value.status == 404
