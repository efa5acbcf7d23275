"""python-gitlab, unmodified: deploy tokens, job tokens and protection rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gitlab
import pytest

from live.estate import MAINTAINER, Person
from live.images import an_image
from live.registry import RegistryClient

if TYPE_CHECKING:
    from live.estate import Estate

pytestmark = pytest.mark.clients

LEVELS = {
    "minimum_access_level_for_push": "maintainer",
    "minimum_access_level_for_delete": "owner",
}


@pytest.mark.parametrize("kind", ["project", "group"])
def test_a_deploy_token_s_life(estate: Estate, kind: str) -> None:
    owner: Any = getattr(estate, kind)()
    token = owner.deploytokens.create(
        {
            "name": "foo",
            "username": "bar",
            "expires_at": "2090-01-01",
            "scopes": ["read_registry"],
        }
    )
    assert token.token.startswith("gldt-")
    (listed,) = owner.deploytokens.list(get_all=True)
    assert listed.id == token.id
    found = owner.deploytokens.get(token.id)
    assert (found.name, found.username) == ("foo", "bar")
    assert found.expires_at == "2090-01-01T00:00:00.000Z"
    assert found.scopes == ["read_registry"]
    everything = estate.gitlab.deploytokens.list(get_all=True)
    assert token.id in [one.id for one in everything]
    token.delete()
    assert owner.deploytokens.list(get_all=True) == []


def test_a_deploy_token_pushes_and_pulls(estate: Estate) -> None:
    project = estate.project()
    token = project.deploytokens.create(
        {"name": "ci", "scopes": ["read_registry", "write_registry"]}
    )
    name = f"{project.path_with_namespace}/app"
    with RegistryClient(estate.server.url, token.username, token.token) as registry:
        digest = registry.push(name, "v1", an_image("app"))
        assert registry.pull(name, "v1") == digest


def test_rules_for_repositories(estate: Estate) -> None:
    project = estate.project()
    pattern = f"{project.path_with_namespace}/*"
    rules = project.registry_protection_repository_rules
    rule = rules.create({"repository_path_pattern": pattern, **LEVELS})
    assert rule.repository_path_pattern == pattern
    with pytest.raises(gitlab.GitlabCreateError, match="has already been taken"):
        rules.create({"repository_path_pattern": pattern, **LEVELS})
    rule.minimum_access_level_for_push = "admin"
    rule.save()
    (listed,) = rules.list(get_all=True)
    assert listed.minimum_access_level_for_push == "admin"
    older = project.registry_protection_rules
    assert [one.id for one in older.list(get_all=True)] == [rule.id]
    rules.delete(rule.id)
    assert rules.list(get_all=True) == []


def test_rules_for_repositories_at_their_older_path(estate: Estate) -> None:
    project = estate.project()
    rules = project.registry_protection_rules
    pattern = f"{project.path_with_namespace}/*"
    rule = rules.create({"repository_path_pattern": pattern, **LEVELS})
    rule.minimum_access_level_for_delete = "admin"
    rule.save()
    (listed,) = project.registry_protection_repository_rules.list(get_all=True)
    assert listed.id == rule.id
    assert listed.minimum_access_level_for_delete == "admin"


def test_rules_for_tags_by_plain_requests(estate: Estate) -> None:
    # python-gitlab has no manager for them.
    project = estate.project()
    base = f"/projects/{project.id}/registry/protection/tag/rules"
    rule: Any = estate.gitlab.http_post(
        base, post_data={"tag_name_pattern": "v.*", **LEVELS}
    )
    one = f"{base}/{rule['id']}"
    changed = estate.gitlab.http_patch(one, post_data={"tag_name_pattern": "^v"})
    assert changed == {**rule, "tag_name_pattern": "^v"}
    assert estate.gitlab.http_list(base, get_all=True) == [changed]
    with pytest.raises(gitlab.GitlabHttpError, match="has already been taken"):
        estate.gitlab.http_post(base, post_data={"tag_name_pattern": "^v", **LEVELS})
    estate.gitlab.http_delete(one)
    assert estate.gitlab.http_list(base, get_all=True) == []


def test_a_job_s_token_is_taken_by_the_job_of_its_project_alone(
    estate: Estate,
) -> None:
    project, other = estate.project(), estate.project()
    person = estate.person(project, MAINTAINER)
    path = f"/projects/{project.id}/ci_job_tokens"
    secret = estate.call(person, "POST", path).json()["token"]
    with gitlab.Gitlab(estate.server.url, job_token=secret) as job:
        here = job.projects.get(project.id, lazy=True)
        assert here.repositories.list(get_all=True) == []
        there = job.projects.get(other.id, lazy=True)
        with pytest.raises(gitlab.GitlabListError, match="of a different project"):
            there.repositories.list(get_all=True)
    name = f"{project.path_with_namespace}/app"
    builder = Person(person.user_id, "gitlab-ci-token", secret)
    with estate.registry(builder) as registry:
        digest = registry.push(name, "v1", an_image("app"))
        assert registry.pull(name, "v1") == digest
