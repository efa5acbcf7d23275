"""What an operator does on the server's machine, beside the running server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from live.images import an_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from live.estate import Estate
    from live.images import Image

pytestmark = pytest.mark.clients

TAGS = ("v1", "v2", "v3", "latest")


class Scene:
    """A repository of some images, and the command line."""

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.project = estate.project()
        self.path = f"{self.project.path_with_namespace}/app"
        self.registry = estate.registry(estate.admin)
        self.images: dict[str, Image] = {tag: an_image(tag) for tag in TAGS}
        for tag, image in self.images.items():
            self.registry.push(self.path, tag, image)

    def run(self, *words: str) -> str:
        """Run a command that succeeds; return what it printed."""
        done = self.estate.server.command(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))

    def refused(self, *words: str) -> str:
        """Run a command that fails; return the one sentence that it says."""
        done = self.estate.server.command(*words)
        assert (done.returncode, done.stdout) == (1, "")
        (sentence,) = done.stderr.splitlines()
        return sentence


@pytest.fixture
def scene(estate: Estate) -> Iterator[Scene]:
    made = Scene(estate)
    with made.registry:
        yield made


def test_a_plan_is_shown_applied_and_undone(scene: Scene) -> None:
    rules = ("--name-regex-delete", "v.*")
    shown = scene.run("plan", scene.path, *rules).splitlines()
    assert [line.split()[4] for line in shown[:-1]] == ["v3", "v2", "v1"]
    assert "3 of 4 tags go" in shown[-1]
    plan = scene.run_json("plan", scene.path, *rules, "--keep-n", "1")
    decisions = {item["name"]: item["decision"] for item in plan["items"]}
    assert decisions == {"v1": "delete", "v2": "delete", "v3": "keep", "latest": "keep"}
    job = scene.run_json("apply", scene.path, str(plan["id"]))
    assert (job["state"], job["result"]["deleted"]) == ("succeeded", 2)
    assert scene.registry.tags(scene.path) == ["latest", "v3"]
    assert "succeeded: 2 restored" in scene.run("undo", str(job["id"]))
    for tag, image in scene.images.items():
        assert scene.registry.pull(scene.path, tag) == image.digest


def test_rules_come_from_a_file(scene: Scene, tmp_path: Path) -> None:
    rules = {"delete": [{"when": {"name": "v[12]"}}]}
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(rules))
    plan = scene.run_json("plan", scene.path, "--rules", str(file))
    assert plan["parameters"] == {"rules": rules}
    assert plan["summary"]["delete"] == 2


def test_what_cannot_be_done_is_said_in_a_sentence(scene: Scene) -> None:
    rules = ("--name-regex-delete", ".*")
    assert "not known" in scene.refused("plan", "no/such/image", *rules)
    assert "say what to delete" in scene.refused("plan", scene.path)
    assert "regexp" in scene.refused("plan", scene.path, "--name-regex-delete", "(")
    assert "policy not found" in scene.refused("plan", scene.path, "--policy", "0")
    assert "plan not found" in scene.refused("apply", scene.path, "0")
    assert "job not found" in scene.refused("undo", "0")
    nobody = ("--acting-as", "nobody-at-all")
    assert "user not found" in scene.refused("plan", scene.path, *rules, *nobody)


def test_the_rights_of_the_user_count_and_history_names_them(scene: Scene) -> None:
    rules = ("--name-regex-delete", "v1")
    developer = scene.estate.person(scene.project, 30)
    as_them = ("--acting-as", developer.username)
    assert "denied" in scene.refused("plan", scene.path, *rules, *as_them)
    maintainer = scene.estate.person(scene.project, 40)
    as_them = ("--acting-as", maintainer.username)
    plan = scene.run_json("plan", scene.path, *rules, *as_them)
    scene.run("apply", scene.path, str(plan["id"]), *as_them)
    number = scene.estate.repository_id(scene.project, scene.path)
    events = scene.estate.call(
        *(scene.estate.admin, "GET"),
        f"/projects/{scene.project.id}/registry/repositories/{number}/tags/v1/history",
    ).json()
    assert (events[0]["action"], events[0]["actor"]) == ("delete", maintainer.username)


def test_what_keeps_a_digest_is_told(scene: Scene) -> None:
    digest = scene.images["v1"].digest
    assert "tag v1" in scene.run("why", scene.path, digest)
    assert scene.run_json("why", scene.path, digest)["elsewhere"] == 0


def test_collection_runs_at_once(scene: Scene) -> None:
    assert "bytes freed" in scene.run("gc")
    assert scene.run_json("gc")["failed"] == 0
