from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from in_process.api import ROOT_TOKEN

if TYPE_CHECKING:
    from in_process.api import Api

FIELDS = [
    "id",
    "name",
    "revoked",
    "created_at",
    "description",
    "scopes",
    "user_id",
    "last_used_at",
    "active",
    "expires_at",
]
OWN = "/personal_access_tokens"


async def test_a_token_shows_its_secret_once(api: Api) -> None:
    person = await api.person()
    made = await api.post(
        f"/users/{person.id}/personal_access_tokens",
        {"name": "x", "scopes": ["api", "read_registry"], "expires_at": "2025-01-31"},
    )
    assert list(made) == [*FIELDS, "token"]
    assert made["token"].startswith("glpat-")
    assert len(made["token"]) >= 26
    assert made["scopes"] == ["api", "read_registry"]
    assert made["expires_at"] == "2025-01-31"
    assert made["active"] is True
    shown = await api.get(f"{OWN}/{made['id']}")
    assert list(shown) == FIELDS


async def test_somebody_lists_their_own(api: Api) -> None:
    person, other = await api.person(), await api.person()
    (own,) = await api.get(OWN, person.token)
    assert own["user_id"] == person.id
    response = await api.call("GET", f"{OWN}?user_id={other.id}", person.token)
    assert response.status_code == 401
    assert len(await api.get(OWN)) == 3
    assert len(await api.get(f"{OWN}?user_id={other.id}")) == 1


async def test_lists_are_filtered(api: Api) -> None:
    person = await api.person()
    for name in ("deploy", "Deploy old"):
        await api.post(
            f"/users/{person.id}/personal_access_tokens",
            {"name": name, "scopes": "read_api,read_registry"},
        )
    *_, old = await api.get(f"{OWN}?user_id={person.id}")
    await api.call("DELETE", f"{OWN}/{old['id']}")

    async def names(query: str) -> list[str]:
        found = await api.get(f"{OWN}?user_id={person.id}&{query}")
        return [token["name"] for token in found]

    assert await names("search=deploy") == ["deploy", "Deploy old"]
    assert await names("state=active") == ["test", "deploy"]
    assert await names("state=inactive") == ["Deploy old"]
    assert await names("revoked=true") == ["Deploy old"]
    response = await api.call("GET", f"{OWN}?state=x")
    assert response.json() == {"error": "state does not have a valid value"}


@pytest.mark.parametrize("where", ["own", "project", "group"])
async def test_lists_know_gitlab_s_filters_and_orders(api: Api, where: str) -> None:
    if where == "own":
        person = await api.person()
        base, made_at = OWN, f"/users/{person.id}/personal_access_tokens"
        reader: str | None = person.token
    else:
        place = await owner(api, f"{where}s")
        base = made_at = f"/{where}s/{place['id']}/access_tokens"
        reader = ROOT_TOKEN
    secrets = {}
    for name, ends in (("beta", "2024-03-10"), ("Alpha", "2024-03-20"), ("c", None)):
        api.clock.advance(timedelta(hours=1))
        body = {"name": name, "scopes": ["api"], "expires_at": ends}
        secrets[name] = (await api.post(made_at, body))["token"]
    for name in ("c", "Alpha"):
        api.clock.advance(timedelta(hours=1))
        await api.get("/user", secrets[name])

    async def names(query: str) -> list[str]:
        found = await api.get(f"{base}?{query}", reader)
        return [token["name"] for token in found if token["name"] != "test"]

    # Made at 13:00, 14:00, 15:00, used at 16:00 and 17:00.
    assert await names("created_after=2024-02-29T14:00:00Z") == ["Alpha", "c"]
    assert await names("created_before=2024-02-29T15:00:00%2B01:00") == [
        "beta",
        "Alpha",
    ]
    assert await names("created_after=2024-03-01") == []
    assert await names("last_used_after=2024-02-29T16:30:00Z") == ["Alpha"]
    assert await names("last_used_before=2024-02-29T16:30:00Z") == ["c"]
    assert await names("expires_after=2024-03-20") == ["Alpha"]
    assert await names("expires_before=2024-03-20") == ["beta"]
    assert await names("sort=name_asc") == ["Alpha", "beta", "c"]
    assert await names("sort=name_desc") == ["c", "beta", "Alpha"]
    assert await names("sort=created_desc") == ["c", "Alpha", "beta"]
    assert await names("sort=expires_asc") == ["beta", "Alpha", "c"]
    assert await names("sort=last_used_asc&revoked=false") == ["c", "Alpha", "beta"]
    assert await names("search=ALP&state=active") == ["Alpha"]
    wrong = "sort=x&created_after=x&expires_before=x&revoked=x"
    response = await api.call("GET", f"{base}?{wrong}", reader)
    assert set(response.json()["error"].split(", ")) == {
        "sort does not have a valid value",
        "created_after is invalid",
        "expires_before is invalid",
        "revoked is invalid",
    }


async def test_pages_of_tokens_are_linked_and_repeat_what_was_asked(api: Api) -> None:
    person = await api.person()
    path = f"{OWN}?sort=created_desc&per_page=1&created_before=2024-03-01"
    response = await api.call("GET", path)
    assert [token["user_id"] for token in response.json()] == [person.id]
    assert response.headers["x-total"] == "2"
    following = response.headers["link"].partition(">")[0]
    assert "created_before=2024-03-01" in following
    assert "page=2" in following
    assert "sort=created_desc" in following


async def test_a_stranger_learns_nothing_of_a_token(api: Api) -> None:
    person, other = await api.person(), await api.person()
    (token,) = await api.get(OWN, other.token)
    for method in ("GET", "DELETE"):
        for number in (token["id"], 99):
            response = await api.call(method, f"{OWN}/{number}", person.token)
            assert response.status_code == 401
    assert (await api.call("GET", f"{OWN}/99")).status_code == 404
    assert (await api.call("GET", OWN, None)).status_code == 401


async def test_a_token_is_revoked(api: Api) -> None:
    person = await api.person()
    (token,) = await api.get(OWN, person.token)
    response = await api.call("DELETE", f"{OWN}/{token['id']}", person.token)
    assert response.status_code == 204
    shown = await api.get(f"{OWN}/{token['id']}")
    assert (shown["revoked"], shown["active"]) == (True, False)


@pytest.mark.parametrize("by", ["self", "id"])
async def test_a_rotated_token_is_replaced(api: Api, by: str) -> None:
    person = await api.person()
    (token,) = await api.get(OWN, person.token)
    which = by if by == "self" else token["id"]
    response = await api.call(
        "POST",
        f"{OWN}/{which}/rotate",
        None,
        headers={"PRIVATE-TOKEN": person.token},
    )
    # Rotating oneself takes a scope of its own or the whole API.
    assert response.status_code == 200
    made = response.json()
    assert made["expires_at"] == "2024-03-07"
    assert made["scopes"] == token["scopes"]
    assert (await api.call("GET", "/user", person.token)).status_code == 401
    assert (await api.call("GET", "/user", made["token"])).status_code == 200


async def test_a_spent_token_is_not_rotated(api: Api) -> None:
    person = await api.person()
    (token,) = await api.get(OWN, person.token)
    await api.call("DELETE", f"{OWN}/{token['id']}")
    response = await api.call("POST", f"{OWN}/{token['id']}/rotate")
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, {"error": "name is missing, scopes is missing"}),
        (
            {"name": "x", "scopes": ["all"]},
            {"error": "scopes does not have a valid value"},
        ),
        (
            {"name": "x", "scopes": ["sudo"]},
            {"message": {"scopes": ["can only contain available scopes"]}},
        ),
        ({"name": "x", "scopes": []}, {"message": {"scopes": ["can't be blank"]}}),
        (
            {"name": "", "scopes": ["api"]},
            {"message": {"name": ["can't be blank"]}},
        ),
        (
            {"name": "x", "scopes": ["api"], "expires_at": "2020-01-01"},
            {"message": {"expires_at": ["must be a date in the future"]}},
        ),
        (
            {"name": "x", "scopes": ["api"], "expires_at": "soon"},
            {"error": "expires_at is invalid"},
        ),
    ],
)
async def test_a_token_that_cannot_be_is_refused(
    api: Api, body: dict[str, Any], answer: object
) -> None:
    person = await api.person()
    path = f"/users/{person.id}/personal_access_tokens"
    response = await api.call("POST", path, json=body)
    assert response.status_code == 400
    assert response.json() == answer


async def test_nobody_gets_no_token(api: Api) -> None:
    response = await api.call(
        "POST", "/users/99/personal_access_tokens", json={"name": "x", "scopes": "api"}
    )
    assert response.status_code == 404


async def owner(api: Api, folder: str) -> dict[str, Any]:
    made: dict[str, Any] = (
        await api.project() if folder == "projects" else await api.group()
    )
    return made


@pytest.mark.parametrize("folder", ["projects", "groups"])
async def test_a_project_or_group_has_tokens(api: Api, folder: str) -> None:
    place = await owner(api, folder)
    base = f"/{folder}/{place['id']}/access_tokens"
    made = await api.post(base, {"name": "bot", "scopes": ["api"], "access_level": 30})
    assert list(made) == [*FIELDS, "access_level", "token"]
    assert made["access_level"] == 30
    bot = await api.get("/user", made["token"])
    kind = folder.removesuffix("s")
    assert bot["username"].startswith(f"{kind}_{place['id']}_bot_")
    assert bot["bot"] is True
    (listed,) = await api.get(base)
    assert listed == await api.get(f"{base}/{made['id']}")
    assert listed["access_level"] == 30
    assert "token" not in listed
    response = await api.call("POST", f"{base}/{made['id']}/rotate")
    assert response.status_code == 200
    rotated = response.json()
    assert rotated["access_level"] == 30
    assert (await api.call("GET", "/user", made["token"])).status_code == 401
    response = await api.call("DELETE", f"{base}/{rotated['id']}")
    assert response.status_code == 204
    assert (await api.call("GET", "/user", rotated["token"])).status_code == 401


async def test_a_project_token_works_in_its_project_alone(api: Api) -> None:
    project, other = await api.project(), await api.project()
    base = f"/projects/{project['id']}/access_tokens"
    made = await api.post(base, {"name": "bot", "scopes": ["api"]})
    assert (await api.get(f"/projects/{project['id']}", made["token"]))["permissions"][
        "project_access"
    ]["access_level"] == 40
    response = await api.call("GET", f"/projects/{other['id']}", made["token"])
    assert response.status_code == 404
    response = await api.call("GET", f"/projects/{other['id']}/access_tokens/1")
    assert response.status_code == 404


@pytest.mark.parametrize(
    ("folder", "level", "status"),
    [("projects", 30, 403), ("projects", 40, 201), ("groups", 40, 403)],
)
async def test_who_may_make_tokens(
    api: Api, folder: str, level: int, status: int
) -> None:
    place = await owner(api, folder)
    person = await api.member(place, level)
    body = {"name": "bot", "scopes": ["api"], "access_level": level}
    path = f"/{folder}/{place['id']}/access_tokens"
    response = await api.call("POST", path, person.token, json=body)
    assert response.status_code == status


async def test_nobody_makes_a_token_above_themselves(api: Api) -> None:
    project = await api.project()
    person = await api.member(project, 40)
    body = {"name": "bot", "scopes": ["api"], "access_level": 50}
    path = f"/projects/{project['id']}/access_tokens"
    response = await api.call("POST", path, person.token, json=body)
    assert response.status_code == 403
    body["access_level"] = 35
    response = await api.call("POST", path, person.token, json=body)
    assert response.json() == {"error": "access_level does not have a valid value"}
