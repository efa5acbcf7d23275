from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from in_process.api import Api, Json

FIELDS = [
    "id",
    "username",
    "public_email",
    "name",
    "state",
    "locked",
    "avatar_url",
    "web_url",
    "access_level",
    "created_at",
    "created_by",
    "expires_at",
    "membership_state",
]


async def place(api: Api, folder: str) -> tuple[Json, str]:
    made = await (api.project() if folder == "projects" else api.group())
    return made, f"/{folder}/{made['id']}/members"


@pytest.mark.parametrize("folder", ["projects", "groups"])
async def test_a_member_comes_changes_and_goes(api: Api, folder: str) -> None:
    _, members = await place(api, folder)
    person = await api.person()
    made = await api.post(
        members,
        {"username": person.username, "access_level": 30, "expires_at": "2024-12-31"},
    )
    assert list(made) == FIELDS
    assert made["expires_at"] == "2024-12-31"
    assert made["created_by"]["username"] == "root"
    own = f"{members}/{person.id}"
    assert await api.get(own) == made
    response = await api.call("PUT", own, json={"access_level": 40})
    assert response.status_code == 200
    assert (await api.get(own))["access_level"] == 40
    response = await api.call("DELETE", own)
    assert response.status_code == 204
    response = await api.call("GET", own)
    assert response.status_code == 404
    assert response.json() == {"message": "404 Not found"}


@pytest.mark.parametrize("folder", ["projects", "groups"])
@pytest.mark.parametrize("by", ["user_id", "username"])
async def test_several_become_members_at_once(api: Api, folder: str, by: str) -> None:
    _, members = await place(api, folder)
    one, two = await api.person(), await api.person()
    await api.post(members, {"user_id": one.id, "access_level": 10})
    named = {
        "user_id": f"{one.id},{two.id},99",
        "username": f"{one.username}, {two.username},nobody",
    }
    body = {by: named[by], "access_level": 30, "expires_at": "2024-12-31"}
    assert await api.post(members, body) == {"status": "success"}
    for person in (one, two):
        found = await api.get(f"{members}/{person.id}")
        assert (found["access_level"], found["expires_at"]) == (30, "2024-12-31")


async def test_who_cannot_become_a_member_is_named_and_the_others_do(api: Api) -> None:
    group = await api.group()
    project = await api.project(namespace_id=group["id"])
    members = f"/projects/{project['id']}/members"
    inherited, owner = await api.member(group, 40), await api.member(project, 50)
    maintainer, person = await api.member(project, 40), await api.person()
    ids = ",".join(str(one.id) for one in (inherited, owner, person))
    body = {"user_id": ids, "access_level": 30}
    assert await api.post(members, body, maintainer.token) == {
        "message": f"{inherited.username}: Access level should be greater than or "
        f"equal to Maintainer inherited membership from group {group['name']} and "
        f"{owner.username}: not authorized to update member",
        "status": "error",
    }
    found = await api.get(members)
    assert [(one["id"], one["access_level"]) for one in found] == [
        (owner.id, 50),
        (maintainer.id, 40),
        (person.id, 30),
    ]


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"user_id": "1,x"}, {"error": "user_id is invalid"}),
        ({"user_id": "x"}, {"error": "user_id is invalid"}),
        (
            {"user_id": 1, "username": "root"},
            {"error": "user_id, username are mutually exclusive"},
        ),
        (
            {"username": ",".join("x" * 101)},
            {"error": "Too many users specified (limit is 100)"},
        ),
    ],
)
async def test_several_that_cannot_be_read_are_refused(
    api: Api, body: dict[str, Any], answer: object
) -> None:
    _, members = await place(api, "projects")
    response = await api.call("POST", members, json={**body, "access_level": 30})
    assert response.status_code == 400
    assert response.json() == answer


async def test_nobody_of_several_is_there(api: Api) -> None:
    _, members = await place(api, "projects")
    body = {"user_id": "98,99", "access_level": 30}
    assert await api.post(members, body) == {
        "message": "No users specified.",
        "status": "error",
    }


async def test_inherited_members_are_listed_with_the_highest_role(api: Api) -> None:
    group = await api.group()
    project = await api.project(namespace_id=group["id"])
    person = await api.member(group, 20)
    await api.post(
        f"/projects/{project['id']}/members",
        {"user_id": person.id, "access_level": 30},
    )
    base = f"/projects/{project['id']}/members"
    assert [one["id"] for one in await api.get(base)] == [person.id]
    everybody = await api.get(f"{base}/all")
    assert [(one["id"], one["access_level"]) for one in everybody] == [
        (1, 50),
        (person.id, 30),
    ]
    assert (await api.get(f"{base}/all/1"))["access_level"] == 50
    assert (await api.call("GET", f"{base}/1")).status_code == 404
    (found,) = await api.get(f"{base}/all?query={person.username}")
    assert found["id"] == person.id
    (found,) = await api.get(f"{base}/all?user_ids={person.id},99")
    assert found["id"] == person.id


async def test_who_owns_the_namespace_is_a_member(api: Api) -> None:
    person = await api.person()
    project = await api.post("/projects", {"name": "own"}, person.token)
    (found,) = await api.get(f"/projects/{project['id']}/members/all", person.token)
    assert (found["id"], found["access_level"]) == (person.id, 50)


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (
            {"user_id": 99, "access_level": 30},
            404,
            {"message": "404 User Not Found"},
        ),
        (
            {"user_id": 1, "access_level": 31},
            400,
            {"message": {"access_level": ["is not included in the list"]}},
        ),
        (
            {},
            400,
            {
                "error": (
                    "access_level is missing, user_id, username are missing, at "
                    "least one parameter must be provided"
                )
            },
        ),
        (
            {"user_id": 1, "access_level": 30, "expires_at": "2024-02-29"},
            400,
            {"message": {"expires_at": ["cannot be a date in the past"]}},
        ),
    ],
)
async def test_a_membership_that_cannot_be_is_refused(
    api: Api, body: dict[str, Any], status: int, answer: object
) -> None:
    _, members = await place(api, "projects")
    response = await api.call("POST", members, json=body)
    assert response.status_code == status
    assert response.json() == answer


async def test_a_member_is_not_added_twice(api: Api) -> None:
    project, members = await place(api, "projects")
    person = await api.member(project, 30)
    body = {"user_id": person.id, "access_level": 40}
    response = await api.call("POST", members, json=body)
    assert response.status_code == 409
    assert response.json() == {"message": "Member already exists"}


async def test_a_role_is_not_below_the_inherited_one(api: Api) -> None:
    group = await api.group(name="Team")
    project = await api.project(namespace_id=group["id"])
    person = await api.member(group, 40)
    body = {"user_id": person.id, "access_level": 30}
    path = f"/projects/{project['id']}/members"
    response = await api.call("POST", path, json=body)
    assert response.status_code == 400
    assert response.json() == {
        "message": {
            "access_level": [
                (
                    "should be greater than or equal to Maintainer inherited "
                    "membership from group Team"
                )
            ]
        }
    }


@pytest.mark.parametrize(
    ("folder", "level", "grants", "status"),
    [
        ("projects", 30, 10, 403),
        ("projects", 40, 40, 201),
        ("projects", 40, 50, 403),
        ("projects", 50, 50, 201),
        ("groups", 40, 10, 403),
        ("groups", 50, 50, 201),
    ],
)
async def test_who_may_add_members(
    api: Api, folder: str, level: int, grants: int, status: int
) -> None:
    made, members = await place(api, folder)
    manager, person = await api.member(made, level), await api.person()
    body = {"user_id": person.id, "access_level": grants}
    response = await api.call("POST", members, manager.token, json=body)
    assert response.status_code == status


async def test_a_maintainer_does_not_touch_an_owner(api: Api) -> None:
    project, members = await place(api, "projects")
    maintainer, owner = await api.member(project, 40), await api.member(project, 50)
    path = f"{members}/{owner.id}"
    response = await api.call("PUT", path, maintainer.token, json={"access_level": 10})
    assert response.status_code == 403
    assert (await api.call("DELETE", path, maintainer.token)).status_code == 403


async def test_everybody_may_leave(api: Api) -> None:
    project, members = await place(api, "projects")
    person = await api.member(project, 10)
    response = await api.call("DELETE", f"{members}/{person.id}", person.token)
    assert response.status_code == 204


async def test_a_group_keeps_its_last_owner(api: Api) -> None:
    _, members = await place(api, "groups")
    assert (await api.call("DELETE", f"{members}/1")).status_code == 403
    response = await api.call("PUT", f"{members}/1", json={"access_level": 40})
    assert response.status_code == 403


async def test_a_membership_ends_on_its_day(api: Api) -> None:
    project, members = await place(api, "projects")
    person = await api.member(project, 30, expires_at="2024-03-01")
    path = f"/projects/{project['id']}"
    assert (await api.call("GET", path, person.token)).status_code == 200
    api.clock.advance(timedelta(hours=12))
    assert (await api.call("GET", path, person.token)).status_code == 404
    assert await api.get(members) == []
    body = {"user_id": person.id, "access_level": 20}
    assert (await api.post(members, body))["access_level"] == 20


async def test_a_stranger_learns_nothing_of_members(api: Api) -> None:
    project, members = await place(api, "projects")
    person = await api.person()
    for method, path in (
        ("GET", members),
        ("GET", f"{members}/all"),
        ("GET", f"{members}/1"),
        ("DELETE", f"{members}/{person.id}"),
        ("GET", "/projects/99/members"),
    ):
        response = await api.call(method, path, person.token)
        assert response.status_code == 404
        assert response.json() == {"message": "404 Project Not Found"}
    assert project["visibility"] == "private"
