from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from in_process.api import Api

NEW = {
    "username": "jane",
    "name": "Jane",
    "email": "jane@example.com",
    "password": "correct horse",
}


async def test_the_first_user_is_root(api: Api) -> None:
    root = await api.get("/user")
    assert (root["id"], root["username"], root["is_admin"]) == (1, "root", True)
    own = await api.get("/namespaces/root")
    assert (own["kind"], own["full_path"]) == ("user", "root")


async def test_somebody_sees_their_own_address_but_no_flag(api: Api) -> None:
    person = await api.person()
    own = await api.get("/user", person.token)
    assert own["email"] == f"{person.username}@example.com"
    assert "is_admin" not in own


async def test_others_see_less(api: Api) -> None:
    one, other = await api.person(), await api.person()
    seen = await api.get(f"/users/{one.id}", other.token)
    assert "email" not in seen
    assert seen["created_at"] == "2024-02-29T12:00:00.000Z"
    assert list(seen)[:8] == [
        "id",
        "username",
        "public_email",
        "name",
        "state",
        "locked",
        "avatar_url",
        "web_url",
    ]


async def test_users_are_found_by_name(api: Api) -> None:
    person = await api.person(name="Ada Lovelace")
    for query in (
        f"username={person.username.upper()}",
        "search=lovelace",
        f"search={person.username}@example.com",
    ):
        (found,) = await api.get(f"/users?{query}")
        assert found["id"] == person.id
    assert await api.get("/users?username=nobody") == []


ACTIONS = ("block", "unblock", "deactivate", "activate", "ban", "unban")
# What comes of each: a state, or a refusal.
STATES = {
    "active": ["blocked", "active", "deactivated", "active", "banned", ""],
    "blocked": ["blocked", "active", "", "", "", ""],
    "deactivated": ["blocked", "", "deactivated", "active", "", ""],
    "banned": ["", "", "", "", "", "active"],
}
INTO = {"blocked": "block", "deactivated": "deactivate", "banned": "ban"}


@pytest.mark.parametrize("state", STATES)
async def test_an_account_goes_from_state_to_state(api: Api, state: str) -> None:
    for action, wanted in zip(ACTIONS, STATES[state], strict=True):
        person = await api.person()
        if state in INTO:
            await api.post(f"/users/{person.id}/{INTO[state]}", {})
        response = await api.call("POST", f"/users/{person.id}/{action}")
        expected: tuple[int, object] = (201, True)
        if not wanted:
            expected = (403, response.json())
            assert response.json()["message"].startswith("403 Forbidden - ")
        assert (response.status_code, response.json()) == expected
        shown = await api.get(f"/users/{person.id}")
        assert shown["state"] == (wanted or state)
        signed_in = await api.call("GET", "/user", person.token)
        lets_in = shown["state"] == "active"
        assert signed_in.status_code == (200 if lets_in else 403)


async def test_only_the_blocked_are_listed_as_blocked(api: Api) -> None:
    people = {action: (await api.person()).id for action in ("block", "ban")}
    for action, number in people.items():
        await api.post(f"/users/{number}/{action}", {})
    (blocked,) = await api.get("/users?blocked=true")
    assert blocked["id"] == people["block"]
    inactive = await api.get("/users?exclude_active=true&sort=asc")
    assert [user["id"] for user in inactive] == list(people.values())


@pytest.mark.parametrize("action", ["block", "ban", "deactivate"])
async def test_nobody_keeps_themselves_out(api: Api, action: str) -> None:
    response = await api.call("POST", f"/users/1/{action}")
    assert response.status_code == 403
    response = await api.call("POST", f"/users/99/{action}")
    assert response.status_code == 404


async def test_the_blocked_and_the_active_are_told_apart(api: Api) -> None:
    person = await api.person()
    await api.post(f"/users/{person.id}/block", {})
    (blocked,) = await api.get("/users?blocked=true")
    assert (blocked["id"], blocked["state"]) == (person.id, "blocked")
    assert [user["id"] for user in await api.get("/users?active=true")] == [1]


async def test_users_are_listed_by_what_they_are_and_in_any_order(api: Api) -> None:
    ann = await api.person(name="Zoe", admin=True)
    api.clock.advance(timedelta(days=1))
    bob = await api.person(name="Yan", external=True)
    project = await api.project()
    body = {"name": "a bot", "scopes": ["api"]}
    bot = await api.post(f"/projects/{project['id']}/access_tokens", body)

    async def ids(query: str) -> list[int]:
        return [user["id"] for user in await api.get(f"/users?sort=asc&{query}")]

    assert await ids("order_by=name") == [bot["user_id"], 1, bob.id, ann.id]
    assert await ids("order_by=username") == [bot["user_id"], 1, ann.id, bob.id]
    assert await ids("order_by=created_at") == [1, ann.id, bob.id, bot["user_id"]]
    assert await ids("order_by=updated_at") == [1, ann.id, bob.id, bot["user_id"]]
    assert await ids("admins=true") == [1, ann.id]
    assert await ids("external=true") == [bob.id]
    assert await ids("exclude_external=true") == [1, ann.id, bot["user_id"]]
    for query in ("humans=true", "without_project_bots=true"):
        assert await ids(query) == [1, ann.id, bob.id]
    assert await ids("exclude_humans=true") == [bot["user_id"]]
    assert await ids("created_after=2024-03-01") == [bob.id, bot["user_id"]]
    assert await ids("created_before=2024-03-01") == [1, ann.id]
    assert await ids("without_projects=true") == [1, ann.id, bob.id]
    await api.post(f"/users/{ann.id}/block", {})
    assert await ids("exclude_active=true") == [ann.id]
    assert await ids("two_factor=disabled&external=true") == [bob.id]


@pytest.mark.parametrize(
    "query", ["two_factor=enabled", "extern_uid=1&provider=ldap", "public_email=x@y.z"]
)
async def test_what_no_user_has_here_finds_nobody(api: Api, query: str) -> None:
    assert await api.get(f"/users?{query}") == []


async def test_a_new_user_can_sign_in_with_the_password(api: Api) -> None:
    await api.post("/users", NEW)
    identity = api.context.identity
    for login in ("jane", "JANE@example.com"):
        principal = await identity.authenticate_basic(login, NEW["password"])
        assert principal.username == "jane"


@pytest.mark.parametrize(
    ("changes", "status", "body"),
    [
        ({"username": "ROOT"}, 409, {"message": "Username has already been taken"}),
        (
            {"email": "ADMIN@example.com"},
            409,
            {"message": "Email has already been taken"},
        ),
        ({"email": "x"}, 400, {"message": {"email": ["is invalid"]}}),
        ({"name": " "}, 400, {"message": {"name": ["can't be blank"]}}),
        (
            {"password": "short"},
            400,
            {"message": {"password": ["is too short (minimum is 8 characters)"]}},
        ),
    ],
)
async def test_a_user_that_cannot_be_is_refused(
    api: Api, changes: dict[str, Any], status: int, body: object
) -> None:
    response = await api.call("POST", "/users", json={**NEW, **changes})
    assert response.status_code == status
    assert response.json() == body


@pytest.mark.parametrize(
    "name", ["-a", "a/b", "a b", "a.git", "", "a..b", "ä", "_x", "x-", "a" * 256]
)
async def test_a_user_name_below_which_no_image_can_be_is_refused(
    api: Api, name: str
) -> None:
    response = await api.call("POST", "/users", json={**NEW, "username": name})
    assert response.status_code == 400
    assert "username" in response.json()["message"]


async def test_a_group_s_name_is_no_user_name(api: Api) -> None:
    group = await api.group()
    response = await api.call("POST", "/users", json={**NEW, "username": group["path"]})
    assert response.status_code == 409


async def test_what_is_missing_is_named(api: Api) -> None:
    response = await api.call("POST", "/users", json={})
    assert response.status_code == 400
    assert response.json() == {
        "error": "email is missing, name is missing, username is missing, password, "
        "reset_password, force_random_password are missing, at least one parameter "
        "must be provided"
    }


async def test_a_user_is_changed(api: Api) -> None:
    person = await api.person()
    response = await api.call(
        "PUT",
        f"/users/{person.id}",
        json={"name": "New", "admin": True, "password": "another one"},
    )
    assert response.status_code == 200
    assert response.json()["name"] == "New"
    assert response.json()["is_admin"] is True
    identity = api.context.identity
    assert (await identity.authenticate_basic(person.username, "another one")).admin


async def test_an_address_is_not_taken_from_somebody(api: Api) -> None:
    person = await api.person()
    path = f"/users/{person.id}"
    response = await api.call("PUT", path, json={"email": "admin@example.com"})
    assert response.status_code == 409
    own = {"email": f"{person.username}@example.com"}
    assert (await api.call("PUT", path, json=own)).status_code == 200


async def test_a_user_is_deleted_with_tokens_and_projects(api: Api) -> None:
    person = await api.person()
    made = await api.post("/projects", {"name": "own"}, person.token)
    response = await api.call("DELETE", f"/users/{person.id}")
    assert response.status_code == 204
    assert response.content == b""
    assert (await api.call("GET", f"/projects/{made['id']}")).status_code == 404
    assert (await api.call("GET", "/user", person.token)).status_code == 401
    response = await api.call("GET", f"/users/{person.id}")
    assert response.status_code == 404
    assert response.json() == {"message": "404 User Not Found"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/users"),
        ("PUT", "/users/1"),
        ("DELETE", "/users/1"),
        ("POST", "/users/1/block"),
        ("POST", "/users/1/unblock"),
        ("POST", "/users/1/personal_access_tokens"),
    ],
)
async def test_only_administrators_manage_users(
    api: Api, method: str, path: str
) -> None:
    person = await api.person()
    assert (await api.call(method, path, None)).status_code == 401
    assert (await api.call(method, path, person.token)).status_code == 403


@pytest.mark.parametrize("path", ["/user", "/users", "/users/1"])
async def test_users_are_not_for_strangers(api: Api, path: str) -> None:
    assert (await api.call("GET", path, None)).status_code == 401


async def test_an_id_out_of_all_bounds_is_unknown(api: Api) -> None:
    assert (await api.call("GET", f"/users/{'9' * 40}")).status_code == 404
    response = await api.call("GET", "/users/x")
    assert response.json() == {"error": "id is invalid"}


async def test_somebody_is_renamed_with_their_projects(api: Api) -> None:
    person, group = await api.person(), await api.group()
    path = f"/users/{person.id}"
    response = await api.call("PUT", path, json={"username": "New"})
    assert response.json()["username"] == "New"
    assert (await api.get("/namespaces/new", person.token))["full_path"] == "New"
    for taken in ("root", group["path"]):
        response = await api.call("PUT", path, json={"username": taken})
        assert response.status_code == 409
        assert response.json() == {"message": "Username has already been taken"}
    assert (await api.call("PUT", path, json={"username": "a/b"})).status_code == 400
    own = await api.post("/projects", {"name": "own"}, person.token)
    response = await api.call("PUT", path, json={"username": "newer"})
    assert response.json()["username"] == "newer"
    moved = await api.get(f"/projects/{own['id']}", person.token)
    assert moved["path_with_namespace"] == "newer/own"


async def test_nobody_blocks_or_deletes_themselves(api: Api) -> None:
    other = await api.person(admin=True)
    for method, path, verb in (
        ("POST", f"/users/{other.id}/block", "block"),
        ("DELETE", f"/users/{other.id}", "delete"),
    ):
        response = await api.call(method, path, other.token)
        assert response.status_code == 403
        text = f"403 Forbidden - You cannot {verb} yourself"
        assert response.json() == {"message": text}
    assert (await api.call("POST", "/users/1/block")).status_code == 403
    assert (await api.get("/user"))["state"] == "active"


async def test_there_is_always_an_administrator(api: Api) -> None:
    person, blocked = await api.person(), await api.person(admin=True)
    await api.post(f"/users/{blocked.id}/block", {})
    response = await api.call("PUT", "/users/1", json={"admin": False, "name": "New"})
    assert response.status_code == 403
    assert response.json() == {
        "message": "403 Forbidden - The last administrator has to stay one"
    }
    assert (await api.get("/user"))["name"] == "Administrator"
    made = await api.call("PUT", f"/users/{person.id}", json={"admin": True})
    assert made.status_code == 200
    response = await api.call("PUT", "/users/1", json={"admin": False})
    assert response.status_code == 200
    response = await api.call("PUT", f"/users/{person.id}", person.token, json={})
    assert response.status_code == 200
    body = {"admin": False}
    response = await api.call("PUT", f"/users/{person.id}", person.token, json=body)
    assert response.status_code == 403
    assert (await api.call("DELETE", "/users/1", person.token)).status_code == 204


async def test_an_administrator_among_others_is_blocked_and_deleted(api: Api) -> None:
    person = await api.person(admin=True)
    await api.post(f"/users/{person.id}/block", {})
    assert (await api.call("DELETE", f"/users/{person.id}")).status_code == 204
