"""The curl lines of GitLab's documentation, word for word.

Source: GitLab 12.5 docs, "Container Registry API"; the later spelling of a line is
that of the GitLab 18 docs, the earlier one that of 11.8. Only the host, the token and the numbers are put in.
"""

# ruff: noqa: E501 (the lines stand as in the document)

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from live.images import an_image, digest_of
from live.programs import run
from live.waiting import eventually

if TYPE_CHECKING:
    from live.estate import Estate

pytestmark = pytest.mark.clients

LIST_OF_PROJECT = """
curl --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories"
"""
LIST_WITH_TAGS = """
curl --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories?tags=1"
"""
LIST_OF_GROUP = """
curl --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/groups/2/registry/repositories?tags=1"
"""
DELETE_REPOSITORY = """
curl --request DELETE --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories/2"
"""
LIST_TAGS = """
curl --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories/2/tags"
"""
SHOW_TAG = """
curl --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories/2/tags/v10.0.0"
"""
DELETE_TAG = """
curl --request DELETE --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories/2/tags/v10.0.0"
"""
BULK_DELETES = {
    "git hashes, keep five, older than two days": """
curl --request DELETE --data 'name_regex=[0-9a-z]{40}' --data 'keep_n=5' --data 'older_than=2d' --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories/2/tags"
""",
    "git hashes, in the form of earlier documents": """
curl -X DELETE -F 'name_regex=[0-9a-z]{40}' -F 'keep_n=5' -F 'older_than=2d' --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories/2/tags"
""",
    "all, keep five": """
curl --request DELETE --data 'name_regex=.*' --data 'keep_n=5' --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories/2/tags"
""",
    "all, older than a month": """
curl --request DELETE --data 'name_regex=.*' --data 'older_than=1month' --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories/2/tags"
""",
    "later spelling, all three": """
curl --request DELETE --data 'name_regex_delete=[0-9a-z]{40}' --data 'keep_n=5' --data 'older_than=2d' --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories/2/tags"
""",
    "later spelling, dev tags but not the released": """
curl --request DELETE --data 'name_regex_delete=dev-.%2B' --data 'name_regex_keep=.*main|.*release' --header "PRIVATE-TOKEN: <your_access_token>" "https://gitlab.example.com/api/v4/projects/5/registry/repositories/2/tags"
""",
}  # fmt: skip

TAGS = ("latest", "v10.0.0")


@dataclass(frozen=True, slots=True)
class Example:
    """A project with one repository, which the lines of the document are about."""

    estate: Estate
    group_id: int
    project_id: int
    repository_id: int
    path: str

    def run(self, line: str) -> tuple[int, Any]:
        """Run a line and return its status and JSON body."""
        url = f"{self.estate.server.url}/api/v4/"
        replaced = (
            line.replace("<your_access_token>", self.estate.admin.token)
            .replace("https://gitlab.example.com/api/v4/", url)
            .replace("/projects/5/", f"/projects/{self.project_id}/")
            .replace("/groups/2/", f"/groups/{self.group_id}/")
            .replace("/repositories/2", f"/repositories/{self.repository_id}")
        )
        words = [*shlex.split(replaced), "--silent", "--write-out", "\n%{http_code}"]
        body, _, status = run(*words).rpartition("\n")
        return int(status), json.loads(body)


@pytest.fixture
def example(estate: Estate) -> Example:
    project = estate.project()
    path = f"{project.path_with_namespace}/releases"
    with estate.registry(estate.admin) as registry:
        for tag in TAGS:
            registry.push(path, tag, an_image())
    return Example(
        estate,
        project.namespace["id"],
        project.id,
        estate.repository_id(project, path),
        path,
    )


def test_the_project_list_has_the_fields_of_the_document(example: Example) -> None:
    status, (repository,) = example.run(LIST_OF_PROJECT)
    assert status == 200
    assert list(repository)[:6] == [
        *("id", "name", "path", "project_id", "location", "created_at"),
    ]
    assert repository["id"] == example.repository_id
    assert "tags" not in repository


def test_the_project_list_shows_tags_when_asked(example: Example) -> None:
    status, (repository,) = example.run(LIST_WITH_TAGS)
    assert status == 200
    assert [tag["name"] for tag in repository["tags"]] == list(TAGS)


def test_the_group_list_shows_tags_when_asked(example: Example) -> None:
    status, (repository,) = example.run(LIST_OF_GROUP)
    assert status == 200
    assert repository["path"] == example.path
    assert [tag["name"] for tag in repository["tags"]] == list(TAGS)


def test_the_tag_list_has_exactly_the_fields_of_the_document(example: Example) -> None:
    place = f"{example.path}:latest"
    assert example.run(LIST_TAGS)[1][0] == {
        "name": "latest",
        "path": place,
        "location": f"{example.estate.server.host}/{place}",
    }


def test_the_tag_detail_has_exactly_the_fields_of_the_document(
    example: Example,
) -> None:
    image = an_image()
    revision = digest_of(image.blobs[0]).removeprefix("sha256:")
    status, tag = example.run(SHOW_TAG)
    created_at = tag.pop("created_at")
    assert (status, created_at[10]) == (200, "T")
    assert tag == {
        "name": "v10.0.0",
        "path": f"{example.path}:v10.0.0",
        "location": f"{example.estate.server.host}/{example.path}:v10.0.0",
        "revision": revision,
        "short_revision": revision[:9],
        "digest": image.digest,
        "total_size": len(image.blobs[1]),
    }


def test_a_tag_is_deleted_with_200_and_is_then_404(example: Example) -> None:
    assert example.run(DELETE_TAG) == (200, 200)
    missing = (404, {"message": "404 Tag Not Found"})
    assert example.run(DELETE_TAG) == missing
    assert example.run(SHOW_TAG) == missing


def test_a_repository_is_deleted_with_202(example: Example) -> None:
    assert example.run(DELETE_REPOSITORY) == (202, 202)
    eventually(lambda: example.run(LIST_OF_PROJECT), (200, []))


@pytest.mark.parametrize("line", BULK_DELETES.values(), ids=BULK_DELETES)
def test_a_bulk_delete_is_taken_once_an_hour(example: Example, line: str) -> None:
    assert example.run(line) == (202, 202)
    assert example.run(line) == (
        400,
        {
            "message": "This request has already been made. You can run this at most "
            "once an hour for a given container repository"
        },
    )
