import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from in_process.registry import ROOT_TOKEN, Registry, codes

NAME = "root/app/image"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PASSWORD = "a-long-secret-password"


async def ask(
    registry: Registry,
    *query: tuple[str, str],
    auth: tuple[str, str] | None = ("root", ROOT_TOKEN),
) -> httpx.Response:
    fields = urlencode([("service", "container_registry"), *query])
    return await registry.send("GET", f"/jwt/auth?{fields}", auth=auth)


async def post(registry: Registry, **fields: str) -> httpx.Response:
    fields = {"service": "container_registry", "client_id": "docker", **fields}
    content = urlencode(fields).encode()
    return await registry.send(
        "POST", "/jwt/auth", content=content, headers=FORM, auth=None
    )


async def manage(
    registry: Registry, method: str, path: str, body: dict[str, Any]
) -> Any:
    response = await registry.send(
        method,
        f"/api/v4{path}",
        content=json.dumps(body).encode(),
        headers={"PRIVATE-TOKEN": ROOT_TOKEN, "Content-Type": "application/json"},
        auth=None,
    )
    assert response.status_code in {200, 201, 204}, response.text
    return response.json() if response.content else None


async def make_user(registry: Registry) -> int:
    user = await manage(
        registry,
        "POST",
        "/users",
        {
            "username": "alice",
            "name": "Alice",
            "email": "alice@example.com",
            "password": PASSWORD,
        },
    )
    found: int = user["id"]
    return found


def access(response: httpx.Response) -> list[dict[str, Any]]:
    """Read what a token grants; the registry alone checks its signature."""
    claims = response.json()["token"].split(".")[1]
    padded = claims + "=" * (-len(claims) % 4)
    found: list[dict[str, Any]] = json.loads(base64.urlsafe_b64decode(padded))["access"]
    return found


async def test_a_login_asks_for_no_scope(registry: Registry) -> None:
    response = await ask(registry, ("account", "root"), ("client_id", "docker"))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert body["token"] == body["access_token"]
    assert body["expires_in"] >= 60
    issued = datetime.strptime(body["issued_at"], "%Y-%m-%dT%H:%M:%S%z")
    assert abs((issued - datetime.now(UTC)).total_seconds()) < 60
    assert "refresh_token" not in body
    assert access(response) == []
    headers = {"Authorization": f"Bearer {body['token']}"}
    response = await registry.send("GET", "/v2/", headers=headers, auth=None)
    assert response.status_code == 200


async def test_wrong_credentials_are_401(registry: Registry) -> None:
    response = await ask(registry, auth=("root", "wrong"))
    assert response.status_code == 401
    assert codes(response) == ["UNAUTHORIZED"]
    response = await post(
        registry, grant_type="password", username="root", password="no"
    )
    assert response.status_code == 401


async def test_several_scopes_in_either_form_are_one_token(registry: Registry) -> None:
    both = ("repository:root/a/x:pull", "repository:root/b/y:push,pull")
    repeated = await ask(registry, *(("scope", scope) for scope in both))
    joined = await ask(registry, ("scope", " ".join(both)))
    for response in (repeated, joined):
        granted = {item["name"]: set(item["actions"]) for item in access(response)}
        assert granted == {"root/a/x": {"pull"}, "root/b/y": {"pull", "push"}}


async def test_one_repository_asked_for_twice_has_all_actions(
    registry: Registry,
) -> None:
    response = await ask(
        registry,
        ("scope", f"repository:{NAME}:pull"),
        ("scope", f"repository:{NAME}:push,pull"),
    )
    expected = {"type": "repository", "name": NAME, "actions": ["pull", "push"]}
    assert access(response) == [expected]


async def test_actions_come_in_the_order_asked(registry: Registry) -> None:
    await registry.push_image(NAME)
    scope = f"repository:{NAME}:push,delete,pull,fly"
    response = await ask(registry, ("scope", scope))
    expected = {
        "type": "repository",
        "name": NAME,
        "actions": ["push", "delete", "pull"],
    }
    assert access(response) == [expected]
    assert response.json()["scope"] == scope.removesuffix(",fly")


@pytest.mark.parametrize("what", ["catalog", "statistics"])
async def test_what_is_the_registry_s_as_a_whole_needs_exactly_a_star(
    registry: Registry, what: str
) -> None:
    response = await ask(
        registry,
        *(("scope", f"registry:{what}:{actions}") for actions in ("*", "pull", "*,*")),
        ("scope", "registry:else:*"),
    )
    expected = {"type": "registry", "name": what, "actions": ["*"]}
    assert access(response) == [expected]


async def test_a_star_is_everything(registry: Registry) -> None:
    await registry.push_image(NAME)
    token = await registry.token(f"repository:{NAME}:*")
    response = await registry.send(
        "DELETE",
        f"/v2/{NAME}/manifests/v1",
        headers={"Authorization": f"Bearer {token}"},
        auth=None,
    )
    assert response.status_code == 202


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "x",
        "repository",
        "repository::pull",
        "repository:UPPER:pull",
        "other:x:pull",
    ],
)
async def test_a_scope_that_is_none_grants_nothing(
    registry: Registry, scope: str
) -> None:
    response = await ask(registry, ("scope", scope))
    assert response.status_code == 200
    assert access(response) == []


async def test_credentials_that_open_no_image_at_all_get_no_token(
    registry: Registry,
) -> None:
    body = {"name": "x", "scopes": ["read_user", "read_repository"]}
    made = await manage(registry, "POST", "/users/1/personal_access_tokens", body)
    for scope in ((), (("scope", f"repository:{NAME}:pull"),)):
        response = await ask(registry, *scope, auth=("root", made["token"]))
        assert response.status_code == 403
        assert response.json() == {
            "errors": [{"code": "DENIED", "message": "access forbidden"}],
            "http_status": 403,
        }


async def test_too_many_scopes_are_refused(registry: Registry) -> None:
    response = await ask(registry, ("scope", "repository:a/b:pull " * 101))
    assert response.status_code == 400


async def test_the_form_of_oauth2_takes_a_password(registry: Registry) -> None:
    response = await post(
        registry,
        grant_type="password",
        username="root",
        password=ROOT_TOKEN,
        scope=f"repository:{NAME}:pull,push",
    )
    assert response.status_code == 200
    body = response.json()
    assert body["scope"] == f"repository:{NAME}:pull,push"
    assert body["expires_in"] >= 60
    assert "refresh_token" not in body
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("grant_type", ["", "authorization_code"])
async def test_other_grants_are_refused(registry: Registry, grant_type: str) -> None:
    assert (await post(registry, grant_type=grant_type)).status_code == 400


async def test_other_services_are_not_here(registry: Registry) -> None:
    response = await registry.send("GET", "/jwt/auth?service=other")
    assert response.status_code == 404
    assert (await post(registry, service="other")).status_code == 404
    assert (await registry.send("PUT", "/jwt/auth")).status_code == 405


class TestRefresh:
    async def refresh(self, registry: Registry, token: str) -> httpx.Response:
        return await post(
            registry,
            grant_type="refresh_token",
            refresh_token=token,
            scope=f"repository:{NAME}:pull",
        )

    async def sign_in(
        self, registry: Registry, username: str = "root", password: str = ROOT_TOKEN
    ) -> str:
        response = await post(
            registry,
            grant_type="password",
            username=username,
            password=password,
            access_type="offline",
        )
        assert response.status_code == 200
        found: str = response.json()["refresh_token"]
        return found

    async def test_who_asks_for_it_gets_one_that_works(
        self, registry: Registry
    ) -> None:
        kept = await self.sign_in(registry)
        response = await self.refresh(registry, kept)
        assert response.status_code == 200
        assert access(response)[0]["actions"] == ["pull"]
        assert "refresh_token" not in response.json()

    async def test_docker_keeps_the_password_that_it_was_given(
        self, registry: Registry
    ) -> None:
        response = await ask(registry, ("offline_token", "true"))
        assert response.status_code == 200
        assert "refresh_token" not in response.json()

    async def test_it_opens_nothing_but_the_token_service(
        self, registry: Registry
    ) -> None:
        headers = {"Authorization": f"Bearer {await self.sign_in(registry)}"}
        response = await registry.send("GET", "/v2/", headers=headers, auth=None)
        assert response.status_code == 401

    async def test_a_registry_token_is_none(self, registry: Registry) -> None:
        token = await registry.token(f"repository:{NAME}:pull")
        for text in (token, "", "no", "a.b.c"):
            assert (await self.refresh(registry, text)).status_code == 401

    async def test_it_ends_with_the_access_token_behind_it(
        self, registry: Registry
    ) -> None:
        made = await manage(
            registry,
            "POST",
            f"/users/{await make_user(registry)}/personal_access_tokens",
            {"name": "ci", "scopes": ["read_registry"]},
        )
        kept = await self.sign_in(registry, "alice", made["token"])
        assert (await self.refresh(registry, kept)).status_code == 200
        path = f"/personal_access_tokens/{made['id']}"
        await manage(registry, "DELETE", path, {})
        assert (await self.refresh(registry, kept)).status_code == 401

    async def test_it_ends_with_the_password_behind_it(
        self, registry: Registry
    ) -> None:
        user = await make_user(registry)
        kept = await self.sign_in(registry, "alice", PASSWORD)
        assert (await self.refresh(registry, kept)).status_code == 200
        body = {"password": "another-secret-password"}
        await manage(registry, "PUT", f"/users/{user}", body)
        assert (await self.refresh(registry, kept)).status_code == 401

    async def test_it_ends_while_its_account_is_blocked(
        self, registry: Registry
    ) -> None:
        user = await make_user(registry)
        kept = await self.sign_in(registry, "alice", PASSWORD)
        await manage(registry, "POST", f"/users/{user}/block", {})
        assert (await self.refresh(registry, kept)).status_code == 403
        await manage(registry, "DELETE", f"/users/{user}", {})
        assert (await self.refresh(registry, kept)).status_code == 401
