"""gitbeaker, unmodified: people, groups, projects and tokens, by its own methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from live.estate import DEVELOPER, MAINTAINER, OWNER, REPORTER
from live.gitbeaker import Gitbeaker, GitbeakerError
from live.images import an_image

if TYPE_CHECKING:
    from live.estate import Estate
    from live.gitbeaker import Node

pytestmark = pytest.mark.clients


def ids(found: list[dict[str, Any]]) -> list[int]:
    return [one["id"] for one in found]


def test_the_instance(gitbeaker: Gitbeaker) -> None:
    shown = gitbeaker("Metadata.show")
    version = gitbeaker("Metadata.requester.get", "version")["body"]
    assert shown["version"] == version["version"]
    assert shown["kas"]["enabled"] is False


def test_a_user_s_life(estate: Estate, gitbeaker: Gitbeaker, node: Node) -> None:
    name = estate.new_name("user")
    made = gitbeaker(
        "Users.create",
        {
            "username": name,
            "name": name,
            "email": f"{name}@example.com",
            "forceRandomPassword": True,
            "skipConfirmation": True,
        },
    )
    assert ids(gitbeaker("Users.all", {"username": name})) == [made["id"]]
    assert ids(gitbeaker("Users.all", {"search": name})) == [made["id"]]
    changed = gitbeaker("Users.edit", made["id"], {"name": "Somebody Else"})
    assert changed["name"] == "Somebody Else"
    assert gitbeaker("Users.show", made["id"])["username"] == name
    assert gitbeaker("Users.allProjects", made["id"]) == []
    token = gitbeaker(
        "Users.createPersonalAccessToken", made["id"], "theirs", ["api", "read_user"]
    )
    theirs = Gitbeaker(node, estate.server.url, token=token["token"])
    assert theirs("Users.showCurrentUser")["id"] == made["id"]
    sudo = gitbeaker("PersonalAccessTokens.create", 1, "sudo", ["api", "sudo"])
    root = Gitbeaker(node, estate.server.url, token=sudo["token"])
    assert root("Users.showCurrentUser", {"sudo": name})["id"] == made["id"]
    assert gitbeaker("Users.block", made["id"]) is True
    with pytest.raises(GitbeakerError, match="403 Forbidden"):
        theirs("Users.showCurrentUser")
    assert gitbeaker("Users.unblock", made["id"]) is True
    for verb, back in (("deactivate", "activate"), ("ban", "unban")):
        assert gitbeaker(f"Users.{verb}", made["id"]) is True
        assert gitbeaker(f"Users.{back}", made["id"]) is True
    assert gitbeaker("Users.show", made["id"])["state"] == "active"
    assert gitbeaker("Users.all", {"orderBy": "name", "humans": True})
    gitbeaker("Users.remove", made["id"])
    with pytest.raises(GitbeakerError, match="404 User Not Found"):
        gitbeaker("Users.show", made["id"])


def test_a_personal_token_s_life(
    estate: Estate, gitbeaker: Gitbeaker, node: Node
) -> None:
    person = estate.person()
    made = gitbeaker(
        "PersonalAccessTokens.create",
        person.user_id,
        "second",
        ["read_api"],
        {"expiresAt": "2090-01-31"},
    )
    assert made["expires_at"] == "2090-01-31"
    one = {"tokenId": made["id"]}
    assert gitbeaker("PersonalAccessTokens.show", one)["scopes"] == ["read_api"]
    listed = gitbeaker("PersonalAccessTokens.all", {"userId": person.user_id})
    assert made["id"] in ids(listed)
    rotated = gitbeaker(
        "PersonalAccessTokens.rotate", made["id"], {"expiresAt": "2090-02-28"}
    )
    assert rotated["expires_at"] == "2090-02-28"
    former, new = (
        Gitbeaker(node, estate.server.url, token=token["token"])
        for token in (made, rotated)
    )
    with pytest.raises(GitbeakerError) as refused:
        former("Users.showCurrentUser")
    assert refused.value.status == 401
    assert new("PersonalAccessTokens.show")["id"] == rotated["id"]
    new("PersonalAccessTokens.remove")
    with pytest.raises(GitbeakerError):
        new("PersonalAccessTokens.show")


@pytest.mark.parametrize("kind", ["Project", "Group"])
def test_an_owned_token_s_life(estate: Estate, gitbeaker: Gitbeaker, kind: str) -> None:
    owner: int = getattr(estate, kind.lower())().id
    manager = f"{kind}AccessTokens"
    made = gitbeaker(
        f"{manager}.create",
        owner,
        "bot",
        ["api"],
        "2090-01-31",
        {"accessLevel": MAINTAINER},
    )
    assert made["token"].startswith("glpat-")
    shown = gitbeaker(f"{manager}.show", owner, made["id"])
    assert (shown["access_level"], shown["expires_at"]) == (MAINTAINER, "2090-01-31")
    assert ids(gitbeaker(f"{manager}.all", owner)) == [made["id"]]
    rotated = gitbeaker(f"{manager}.rotate", owner, made["id"])
    assert rotated["token"] != made["token"]
    gitbeaker(f"{manager}.revoke", owner, rotated["id"])
    assert gitbeaker(f"{manager}.all", owner, {"state": "active"}) == []


@pytest.mark.parametrize("kind", ["project", "group"])
def test_a_deploy_token_s_life(estate: Estate, gitbeaker: Gitbeaker, kind: str) -> None:
    owner = {f"{kind}Id": getattr(estate, kind)().id}
    made = gitbeaker(
        "DeployTokens.create",
        "ci",
        ["read_registry"],
        {**owner, "username": "ci", "expiresAt": "2090-01-01"},
    )
    assert made["token"].startswith("gldt-")
    assert ids(gitbeaker("DeployTokens.all", owner)) == [made["id"]]
    assert made["id"] in ids(gitbeaker("DeployTokens.all"))
    shown = gitbeaker("DeployTokens.show", made["id"], owner)
    assert shown["expires_at"] == "2090-01-01T00:00:00.000Z"
    gitbeaker("DeployTokens.remove", made["id"], owner)
    assert gitbeaker("DeployTokens.all", owner) == []


def test_groups_subgroups_and_namespaces(estate: Estate, gitbeaker: Gitbeaker) -> None:
    name = estate.new_name("group")
    top = gitbeaker("Groups.create", name, name, {"visibility": "internal"})
    below = gitbeaker("Groups.create", "Below", "below", {"parentId": top["id"]})
    deep = gitbeaker("Groups.create", "Deep", "deep", {"parentId": below["id"]})
    assert deep["full_path"] == f"{name}/below/deep"
    assert ids(gitbeaker("Groups.search", name)) == [top["id"]]
    assert ids(gitbeaker("Groups.all", {"search": name})) == [top["id"]]
    assert ids(gitbeaker("Groups.allSubgroups", top["id"])) == [below["id"]]
    descendants = gitbeaker("Groups.allDescendantGroups", name)
    assert ids(descendants) == [below["id"], deep["id"]]
    edited = gitbeaker("Groups.edit", below["id"], {"description": "lower"})
    assert edited["description"] == "lower"
    shown = gitbeaker("Namespaces.show", f"{name}/below")
    assert (shown["id"], shown["kind"]) == (below["id"], "group")
    assert top["id"] in ids(gitbeaker("Namespaces.all", {"search": name}))
    moved = gitbeaker("Groups.transfer", deep["id"], {"groupId": top["id"]})
    assert moved["full_path"] == f"{name}/deep"
    gitbeaker("Groups.remove", below["id"])
    with pytest.raises(GitbeakerError, match="404 Group Not Found"):
        gitbeaker("Groups.show", below["id"])


def test_whether_a_path_is_taken(estate: Estate, gitbeaker: Gitbeaker) -> None:
    group = estate.group()
    taken = gitbeaker("Namespaces.exists", group.path)
    assert taken["exists"] is True
    assert taken["suggests"] == [f"{group.path}1"]
    free = {"exists": False, "suggests": []}
    assert gitbeaker("Namespaces.exists", estate.new_name("group")) == free
    below = gitbeaker("Namespaces.exists", group.path, {"parentId": group.id})
    assert below == free


def test_a_project_s_life(estate: Estate, gitbeaker: Gitbeaker) -> None:
    group, name = estate.group(), estate.new_name("project")
    made = gitbeaker(
        "Projects.create",
        {"name": name, "path": name, "namespaceId": group.id, "visibility": "public"},
    )
    path = f"{group.path}/{name}"
    assert gitbeaker("Projects.show", path)["id"] == made["id"]
    assert ids(gitbeaker("Projects.search", name)) == [made["id"]]
    assert ids(gitbeaker("Groups.allProjects", group.id)) == [made["id"]]
    assert gitbeaker("Projects.archive", made["id"])["archived"] is True
    assert gitbeaker("Projects.unarchive", made["id"])["archived"] is False
    shown = gitbeaker("Projects.show", made["id"], {"statistics": True})
    assert shown["statistics"]["container_registry_size"] == 0
    gitbeaker("Projects.remove", made["id"])
    with pytest.raises(GitbeakerError, match="404 Project Not Found"):
        gitbeaker("Projects.show", made["id"])


def test_projects_are_read_over_pages_of_both_kinds(
    estate: Estate, gitbeaker: Gitbeaker
) -> None:
    prefix = estate.new_name("paged")
    group = estate.group()
    made = ids([estate.project(group, name=f"{prefix}-{n}").attributes for n in "abc"])
    wanted = {"search": prefix, "orderBy": "id", "sort": "asc", "perPage": 2}
    for paging in ({}, {"pagination": "keyset"}):
        assert ids(gitbeaker("Projects.all", {**wanted, **paging})) == made


def test_a_project_is_renamed_and_moved_with_its_images(
    estate: Estate, gitbeaker: Gitbeaker
) -> None:
    project, group, other = estate.project(), estate.group(), estate.group()
    with estate.registry(estate.admin) as registry:
        image = an_image("moved")
        registry.push(f"{project.path_with_namespace}/app", "v1", image)

        def moved_to(path: str) -> None:
            assert registry.pull(f"{path}/app", "v1") == image.digest

        renamed = gitbeaker("Projects.edit", project.id, {"path": "renamed"})
        moved_to(renamed["path_with_namespace"])
        moved = gitbeaker("Projects.transfer", project.id, group.id)
        assert moved["path_with_namespace"] == f"{group.path}/renamed"
        moved_to(f"{group.path}/renamed")
        gitbeaker("Groups.transferProject", other.id, project.id)
        moved_to(f"{other.path}/renamed")
        assert gitbeaker("Projects.show", f"{group.path}/renamed")["id"] == project.id


@pytest.mark.parametrize("kind", ["Project", "Group"])
def test_members_and_who_is_one_through_a_group(
    estate: Estate, gitbeaker: Gitbeaker, kind: str
) -> None:
    group = estate.group()
    inner = estate.project(group) if kind == "Project" else estate.group(group)
    direct, inherited = estate.person(), estate.person()
    manager = f"{kind}Members"
    gitbeaker("GroupMembers.add", group.id, REPORTER, {"userId": inherited.user_id})
    made = gitbeaker(
        f"{manager}.add",
        inner.id,
        DEVELOPER,
        {"username": direct.username, "expiresAt": "2090-01-31"},
    )
    assert (made["id"], made["expires_at"]) == (direct.user_id, "2090-01-31")
    assert direct.user_id in ids(gitbeaker(f"{manager}.all", inner.id))
    assert inherited.user_id not in ids(gitbeaker(f"{manager}.all", inner.id))
    everybody = gitbeaker(f"{manager}.all", inner.id, {"includeInherited": True})
    assert {direct.user_id, inherited.user_id} <= set(ids(everybody))
    shown = gitbeaker(
        f"{manager}.show", inner.id, inherited.user_id, {"includeInherited": True}
    )
    assert shown["access_level"] == REPORTER
    edited = gitbeaker(f"{manager}.edit", inner.id, direct.user_id, MAINTAINER)
    assert edited["access_level"] == MAINTAINER
    gitbeaker(f"{manager}.remove", inner.id, direct.user_id)
    with pytest.raises(GitbeakerError, match="404 Not found"):
        gitbeaker(f"{manager}.show", inner.id, direct.user_id)


@pytest.mark.parametrize("kind", ["Project", "Group"])
def test_a_group_is_invited(
    estate: Estate, gitbeaker: Gitbeaker, node: Node, kind: str
) -> None:
    shared = getattr(estate, kind.lower())(visibility="private")
    guests, person = estate.group(), estate.person()
    theirs = Gitbeaker(node, estate.server.url, token=person.token)
    gitbeaker("GroupMembers.add", guests.id, OWNER, {"userId": person.user_id})
    gitbeaker(f"{kind}s.share", shared.id, guests.id, DEVELOPER)
    (invited,) = theirs(f"{kind}s.show", shared.id)["shared_with_groups"]
    assert (invited["group_id"], invited["group_access_level"]) == (
        guests.id,
        DEVELOPER,
    )
    gitbeaker(f"{kind}s.unshare", shared.id, guests.id)
    with pytest.raises(GitbeakerError, match="404"):
        theirs(f"{kind}s.show", shared.id)


def test_groups_that_relate_to_others(estate: Estate, gitbeaker: Gitbeaker) -> None:
    group, guests = estate.group(), estate.group()
    project = estate.project(group)
    gitbeaker("Projects.share", project.id, guests.id, DEVELOPER)
    gitbeaker("Groups.share", group.id, guests.id, DEVELOPER)
    assert ids(gitbeaker("Projects.allGroups", project.id)) == [group.id]
    assert ids(gitbeaker("Projects.allInvitedGroups", project.id)) == [guests.id]
    sharable = ids(gitbeaker("Projects.allSharableGroups", project.id))
    assert not {group.id, guests.id} & set(sharable)
    wanted = {"search": guests.path}
    for manager, number in (("Projects", project.id), ("Groups", group.id)):
        found = gitbeaker(f"{manager}.allTransferLocations", number, wanted)
        assert ids(found) == [guests.id]
    assert ids(gitbeaker("Groups.allSharedProjects", guests.id)) == [project.id]
    assert 1 in ids(gitbeaker("Projects.allUsers", project.id))


def test_several_members_at_once_and_where_one_is_a_member(
    estate: Estate, gitbeaker: Gitbeaker
) -> None:
    project, people = estate.project(), [estate.person() for _ in range(2)]
    numbers = [person.user_id for person in people]
    made = gitbeaker(
        "ProjectMembers.add",
        project.id,
        DEVELOPER,
        {"userId": ",".join(map(str, numbers))},
    )
    assert made == {"status": "success"}
    assert set(numbers) <= set(ids(gitbeaker("ProjectMembers.all", project.id)))
    (joined,) = gitbeaker("Users.allMemberships", numbers[0], {"type": "Project"})
    assert (joined["source_id"], joined["access_level"]) == (project.id, DEVELOPER)
