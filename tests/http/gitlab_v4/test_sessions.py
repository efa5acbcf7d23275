"""Signing in with a password, and what a cookie opens afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from in_process.api import ROOT_TOKEN, URL
from moorage.ports.query import Query

if TYPE_CHECKING:
    import httpx

    from in_process.api import Api, Person

PASSWORD = "a password of some length"
COOKIE = "_moorage_session"
COUNT = Query("test.count", "SELECT count(*) AS number FROM session")


class Browser:
    """Keeps the cookie, and what goes with what changes something."""

    def __init__(self, api: Api, signed_in: httpx.Response) -> None:
        assert signed_in.status_code == 201, signed_in.text
        self.told: dict[str, Any] = signed_in.json()
        # Its end, by the clock of the tests, has long passed for any real browser.
        cookie = signed_in.headers["set-cookie"]
        self.secret = cookie.partition(";")[0].removeprefix(f"{COOKIE}=")
        self._api = api

    async def send(
        self, method: str, path: str, *, csrf: str | None = "", **options: Any
    ) -> httpx.Response:
        """Call with the cookie; without the token against forgery if that is None."""
        headers = {"Cookie": f"{COOKIE}={self.secret}".encode()}
        if csrf is not None:
            headers["X-CSRF-Token"] = (csrf or self.told["csrf_token"]).encode()
        return await self._api.call(method, path, None, headers=headers, **options)


async def sign_in(
    api: Api, login: str, password: str = PASSWORD, **headers: str
) -> httpx.Response:
    body = {"login": login, "password": password}
    response = await api.call("POST", "/session", None, json=body, headers=headers)
    # Each test sends its cookies itself.
    api.client.cookies.clear()
    return response


@pytest.fixture
async def person(api: Api) -> Person:
    return await api.person(force_random_password=False, password=PASSWORD)


async def test_a_browser_signs_in_reads_changes_and_signs_out(
    api: Api, person: Person
) -> None:
    response = await sign_in(api, f"{person.username}@EXAMPLE.com")
    cookie = response.headers["set-cookie"]
    for part in ("HttpOnly", "Path=/", "SameSite=lax", "Secure", "expires="):
        assert part in cookie
    browser = Browser(api, response)
    assert browser.told["user"]["id"] == person.id
    assert browser.told["expires_at"] == "2024-03-07T12:00:00.000Z"
    own = await browser.send("GET", "/user", csrf=None)
    assert own.json()["id"] == person.id
    shown = await browser.send("GET", "/session", csrf=None)
    assert shown.json() == browser.told
    made = await browser.send("POST", "/projects", json={"name": "own"})
    assert made.status_code == 201
    ended = await browser.send("DELETE", "/session")
    assert ended.status_code == 204
    assert f'{COOKIE}=""' in ended.headers["set-cookie"]
    assert (await browser.send("GET", "/user")).status_code == 401


@pytest.mark.parametrize("csrf", [None, "x", "é"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/projects"), ("DELETE", "/session"), ("PUT", "/users/1")],
)
async def test_another_site_s_page_changes_nothing(
    api: Api, person: Person, method: str, path: str, csrf: str | None
) -> None:
    browser = Browser(api, await sign_in(api, person.username))
    response = await browser.send(method, path, csrf=csrf, json={"name": "x"})
    assert response.status_code == 401
    other = Browser(api, await sign_in(api, person.username))
    forged = other.told["csrf_token"]
    response = await browser.send(method, path, csrf=forged, json={"name": "x"})
    assert response.status_code == 401
    assert (await browser.send("GET", "/user")).status_code == 200


async def test_another_site_s_page_signs_nobody_in(api: Api, person: Person) -> None:
    refused = await sign_in(api, person.username, origin="https://elsewhere.example")
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    assert (await sign_in(api, person.username, origin=URL)).status_code == 201


async def test_who_is_not_known_is_not_signed_in(api: Api, person: Person) -> None:
    for login, password in (
        (person.username, "wrong"),
        ("nobody", PASSWORD),
        # A token opens the API by itself; it is no password.
        (person.username, person.token),
        ("root", ROOT_TOKEN),
    ):
        response = await sign_in(api, login, password)
        assert response.status_code == 401
        assert "set-cookie" not in response.headers
    response = await api.call("POST", "/session", None)
    assert response.json() == {"error": "login is missing, password is missing"}


async def test_a_session_ends_with_its_time(api: Api, person: Person) -> None:
    browser = Browser(api, await sign_in(api, person.username))
    api.clock.advance(timedelta(days=7) - timedelta(seconds=1))
    assert (await browser.send("GET", "/user")).status_code == 200
    api.clock.advance(timedelta(seconds=1))
    assert (await browser.send("GET", "/user")).status_code == 401
    await sign_in(api, person.username)
    rows = await api.database.read(lambda tx: tx.all(COUNT))
    assert [row["number"] for row in rows] == [1]


async def test_a_session_ends_with_the_password(api: Api, person: Person) -> None:
    browser = Browser(api, await sign_in(api, person.username))
    await api.call("PUT", f"/users/{person.id}", json={"name": "Other"})
    assert (await browser.send("GET", "/user")).status_code == 200
    changed = {"password": "another password"}
    await api.call("PUT", f"/users/{person.id}", json=changed)
    assert (await browser.send("GET", "/user")).status_code == 401


async def test_the_blocked_and_the_deleted_go_on_nowhere(
    api: Api, person: Person
) -> None:
    browser = Browser(api, await sign_in(api, person.username))
    await api.post(f"/users/{person.id}/block", {})
    assert (await browser.send("GET", "/user")).status_code == 403
    assert (await sign_in(api, person.username)).status_code == 403
    await api.call("DELETE", f"/users/{person.id}")
    assert (await browser.send("GET", "/user")).status_code == 401


async def test_a_cookie_that_names_no_session_is_no_cookie(api: Api) -> None:
    project = await api.project(visibility="public")
    headers = {"Cookie": f"{COOKIE}=made-up"}
    path = f"/projects/{project['id']}"
    response = await api.call("GET", path, None, headers=headers)
    assert response.status_code == 200
    assert (await api.call("GET", "/session", None)).status_code == 401


async def test_a_token_goes_before_the_cookie(api: Api, person: Person) -> None:
    browser = Browser(api, await sign_in(api, person.username))
    headers = {"Cookie": f"{COOKIE}={browser.secret}"}
    own = await api.get("/user", headers=headers)
    assert own["username"] == "root"
    wrong = await api.call("GET", "/user", "glpat-wrong", headers=headers)
    assert wrong.status_code == 401
    # The session shown is that of who calls.
    assert (await api.call("GET", "/session", headers=headers)).status_code == 401


async def test_sudo_needs_a_token(api: Api) -> None:
    admin = await api.person(admin=True, force_random_password=False, password=PASSWORD)
    browser = Browser(api, await sign_in(api, admin.username))
    response = await browser.send("GET", "/user?sudo=root")
    assert response.status_code == 403
    assert response.json()["message"].startswith(
        "403 Forbidden - Must be authenticated"
    )
    response = await browser.send("GET", "/personal_access_tokens/self")
    assert response.status_code == 401
