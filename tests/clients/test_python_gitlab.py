"""python-gitlab, unmodified, against the management API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gitlab
import pytest

from live.estate import DEVELOPER, GUEST, MAINTAINER, OWNER, REPORTER
from live.images import an_image
from live.waiting import eventually

if TYPE_CHECKING:
    from gitlab.v4.objects import Project

    from live.estate import Estate

pytestmark = pytest.mark.clients


@pytest.fixture
def project(estate: Estate) -> Project:
    """Make a project with one repository of three tags."""
    project = estate.project()
    with estate.registry(estate.admin) as registry:
        for tag in ("v1.0", "v1.1", "latest"):
            registry.push(f"{project.path_with_namespace}/app", tag, an_image(tag))
    return project


def repository_of(project: Project) -> Any:
    (repository,) = project.repositories.list(get_all=True)
    return repository


def test_the_administrator_signs_in_and_asks_for_the_version(estate: Estate) -> None:
    estate.gitlab.auth()
    assert estate.gitlab.user is not None
    assert estate.gitlab.user.username == "root"
    version, revision = estate.gitlab.version()
    assert version[0].isdigit()
    assert "unknown" not in (version, revision)


def test_a_wrong_token_is_an_authentication_error(estate: Estate) -> None:
    with (
        gitlab.Gitlab(estate.server.url, private_token="glpat-wrong") as stranger,
        pytest.raises(gitlab.GitlabAuthenticationError, match="401 Unauthorized"),
    ):
        stranger.auth()


def test_groups_subgroups_and_projects_are_made_and_found(estate: Estate) -> None:
    group = estate.group()
    subgroup = estate.group(group)
    project = estate.project(subgroup)
    assert subgroup.full_path == f"{group.path}/{subgroup.path}"
    assert subgroup.parent_id == group.id
    assert project.path_with_namespace == f"{subgroup.full_path}/{project.path}"
    found = estate.gitlab.projects.get(project.path_with_namespace)
    assert found.id == project.id
    assert found.visibility == "private"
    assert estate.gitlab.groups.get(subgroup.full_path).id == subgroup.id


@pytest.mark.parametrize("level", [GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER])
def test_users_of_each_role_are_made_and_sign_in(estate: Estate, level: int) -> None:
    project = estate.project()
    person = estate.person(project, level)
    assert project.members.get(person.user_id).access_level == level
    with gitlab.Gitlab(estate.server.url, private_token=person.token) as signed_in:
        signed_in.auth()
        assert signed_in.user is not None
        assert signed_in.user.username == person.username


def test_a_membership_of_the_group_counts_in_its_projects(
    estate: Estate, project: Project
) -> None:
    person = estate.person()
    group = estate.gitlab.groups.get(project.namespace["id"])
    group.members.create({"user_id": person.user_id, "access_level": REPORTER})
    with gitlab.Gitlab(estate.server.url, private_token=person.token) as reporter:
        seen = reporter.projects.get(project.id)
        assert len(seen.repositories.list(get_all=True)) == 1


def test_a_token_that_was_revoked_is_refused(estate: Estate) -> None:
    person = estate.person()
    user = estate.gitlab.users.get(person.user_id)
    (token,) = estate.gitlab.personal_access_tokens.list(user_id=user.id, get_all=True)
    token.delete()
    with (
        gitlab.Gitlab(estate.server.url, private_token=person.token) as revoked,
        pytest.raises(gitlab.GitlabAuthenticationError),
    ):
        revoked.auth()


def test_repositories_are_listed_with_their_tags(
    estate: Estate, project: Project
) -> None:
    (repository,) = project.repositories.list(tags=True)
    path = f"{project.path_with_namespace}/app"
    assert repository.name == "app"
    assert repository.path == path
    assert repository.location == f"{estate.server.host}/{path}"
    assert repository.project_id == project.id
    assert repository.attributes["tags"] == [
        {
            "name": name,
            "path": f"{path}:{name}",
            "location": f"{estate.server.host}/{path}:{name}",
        }
        for name in ("latest", "v1.0", "v1.1")
    ]


def test_a_list_is_read_over_its_pages(estate: Estate) -> None:
    project = estate.project()
    with estate.registry(estate.admin) as registry:
        for number in range(5):
            name = f"{project.path_with_namespace}/app{number}"
            registry.push(name, "v1", an_image())
    pages = project.repositories.list(iterator=True, per_page=2)
    assert [one.name for one in pages] == [f"app{number}" for number in range(5)]


def test_tags_are_listed_shown_and_deleted(project: Project) -> None:
    repository = repository_of(project)
    names = [tag.name for tag in repository.tags.list(get_all=True)]
    assert names == ["latest", "v1.0", "v1.1"]
    shown = repository.tags.get("v1.0")
    image = an_image("v1.0")
    assert shown.digest == image.digest
    assert shown.total_size == len(image.blobs[1])
    repository.tags.delete("v1.0")
    with pytest.raises(gitlab.GitlabGetError, match="404 Tag Not Found"):
        repository.tags.get("v1.0")
    assert len(repository.tags.list(get_all=True)) == 2


def test_tags_are_deleted_in_bulk(project: Project) -> None:
    repository = repository_of(project)
    repository.tags.delete_in_bulk(".*", keep_n=1)

    def names() -> list[str]:
        return [tag.name for tag in repository.tags.list(get_all=True)]

    eventually(names, ["latest", "v1.1"])


def test_a_second_bulk_delete_within_the_hour_is_refused(project: Project) -> None:
    repository = repository_of(project)
    repository.tags.delete_in_bulk("nothing-.+")
    with pytest.raises(gitlab.GitlabDeleteError, match="has already been made"):
        repository.tags.delete_in_bulk("nothing-.+")


def test_a_repository_is_deleted_and_can_be_pushed_again(
    estate: Estate, project: Project
) -> None:
    project.repositories.delete(repository_of(project).id)

    def names() -> list[str]:
        return [one.name for one in project.repositories.list(get_all=True)]

    eventually(lambda: len(names()), 0)
    path = f"{project.path_with_namespace}/app"
    with estate.registry(estate.admin) as registry:
        assert registry.tags(path) == []
        registry.push(path, "v2", an_image("v2"))
        assert registry.pull(path, "v2") == an_image("v2").digest
    assert names() == ["app"]


def test_repositories_of_a_group_and_its_subgroups_are_listed(estate: Estate) -> None:
    group = estate.group()
    projects = [estate.project(group), estate.project(estate.group(group))]
    with estate.registry(estate.admin) as registry:
        for project in projects:
            registry.push(project.path_with_namespace, "v1", an_image())
    listed = estate.gitlab.groups.get(group.id).registry_repositories.list(get_all=True)
    assert [one.path for one in listed] == [
        project.path_with_namespace for project in projects
    ]


def test_one_repository_is_shown_by_its_number(
    estate: Estate, project: Project
) -> None:
    repository = repository_of(project)
    shown = estate.gitlab.registry_repositories.get(
        repository.id, tags=True, tags_count=True
    )
    assert shown.path == repository.path
    assert shown.tags_count == 3
    assert [tag["name"] for tag in shown.attributes["tags"]] == [
        "latest",
        "v1.0",
        "v1.1",
    ]


def test_somebody_with_too_low_a_role_is_told_so(
    estate: Estate, project: Project
) -> None:
    developer = estate.person(project, DEVELOPER)
    with gitlab.Gitlab(estate.server.url, private_token=developer.token) as theirs:
        seen = theirs.projects.get(project.id)
        with pytest.raises(gitlab.GitlabDeleteError, match="403 Forbidden"):
            seen.repositories.delete(repository_of(project).id)
