"""python-gitlab, unmodified: people, groups, projects and tokens, by their methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gitlab
import pytest

from live.estate import DEVELOPER, GUEST, MAINTAINER, OWNER, REPORTER
from live.images import an_image

if TYPE_CHECKING:
    from live.estate import Estate, Person

pytestmark = pytest.mark.clients


def ids(found: Any) -> list[int]:
    return [one.id for one in found]


def signed_in(estate: Estate, token: str) -> gitlab.Gitlab:
    return gitlab.Gitlab(estate.server.url, private_token=token)


def sees(estate: Estate, person: Person, kind: str, id_: int) -> bool:
    with signed_in(estate, person.token) as theirs:
        try:
            getattr(theirs, kind).get(id_)
        except gitlab.GitlabGetError as error:
            if error.response_code != 404:
                raise
            return False
        return True


def test_every_form_of_credentials(estate: Estate) -> None:
    person = estate.person()
    for form in ("private_token", "oauth_token"):
        credentials: dict[str, Any] = {form: person.token}
        with gitlab.Gitlab(estate.server.url, **credentials) as theirs:
            theirs.auth()
            assert theirs.user is not None
            assert theirs.user.id == person.user_id


def test_an_administrator_acts_as_somebody_else(estate: Estate) -> None:
    person = estate.person()
    root = estate.gitlab.users.get(1)
    token = root.personal_access_tokens.create(
        {"name": "sudo", "scopes": ["api", "sudo"]}
    )
    with signed_in(estate, token.token) as admin:
        for who in (person.username, person.user_id):
            (found,) = admin.personal_access_tokens.list(sudo=who)
            assert found.user_id == person.user_id
        with pytest.raises(
            gitlab.GitlabListError, match="404 User with ID or username"
        ):
            admin.projects.list(sudo="nobody-at-all")
    with signed_in(estate, person.token) as theirs, pytest.raises(gitlab.GitlabError):
        theirs.projects.list(sudo="root")


def test_a_user_s_life(estate: Estate) -> None:
    person, users = estate.person(), estate.gitlab.users
    assert ids(users.list(username=person.username)) == [person.user_id]
    assert person.user_id in ids(users.list(search=person.username, iterator=True))
    user = users.get(person.user_id)
    user.name = "Somebody Else"
    user.save()
    assert users.get(user.id).name == "Somebody Else"
    assert user.projects.list(get_all=True) == []
    assert user.block() is True
    assert user.id in ids(users.list(blocked=True, iterator=True))
    with signed_in(estate, person.token) as theirs:
        with pytest.raises(gitlab.GitlabError, match="has been blocked"):
            theirs.auth()
        assert user.unblock() is True
        for out, back in (("deactivate", "activate"), ("ban", "unban")):
            assert getattr(user, out)() is True
            assert user.id not in ids(users.list(active=True, iterator=True))
            assert getattr(user, back)() is True
        theirs.auth()
    user.delete()
    with pytest.raises(gitlab.GitlabGetError, match="404 User Not Found"):
        users.get(user.id)


def test_personal_tokens_are_made_shown_rotated_and_revoked(estate: Estate) -> None:
    user = estate.gitlab.users.get(estate.person().user_id)
    made = user.personal_access_tokens.create(
        {"name": "second", "scopes": ["api"], "expires_at": "2090-01-31"}
    )
    tokens = estate.gitlab.personal_access_tokens
    assert made.id in ids(tokens.list(user_id=user.id, get_all=True))
    (found,) = tokens.list(
        user_id=user.id,
        search="SECOND",
        state="active",
        expires_after="2090-01-31",
        created_after=made.created_at,
        sort="name_desc",
    )
    assert found.id == made.id
    shown = tokens.get(made.id)
    assert (shown.scopes, shown.expires_at) == (["api"], "2090-01-31")
    rotated = shown.rotate()
    with signed_in(estate, rotated["token"]) as theirs:
        own = theirs.personal_access_tokens.get("self")
        assert own.id == rotated["id"]
        again = theirs.personal_access_tokens.rotate("self")
    with signed_in(estate, again["token"]) as theirs:
        theirs.personal_access_tokens.delete("self")
        with pytest.raises(gitlab.GitlabAuthenticationError):
            theirs.personal_access_tokens.get("self")


@pytest.mark.parametrize("kind", ["project", "group"])
def test_owned_tokens_are_made_shown_rotated_and_revoked(
    estate: Estate, kind: str
) -> None:
    owner = getattr(estate, kind)()
    made = owner.access_tokens.create(
        {"name": "bot", "scopes": ["api"], "access_level": MAINTAINER}
    )
    with signed_in(estate, made.token) as bot:
        bot.auth()
        assert bot.user is not None
        assert bot.user.username.startswith(f"{kind}_{owner.id}_bot")
        assert getattr(bot, f"{kind}s").get(owner.id).id == owner.id
    assert ids(owner.access_tokens.list(get_all=True)) == [made.id]
    shown = owner.access_tokens.get(made.id)
    assert shown.access_level == MAINTAINER
    rotated = shown.rotate(expires_at="2090-01-31")
    assert rotated["expires_at"] == "2090-01-31"
    owner.access_tokens.delete(rotated["id"])
    assert owner.access_tokens.list(state="active", get_all=True) == []


@pytest.mark.parametrize("kind", ["project", "group"])
def test_members_direct_and_inherited(estate: Estate, kind: str) -> None:
    group = estate.group()
    inner = getattr(estate, kind)(group)
    direct, inherited = estate.person(), estate.person()
    group.members.create({"user_id": inherited.user_id, "access_level": REPORTER})
    member = inner.members.create(
        {
            "user_id": direct.user_id,
            "access_level": DEVELOPER,
            "expires_at": "2090-01-31",
        }
    )
    assert member.expires_at == "2090-01-31"
    with pytest.raises(gitlab.GitlabCreateError, match="Member already exists"):
        inner.members.create({"user_id": direct.user_id, "access_level": DEVELOPER})
    member.access_level = MAINTAINER
    member.save()
    assert inner.members.get(direct.user_id).access_level == MAINTAINER
    assert inherited.user_id not in ids(inner.members.list(get_all=True))
    everybody = ids(inner.members_all.list(get_all=True))
    assert {direct.user_id, inherited.user_id} <= set(everybody)
    assert inner.members_all.get(inherited.user_id).access_level == REPORTER
    lower = {"user_id": inherited.user_id, "access_level": GUEST}
    with pytest.raises(gitlab.GitlabCreateError, match="inherited membership"):
        inner.members.create(lower)
    member.delete()
    with pytest.raises(gitlab.GitlabGetError):
        inner.members.get(direct.user_id)


@pytest.mark.parametrize("kind", ["project", "group"])
def test_a_group_is_invited_and_no_longer(estate: Estate, kind: str) -> None:
    shared = getattr(estate, kind)(visibility="private")
    guests, person = estate.group(), estate.person()
    guests.members.create({"user_id": person.user_id, "access_level": OWNER})
    assert not sees(estate, person, f"{kind}s", shared.id)
    shared.share(guests.id, DEVELOPER, expires_at="2090-01-31")
    assert sees(estate, person, f"{kind}s", shared.id)
    (invited,) = getattr(estate.gitlab, f"{kind}s").get(shared.id).shared_with_groups
    assert invited == {
        "group_id": guests.id,
        "group_name": guests.name,
        "group_full_path": guests.full_path,
        "group_access_level": DEVELOPER,
        "expires_at": "2090-01-31",
    }
    shared.unshare(guests.id)
    assert not sees(estate, person, f"{kind}s", shared.id)


def test_what_a_group_was_invited_to_and_who_is_where(estate: Estate) -> None:
    group, guests, person = estate.group(), estate.group(), estate.person()
    project = estate.project(group)
    project.share(guests.id, DEVELOPER)
    assert ids(project.groups.list(get_all=True)) == [group.id]
    both = project.groups.list(with_shared=True, get_all=True)
    assert ids(both) == [group.id, guests.id]
    assert ids(guests.shared_projects.list(get_all=True)) == [project.id]
    project.members.create({"user_id": person.user_id, "access_level": DEVELOPER})
    assert ids(project.users.list(search=person.username)) == [person.user_id]
    user = estate.gitlab.users.get(person.user_id)
    (joined,) = user.memberships.list(type="Project", get_all=True)
    assert (joined.source_id, joined.access_level) == (project.id, DEVELOPER)


def test_a_project_moves_by_each_method_with_its_images(estate: Estate) -> None:
    project, first, second = estate.project(), estate.group(), estate.group()
    with estate.registry(estate.admin) as registry:
        digest = registry.push(f"{project.path_with_namespace}/app", "v1", an_image())
        project.path = estate.new_name("renamed")
        project.save()
        project.transfer(first.id)
        assert registry.pull(f"{first.path}/{project.path}/app", "v1") == digest
        second.transfer_project(project.id)
        assert registry.pull(f"{second.path}/{project.path}/app", "v1") == digest
        project.transfer(first.full_path)
        assert registry.pull(f"{first.path}/{project.path}/app", "v1") == digest
    former = f"{second.path}/{project.path}"
    # A GET follows the redirect from a former path; others are told that it moved.
    assert estate.gitlab.projects.get(former).id == project.id
    with pytest.raises(gitlab.GitlabDeleteError, match="moved projects"):
        estate.gitlab.projects.delete(former)
    with pytest.raises(gitlab.GitlabError, match="already in this namespace"):
        project.transfer(first.id)


def test_a_group_moves_below_another_and_to_the_top(estate: Estate) -> None:
    group, parent = estate.group(), estate.group()
    project = estate.project(group)
    with estate.registry(estate.admin) as registry:
        digest = registry.push(project.path_with_namespace, "v1", an_image())
        group.transfer(parent.id)
        path = f"{parent.path}/{group.path}"
        assert estate.gitlab.groups.get(path).parent_id == parent.id
        assert registry.pull(f"{path}/{project.path}", "v1") == digest
        group.transfer()
        assert estate.gitlab.groups.get(group.path).parent_id is None
        assert registry.pull(f"{group.path}/{project.path}", "v1") == digest


def test_groups_below_a_group_and_their_projects(estate: Estate) -> None:
    top = estate.group()
    middle = estate.group(top)
    bottom = estate.group(middle)
    project = estate.project(bottom)
    assert ids(top.subgroups.list(get_all=True)) == [middle.id]
    descendants = ids(top.descendant_groups.list(get_all=True))
    assert sorted(descendants) == [middle.id, bottom.id]
    assert top.projects.list(get_all=True) == []
    below = top.projects.list(include_subgroups=True, get_all=True)
    assert ids(below) == [project.id]
    middle.description = "the middle"
    middle.save()
    assert estate.gitlab.groups.get(middle.id).description == "the middle"
    namespaces = estate.gitlab.namespaces
    assert namespaces.get(bottom.full_path).id == bottom.id
    assert top.id in ids(namespaces.list(search=top.path, get_all=True))
    assert namespaces.exists(top.path).exists is True
    assert namespaces.exists(bottom.path, parent_id=top.id).exists is False
    top.delete()
    assert not sees(estate, estate.admin, "groups", bottom.id)


def test_a_project_is_changed_archived_and_deleted(estate: Estate) -> None:
    project = estate.project()
    policy = {
        "enabled": True,
        "cadence": "7d",
        "keep_n": 10,
        "older_than": "30d",
        "name_regex_delete": "dev-.+",
        "name_regex_keep": "v.+",
    }
    project.container_expiration_policy_attributes = policy
    project.container_registry_access_level = "private"
    project.visibility = "public"
    project.save()
    found = estate.gitlab.projects.get(project.id, statistics=True)
    assert (found.visibility, found.container_registry_access_level) == (
        "public",
        "private",
    )
    kept = dict(found.container_expiration_policy)
    assert kept.pop("next_run_at") is not None
    assert kept == {
        "name_regex" if name == "name_regex_delete" else name: value
        for name, value in policy.items()
    }
    assert found.statistics["container_registry_size"] == 0
    project.archive()
    assert estate.gitlab.projects.get(project.id).archived is True
    project.unarchive()
    project.delete()
    assert not sees(estate, estate.admin, "projects", project.id)


def test_projects_and_tags_are_read_over_keyset_pages(estate: Estate) -> None:
    group = estate.group()
    made = [estate.project(group).id for _ in range(5)]
    paged = group.projects.list(iterator=True, order_by="id", sort="asc", per_page=2)
    assert ids(paged) == made
    # What is given by name it would repeat on every page, instead of the link's.
    found = estate.gitlab.projects.list(
        iterator=True,
        query_parameters={
            "pagination": "keyset",
            "order_by": "id",
            "sort": "asc",
            "per_page": 2,
            "id_after": made[0] - 1,
        },
    )
    assert [one.id for one in found if one.id in made] == made
    project = estate.gitlab.projects.get(made[0])
    names = [f"v{number}" for number in range(5)]
    with estate.registry(estate.admin) as registry:
        for name in names:
            registry.push(project.path_with_namespace, name, an_image())
    (repository,) = project.repositories.list(get_all=True)
    for sort, expected in (("asc", names), ("desc", names[::-1])):
        tags = repository.tags.list(
            iterator=True, pagination="keyset", per_page=2, sort=sort
        )
        assert [tag.name for tag in tags] == expected
