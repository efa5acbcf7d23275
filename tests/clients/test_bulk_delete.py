"""A bulk delete of twenty tags, some of which share a manifest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from live.images import an_image
from live.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from live.estate import Estate
    from live.images import Image

pytestmark = pytest.mark.clients

# Age of each image in hours; a name in place of a number shares that tag's manifest.
AGES: dict[str, float | str] = {
    "v1": 240,
    "v2": 216,
    "v3": 192,
    "v4": 168,
    "v5": 144,
    "v6": 120,
    "v7": 96,
    "v8": 71,
    "v9": 48,
    "v10": 24,
    "release-1": 600,
    "release-2": 480,
    "release-3": 1,
    "dev-1": "v1",
    "dev-2": "release-2",
    "dev-3": 12,
    "dev-4": 36,
    "dev-5": 132,
    "dev-6": 720,
    "latest": "v2",
}
RULES = {
    "name_regex_delete": "v.+|dev-.*|latest|release.*",
    "name_regex_keep": "release.*",
    "keep_n": "4",
    "older_than": "3d",
}
# Newest first: dev-3, v10, dev-4, v9 are the four kept; v8 is too young; latest is
# never taken; release-* is excluded by name. The rest goes.
DELETED = {
    *("v1", "v2", "v3", "v4", "v5", "v6", "v7"),
    *("dev-1", "dev-2", "dev-5", "dev-6"),
}


def images_of(ages: Mapping[str, float | str]) -> dict[str, Image]:
    now = datetime.now(UTC)
    made = {
        tag: an_image(tag, created=now - timedelta(hours=age))
        for tag, age in ages.items()
        if not isinstance(age, str)
    }
    return {
        tag: made[age if isinstance(age, str) else tag] for tag, age in ages.items()
    }


def test_exactly_what_the_rules_say_is_deleted_and_the_rest_pulls(
    estate: Estate,
) -> None:
    project = estate.project()
    path = f"{project.path_with_namespace}/app"
    images = images_of(AGES)
    with estate.registry(estate.admin) as registry:
        for tag, image in images.items():
            registry.push(path, tag, image)
        number = estate.repository_id(project, path)
        answer = estate.call(
            *(estate.admin, "DELETE"),
            f"/projects/{project.id}/registry/repositories/{number}/tags",
            data=RULES,
        )
        assert (answer.status_code, answer.json()) == (202, 202)
        kept = sorted(set(AGES) - DELETED)
        eventually(lambda: registry.tags(path), kept)
        for tag in kept:
            assert registry.pull(path, tag) == images[tag].digest
        for tag in DELETED:
            assert registry.manifest(path, tag).status_code == 404


@pytest.mark.parametrize(
    ("rules", "deleted"),
    [
        ({"name_regex_delete": ".*"}, {"A", "Ba", "Bb", "C", "D", "E"}),
        (
            {"name_regex_delete": ".*", "name_regex_keep": "B.*"},
            {"A", "C", "D", "E"},
        ),
        ({"name_regex_delete": "A|B.*|C", "keep_n": "1"}, {"Ba", "Bb", "C"}),
        ({"name_regex_delete": "A|B.*|C"}, {"A", "Ba", "Bb", "C"}),
        ({"name_regex_delete": ".*", "keep_n": "3"}, {"Ba", "Bb", "C"}),
        ({"name_regex_delete": ".*", "older_than": "1 day"}, {"Ba", "Bb", "C"}),
        (
            {"name_regex_delete": ".*", "keep_n": "1", "older_than": "1 day"},
            {"Ba", "Bb", "C"},
        ),
        ({"name_regex_delete": ".*", "name_regex_keep": ".*"}, set()),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else None,
)
def test_gitlabs_own_examples_come_out_as_in_gitlab(
    estate: Estate, rules: dict[str, str], deleted: set[str]
) -> None:
    ages = {"latest": 1.0, "A": 1.0, "Ba": 120.0, "Bb": 144.0, "C": 730.0}
    undated = {"D": an_image("D"), "E": an_image("E")}
    images = {**images_of(ages), **undated}
    project = estate.project()
    path = f"{project.path_with_namespace}/app"
    with estate.registry(estate.admin) as registry:
        for tag, image in images.items():
            registry.push(path, tag, image)
        number = estate.repository_id(project, path)
        answer = estate.call(
            *(estate.admin, "DELETE"),
            f"/projects/{project.id}/registry/repositories/{number}/tags",
            params=rules,
        )
        assert answer.status_code == 202
        eventually(lambda: registry.tags(path), sorted(set(images) - deleted))


@pytest.mark.parametrize("form", ["params", "data", "json"])
def test_parameters_count_alike_in_query_form_and_json(
    estate: Estate, form: str
) -> None:
    project = estate.project()
    path = f"{project.path_with_namespace}/app"
    with estate.registry(estate.admin) as registry:
        for tag in ("v1", "v2", "w1"):
            registry.push(path, tag, an_image(tag))
        number = estate.repository_id(project, path)
        request: dict[str, Any] = {form: {"name_regex_delete": "v.*", "keep_n": 1}}
        answer = estate.call(
            estate.admin,
            "DELETE",
            f"/projects/{project.id}/registry/repositories/{number}/tags",
            **request,
        )
        assert answer.status_code == 202
        eventually(lambda: registry.tags(path), ["v2", "w1"])
