"""gitbeaker, unmodified: the registry's own calls, by its own methods."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from live.estate import DEVELOPER, MAINTAINER
from live.gitbeaker import Gitbeaker, GitbeakerError
from live.images import an_image
from live.waiting import eventually

if TYPE_CHECKING:
    from gitlab.v4.objects import Project

    from live.estate import Estate
    from live.gitbeaker import Node

pytestmark = pytest.mark.clients

TAGS = ("latest", "v1.0", "v1.1", "v1.2", "v1.3")


@pytest.fixture
def project(estate: Estate) -> Project:
    """Make a project with one repository of five tags."""
    project = estate.project()
    with estate.registry(estate.admin) as registry:
        for day, tag in enumerate(TAGS, start=1):
            image = an_image(tag, created=datetime(2020, 1, day, tzinfo=UTC))
            registry.push(f"{project.path_with_namespace}/app", tag, image)
    return project


@pytest.fixture
def repository_id(estate: Estate, project: Project) -> int:
    return estate.repository_id(project, f"{project.path_with_namespace}/app")


def test_repositories_of_a_project_and_of_its_group(
    estate: Estate, gitbeaker: Gitbeaker, project: Project
) -> None:
    path = f"{project.path_with_namespace}/app"
    owners: list[dict[str, Any]] = [
        {"projectId": project.path_with_namespace},
        {"groupId": project.namespace["id"]},
    ]
    for owner in owners:
        (found,) = gitbeaker(
            "ContainerRegistry.allRepositories",
            {**owner, "tags": True, "tagsCount": True},
        )
        assert (found["name"], found["path"]) == ("app", path)
        assert found["location"] == f"{estate.server.host}/{path}"
        assert found["project_id"] == project.id
        assert found["tags_count"] == len(TAGS)
        assert [tag["name"] for tag in found["tags"]] == list(TAGS)


def test_one_repository(gitbeaker: Gitbeaker, repository_id: int) -> None:
    found = gitbeaker(
        "ContainerRegistry.showRepository",
        repository_id,
        {"tags": True, "tagsCount": True, "size": True},
    )
    assert found["id"] == repository_id
    assert found["tags_count"] == len(TAGS) == len(found["tags"])
    assert found["size"] > 0
    assert found["status"] is None
    assert found["delete_api_path"].endswith(f"/repositories/{repository_id}")


def test_pages_of_tags_are_followed_by_number_and_by_key(
    gitbeaker: Gitbeaker, project: Project, repository_id: int
) -> None:
    for paging in ({}, {"pagination": "keyset"}):
        tags = gitbeaker(
            "ContainerRegistry.allTags",
            project.id,
            repository_id,
            {"perPage": 2, **paging},
        )
        assert [tag["name"] for tag in tags] == list(TAGS)
    page = gitbeaker(
        "ContainerRegistry.allTags",
        project.id,
        repository_id,
        {"perPage": 2, "page": 2, "showExpanded": True},
    )
    assert [tag["name"] for tag in page["data"]] == list(TAGS[2:4])
    assert page["paginationInfo"] == {
        "total": 5,
        "totalPages": 3,
        "perPage": 2,
        "current": 2,
        "previous": 1,
        "next": 3,
    }


def test_a_tag_is_shown_and_removed(
    gitbeaker: Gitbeaker, project: Project, repository_id: int
) -> None:
    tag = project.id, repository_id, "v1.0"
    shown = gitbeaker("ContainerRegistry.showTag", *tag)
    assert shown["digest"].startswith("sha256:")
    assert shown["created_at"] == "2020-01-02T00:00:00.000+00:00"
    assert shown["total_size"] > 0
    gitbeaker("ContainerRegistry.removeTag", *tag)
    with pytest.raises(GitbeakerError, match="404 Tag Not Found"):
        gitbeaker("ContainerRegistry.showTag", *tag)


def test_tags_are_removed_in_bulk_once_an_hour(
    gitbeaker: Gitbeaker, project: Project, repository_id: int
) -> None:
    where = project.id, repository_id
    keeping = {"nameRegexKeep": r"v1\.0", "keepN": 1, "olderThan": "1 day"}
    gitbeaker("ContainerRegistry.removeTags", *where, "v.+", keeping)

    def names() -> list[str]:
        tags = gitbeaker("ContainerRegistry.allTags", *where)
        return [tag["name"] for tag in tags]

    eventually(names, ["latest", "v1.0", "v1.3"])
    with pytest.raises(GitbeakerError, match="has already been made"):
        gitbeaker("ContainerRegistry.removeTags", *where, "v.+")
    with pytest.raises(GitbeakerError, match="is an invalid regexp"):
        gitbeaker("ContainerRegistry.removeTags", *where, "*")


def test_a_repository_is_removed(
    gitbeaker: Gitbeaker, project: Project, repository_id: int
) -> None:
    gitbeaker("ContainerRegistry.removeRepository", project.id, repository_id)

    def repositories() -> list[Any]:
        found: list[Any] = gitbeaker(
            "ContainerRegistry.allRepositories", {"projectId": project.id}
        )
        return found

    eventually(repositories, [])


def test_who_may_not_is_told_so(
    node: Node, estate: Estate, project: Project, repository_id: int
) -> None:
    developer = estate.person(project, DEVELOPER)
    theirs = Gitbeaker(node, estate.server.url, token=developer.token)
    removal = "ContainerRegistry.removeRepository", project.id, repository_id
    with pytest.raises(GitbeakerError, match="403 Forbidden") as refused:
        theirs(*removal)
    assert refused.value.status == 403
    wrong = Gitbeaker(node, estate.server.url, token="glpat-wrong")
    with pytest.raises(GitbeakerError, match="401 Unauthorized") as unknown:
        wrong(*removal)
    assert unknown.value.status == 401


def test_a_job_s_token_and_a_bearer_are_taken(
    node: Node, estate: Estate, project: Project
) -> None:
    person = estate.person(project, MAINTAINER)
    path = f"/projects/{project.id}/ci_job_tokens"
    secret = estate.call(person, "POST", path).json()["token"]
    for credentials in ({"jobToken": secret}, {"oauthToken": person.token}):
        theirs = Gitbeaker(node, estate.server.url, **credentials)
        (found,) = theirs(
            "ContainerRegistry.allRepositories", {"projectId": project.id}
        )
        assert found["name"] == "app"


def test_visibility_and_cleanup_policy_of_the_registry(
    gitbeaker: Gitbeaker, project: Project
) -> None:
    changed = gitbeaker(
        "Projects.edit",
        project.id,
        {
            "containerRegistryAccessLevel": "private",
            "containerExpirationPolicyAttributes": {
                "enabled": True,
                "cadence": "7d",
                "keepN": 10,
                "olderThan": "30d",
                "nameRegexDelete": "dev-.+",
                "nameRegexKeep": "v.+",
            },
        },
    )
    assert changed["container_registry_access_level"] == "private"
    policy = changed["container_expiration_policy"]
    assert policy.pop("next_run_at") > changed["created_at"]
    assert policy == {
        "enabled": True,
        "cadence": "7d",
        "keep_n": 10,
        "older_than": "30d",
        "name_regex": "dev-.+",
        "name_regex_keep": "v.+",
    }


@pytest.mark.parametrize(
    ("kind", "pattern"), [("repository", "repository_path"), ("tag", "tag_name")]
)
def test_protection_rules_by_its_own_requester(
    gitbeaker: Gitbeaker, project: Project, kind: str, pattern: str
) -> None:
    base = f"projects/{project.id}/registry/protection/{kind}/rules"
    rule = {
        f"{pattern}_pattern": f"{project.path_with_namespace}/x*",
        "minimum_access_level_for_push": "maintainer",
        "minimum_access_level_for_delete": "owner",
    }

    def ask(verb: str, path: str, **options: Any) -> Any:
        return gitbeaker(f"ContainerRegistry.requester.{verb}", path, options)

    made = ask("post", base, body=rule)
    assert made["status"] == 201
    assert made["body"] == {**rule, "id": made["body"]["id"], "project_id": project.id}
    one = f"{base}/{made['body']['id']}"
    changed = ask("patch", one, body={"minimum_access_level_for_push": "admin"})
    assert changed["body"]["minimum_access_level_for_push"] == "admin"
    assert ask("get", base)["body"] == [changed["body"]]
    assert ask("delete", one)["status"] == 204
    assert ask("get", base)["body"] == []
