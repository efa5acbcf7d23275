"""Groups that relate to a project or group, and where these can go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from in_process.api import Api, Json

PUBLIC = ["id", "web_url", "name", "avatar_url", "full_name", "full_path"]


async def ids(api: Api, path: str, token: str | None = None) -> list[int]:
    found = await (api.get(path) if token is None else api.get(path, token))
    return [one["id"] for one in found]


async def a_chain(api: Api) -> tuple[Json, Json, Json]:
    """Make a group with a group in it with a project in that."""
    upper = await api.group(name="Upper")
    lower = await api.group(name="Lower", parent_id=upper["id"])
    return upper, lower, await api.project(namespace_id=lower["id"])


async def test_the_groups_that_a_project_lies_in(api: Api) -> None:
    upper, lower, project = await a_chain(api)
    path = f"/projects/{project['id']}/groups"
    first, second = await api.get(path)
    assert list(first) == PUBLIC
    assert (first["id"], second["id"]) == (upper["id"], lower["id"])
    assert second["full_name"] == "Upper / Lower"
    assert await ids(api, f"{path}?search=LOW") == [lower["id"]]
    assert await ids(api, f"{path}?skip_groups[]={lower['id']}") == [upper["id"]]
    guest = await api.group()
    share = {"group_id": guest["id"], "group_access": 20}
    await api.post(f"/projects/{project['id']}/share", share)
    assert await ids(api, f"{path}?with_shared=true") == [
        upper["id"],
        lower["id"],
        guest["id"],
    ]
    response = await api.call("GET", f"{path}?per_page=1&page=2")
    assert [one["id"] for one in response.json()] == [lower["id"]]
    assert response.headers["x-total"] == "2"


async def test_one_s_own_project_lies_in_no_group(api: Api) -> None:
    own = await api.post("/projects", {"name": "own"})
    assert await api.get(f"/projects/{own['id']}/groups") == []


@pytest.mark.parametrize("folder", ["projects", "groups"])
async def test_invited_groups_are_listed_to_who_sees_them(
    api: Api, folder: str
) -> None:
    group = await api.group()
    place = group
    if folder == "projects":
        place = await api.project(namespace_id=group["id"], visibility="public")
    seen = await api.group(name="Seen")
    hidden = await api.group(name="Hidden", visibility="private")
    for guest in (seen, hidden):
        share = {"group_id": guest["id"], "group_access": 20}
        await api.post(f"/{folder}/{place['id']}/share", share)
    path = f"/{folder}/{place['id']}/invited_groups"
    stranger = await api.person()
    assert await ids(api, path) == [seen["id"], hidden["id"]]
    assert await ids(api, path, stranger.token) == [seen["id"]]
    assert await ids(api, f"{path}?search=hid") == [hidden["id"]]
    assert await ids(api, f"{path}?search=hid", stranger.token) == []


async def test_groups_invited_above_are_invited_too(api: Api) -> None:
    upper, lower, project = await a_chain(api)
    guests = [(await api.group())["id"] for _ in range(3)]
    for guest, place in zip(
        guests,
        (f"projects/{project['id']}", f"groups/{lower['id']}", f"groups/{upper['id']}"),
        strict=True,
    ):
        await api.post(f"/{place}/share", {"group_id": guest, "group_access": 20})
    path = f"/projects/{project['id']}/invited_groups"
    assert set(await ids(api, path)) == set(guests)
    assert await ids(api, f"{path}?relation=direct") == guests[:1]
    assert set(await ids(api, f"{path}?relation[]=inherited")) == set(guests[1:])
    path = f"/groups/{lower['id']}/invited_groups?relation=inherited"
    assert await ids(api, path) == guests[2:]
    assert (
        await ids(api, f"/groups/{upper['id']}/invited_groups?relation=inherited") == []
    )
    response = await api.call("GET", f"{path},x")
    assert response.json() == {"error": "relation does not have a valid value"}


async def test_a_group_lists_what_it_was_invited_to(api: Api) -> None:
    guest = await api.group()
    host, other = await api.group(), await api.group(visibility="private")
    project = await api.project(visibility="public")
    hidden = await api.project()
    share = {"group_id": guest["id"], "group_access": 20}
    for place in (f"groups/{host['id']}", f"groups/{other['id']}"):
        await api.post(f"/{place}/share", share)
    for one in (project, hidden):
        await api.post(f"/projects/{one['id']}/share", share)
    stranger = await api.person()
    groups = f"/groups/{guest['id']}/groups/shared"
    assert await ids(api, groups) == [host["id"], other["id"]]
    assert await ids(api, groups, stranger.token) == [host["id"]]
    (shown,) = await api.get(f"{groups}?search={host['path']}")
    assert shown["visibility"] == "public"
    projects = f"/groups/{guest['id']}/projects/shared?sort=asc"
    assert await ids(api, projects) == [project["id"], hidden["id"]]
    assert await ids(api, projects, stranger.token) == [project["id"]]
    assert await ids(api, f"{projects}&search={hidden['path']}") == [hidden["id"]]
    assert await ids(api, f"{projects}&starred=true") == []


async def test_where_a_group_can_be_moved(api: Api) -> None:
    upper, lower, _ = await a_chain(api)
    person = await api.member(upper, 50)
    target, foreign = await api.group(), await api.group()
    for group, level in ((target, 40), (foreign, 30)):
        member = {"user_id": person.id, "access_level": level}
        await api.post(f"/groups/{group['id']}/members", member)
    path = f"/groups/{lower['id']}/transfer_locations"
    (found,) = await api.get(path, person.token)
    assert list(found) == PUBLIC
    assert found["id"] == target["id"]
    assert await ids(api, f"{path}?search=nothing", person.token) == []
    # An administrator can move it anywhere but where it is.
    assert await ids(api, path) == [target["id"], foreign["id"]]
    assert await ids(api, f"/groups/{upper['id']}/transfer_locations") == [
        target["id"],
        foreign["id"],
    ]
    maintainer = await api.member(upper, 40)
    response = await api.call("GET", path, maintainer.token)
    assert response.status_code == 403


async def test_where_a_project_can_be_moved(api: Api) -> None:
    _, lower, project = await a_chain(api)
    person = await api.member(project, 50)
    target = await api.group(person.token)
    path = f"/projects/{project['id']}/transfer_locations"
    assert await ids(api, path, person.token) == [target["id"]]
    assert lower["id"] not in await ids(api, path)
    maintainer = await api.member(project, 40)
    response = await api.call("GET", path, maintainer.token)
    assert response.status_code == 403


async def test_which_groups_can_be_invited_to_a_project(api: Api) -> None:
    upper, lower, project = await a_chain(api)
    person = await api.member(project, 40)
    mine, invited = await api.group(person.token), await api.group(person.token)
    share = {"group_id": invited["id"], "group_access": 20}
    await api.post(f"/projects/{project['id']}/share", share)
    path = f"/projects/{project['id']}/share_locations"
    assert await ids(api, path, person.token) == [mine["id"]]
    everywhere = await ids(api, path)
    assert everywhere == [mine["id"]]
    assert not {upper["id"], lower["id"], invited["id"]} & set(everywhere)
    developer = await api.member(project, 30)
    response = await api.call("GET", path, developer.token)
    assert response.status_code == 403


async def test_the_users_of_a_project(api: Api) -> None:
    _, lower, project = await a_chain(api)
    one, two = await api.member(lower, 20), await api.member(project, 30)
    path = f"/projects/{project['id']}/users"
    found = await api.get(path)
    assert [user["id"] for user in found] == [1, one.id, two.id]
    assert "access_level" not in found[0]
    assert await ids(api, f"{path}?search={two.username.upper()}") == [two.id]
    assert await ids(api, f"{path}?skip_users=1,{one.id}") == [two.id]


async def test_where_somebody_is_a_member(api: Api) -> None:
    _, lower, project = await a_chain(api)
    person = await api.member(lower, 20)
    member = {"user_id": person.id, "access_level": 30}
    await api.post(f"/projects/{project['id']}/members", member)
    path = f"/users/{person.id}/memberships"
    of_project = {
        "source_id": project["id"],
        "source_name": project["name"],
        "source_type": "Project",
        "access_level": 30,
    }
    of_group = {
        "source_id": lower["id"],
        "source_name": "Lower",
        "source_type": "Namespace",
        "access_level": 20,
    }
    assert await api.get(path) == [of_project, of_group]
    assert await api.get(f"{path}?type=Project") == [of_project]
    assert await api.get(f"{path}?type=Namespace") == [of_group]
    response = await api.call("GET", f"{path}?type=Group")
    assert response.json() == {"error": "type does not have a valid value"}
    assert (await api.call("GET", "/users/99/memberships")).status_code == 404
    assert (await api.call("GET", path, person.token)).status_code == 403
