from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from in_process.api import ROOT_TOKEN

if TYPE_CHECKING:
    from in_process.api import Api

FORMS: list[dict[str, Any]] = [
    {"headers": {"PRIVATE-TOKEN": "{}"}},
    {"headers": {"Authorization": "Bearer {}"}},
    {"headers": {"authorization": "bearer {}"}},
    {"params": {"private_token": "{}"}},
    {"params": {"access_token": "{}"}},
    {"data": {"private_token": "{}"}},
]
IDS = ["header", "bearer", "lower", "query", "oauth", "body"]


def fill(form: dict[str, Any], token: str) -> dict[str, Any]:
    return {
        kind: {name: text.format(token) for name, text in values.items()}
        for kind, values in form.items()
    }


async def token_of(api: Api, scopes: list[str], **attributes: Any) -> str:
    user = await api.person()
    made = await api.post(
        f"/users/{user.id}/personal_access_tokens",
        {"name": "x", "scopes": scopes, **attributes},
    )
    token: str = made["token"]
    return token


@pytest.mark.parametrize("form", FORMS, ids=IDS)
async def test_a_token_is_accepted_in_every_form(
    api: Api, form: dict[str, Any]
) -> None:
    response = await api.call("GET", "/user", None, **fill(form, ROOT_TOKEN))
    assert response.json()["username"] == "root"


@pytest.mark.parametrize("form", FORMS, ids=IDS)
async def test_a_wrong_token_is_never_nobody(api: Api, form: dict[str, Any]) -> None:
    project = await api.project(visibility="public")
    path = f"/projects/{project['id']}"
    assert (await api.call("GET", path, None)).status_code == 200
    response = await api.call("GET", path, None, **fill(form, "glpat-wrong"))
    assert response.status_code == 401
    assert response.json() == {"message": "401 Unauthorized"}


async def test_basic_credentials_are_not_looked_at(api: Api) -> None:
    project = await api.project(visibility="public")
    path = f"/projects/{project['id']}"
    response = await api.client.get(f"/api/v4{path}", auth=("root", "wrong"))
    assert response.status_code == 200
    response = await api.client.get("/api/v4/user", auth=("root", ROOT_TOKEN))
    assert response.status_code == 401


async def test_nobody_is_unauthorized_where_somebody_is_needed(api: Api) -> None:
    response = await api.call("GET", "/user", None)
    assert response.status_code == 401
    assert response.json() == {"message": "401 Unauthorized"}


async def test_an_expired_token_says_so(api: Api) -> None:
    token = await token_of(api, ["api"], expires_at="2024-03-02")
    assert (await api.call("GET", "/user", token)).status_code == 200
    api.clock.advance(timedelta(days=2))
    response = await api.call("GET", "/user", token)
    assert response.status_code == 401
    assert response.json() == {
        "error": "invalid_token",
        "error_description": "Token is expired. You can either do re-authorization "
        "or token refresh.",
    }
    assert response.headers["www-authenticate"].startswith('Bearer realm="The API"')


async def test_a_revoked_token_says_so(api: Api) -> None:
    person = await api.person()
    own = "/personal_access_tokens/self"
    assert (await api.call("DELETE", own, person.token)).status_code == 204
    response = await api.call("GET", "/user", person.token)
    assert response.status_code == 401
    assert response.json()["error_description"] == (
        "Token was revoked. You have to re-authorize from the user."
    )


async def test_a_blocked_user_is_forbidden(api: Api) -> None:
    person = await api.person()
    await api.post(f"/users/{person.id}/block", {})
    response = await api.call("GET", "/user", person.token)
    assert response.status_code == 403
    assert response.json() == {
        "message": "403 Forbidden - Your account has been blocked."
    }
    await api.post(f"/users/{person.id}/unblock", {})
    assert (await api.call("GET", "/user", person.token)).status_code == 200


async def test_a_reading_token_reads_and_does_not_write(api: Api) -> None:
    token = await token_of(api, ["read_api"])
    assert (await api.call("GET", "/projects", token)).status_code == 200
    assert (await api.call("HEAD", "/projects", token)).status_code == 200
    response = await api.call("POST", "/projects", token, json={"name": "x"})
    assert response.status_code == 403
    assert response.json() == {
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided "
        "by the access token.",
        "scope": "api read_api",
    }


@pytest.mark.parametrize("scope", ["read_registry", "write_registry"])
async def test_a_registry_token_only_knows_itself(api: Api, scope: str) -> None:
    token = await token_of(api, [scope])
    assert (await api.call("GET", "/projects", token)).status_code == 403
    own = await api.get("/personal_access_tokens/self", token)
    assert own["scopes"] == [scope]


async def test_use_is_noted_every_ten_minutes(api: Api) -> None:
    person = await api.person()
    own = "/personal_access_tokens/self"
    first = (await api.get(own, person.token))["last_used_at"]
    assert first == "2024-02-29T12:00:00.000Z"
    api.clock.advance(timedelta(minutes=9))
    assert (await api.get(own, person.token))["last_used_at"] == first
    api.clock.advance(timedelta(minutes=1))
    later = (await api.get(own, person.token))["last_used_at"]
    assert later == "2024-02-29T12:10:00.000Z"


async def test_an_administrator_acts_as_somebody(api: Api) -> None:
    person = await api.person()
    made = await api.post(
        "/users/1/personal_access_tokens", {"name": "x", "scopes": ["api", "sudo"]}
    )
    for name in (str(person.id), person.username.upper()):
        response = await api.call("GET", "/user", made["token"], headers={"Sudo": name})
        assert response.json()["username"] == person.username
    assert (await api.get("/user?sudo=1", made["token"]))["username"] == "root"
    response = await api.call("GET", "/user?sudo=nobody", made["token"])
    assert response.status_code == 404
    assert response.json() == {
        "message": "404 User with ID or username 'nobody' Not Found"
    }


async def test_others_do_not(api: Api) -> None:
    person = await api.person()
    response = await api.call("GET", "/user?sudo=root", person.token)
    assert response.status_code == 403
    assert response.json() == {"message": "403 Forbidden - Must be admin to use sudo"}
    response = await api.call("GET", "/user?sudo=root")
    assert response.json()["scope"] == "sudo"


async def test_a_user_to_act_as_is_never_passed_over(api: Api) -> None:
    person = await api.person()
    made = await api.post(
        "/users/1/personal_access_tokens", {"name": "x", "scopes": ["api", "sudo"]}
    )
    token = made["token"]
    response = await api.call("GET", "/user", token, json={"sudo": person.id})
    assert response.json()["id"] == person.id
    for wrong in (True, False, 1.5, [person.id], {"id": person.id}):
        response = await api.call("GET", "/user", token, json={"sudo": wrong})
        assert response.status_code == 400
        assert response.json() == {"error": "sudo is invalid"}
    for query in ("sudo[]=root", "sudo[a]=root"):
        assert (await api.call("GET", f"/user?{query}", token)).status_code == 400
    assert (await api.call("GET", "/user?sudo=", token)).status_code == 404
    headers = {"Sudo": ""}
    response = await api.call("GET", "/user", token, headers=headers)
    assert response.status_code == 404


@pytest.mark.parametrize("name", ["private_token", "access_token", "job_token"])
async def test_a_token_that_is_no_text_is_wrong(api: Api, name: str) -> None:
    for query in (f"{name}[]=x", f"{name}[a]=x"):
        response = await api.call("GET", f"/projects?{query}", None)
        assert response.status_code == 401
    for wrong in (5, True, ["x"], {"a": "x"}, [], 0):
        response = await api.call("GET", "/projects", None, json={name: wrong})
        assert response.status_code == 401
    # Nor does it make way for another.
    assert (await api.call("GET", f"/projects?{name}[]=x")).status_code == 401
    for nothing in ("", None):
        response = await api.call("GET", "/projects", None, json={name: nothing})
        assert response.status_code == 200
