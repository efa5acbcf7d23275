from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from in_process.api import Api

Json = dict[str, Any]

PUSH, DELETE = "minimum_access_level_for_push", "minimum_access_level_for_delete"
UNSPECIFIC = {
    "error": f"{PUSH}, {DELETE} are missing, at least one parameter must be provided"
}
NO_LEVEL = "A rule must have at least a minimum access role for push or delete."


def base(project: Json, kind: str) -> str:
    return f"/projects/{project['id']}/registry/protection/{kind}/rules"


def a_rule(project: Json, kind: str, **changes: Any) -> Json:
    if kind == "repository":
        pattern = {"repository_path_pattern": f"{project['path_with_namespace']}/*"}
    else:
        pattern = {"tag_name_pattern": "^v"}
    return {**pattern, PUSH: "maintainer", DELETE: "owner", **changes}


KINDS = pytest.mark.parametrize("kind", ["repository", "tag"])


@KINDS
async def test_a_rule_s_life(api: Api, kind: str) -> None:
    project = await api.project()
    path, wanted = base(project, kind), a_rule(project, kind)
    assert await api.get(path) == []
    made = await api.post(path, wanted)
    assert made == {"id": made["id"], "project_id": project["id"], **wanted}
    assert await api.get(path) == [made]
    response = await api.call(
        "PATCH", f"{path}/{made['id']}", json={PUSH: "admin", DELETE: "maintainer"}
    )
    assert response.status_code == 200
    assert response.json() == {**made, PUSH: "admin", DELETE: "maintainer"}
    assert await api.get(path) == [response.json()]
    response = await api.call("DELETE", f"{path}/{made['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert await api.get(path) == []
    for method in ("PATCH", "DELETE"):
        response = await api.call(method, f"{path}/{made['id']}", json={})
        assert response.status_code == 404


async def test_the_older_path_serves_the_same_rules(api: Api) -> None:
    project = await api.project()
    older = f"/projects/{project['id']}/registry/protection/rules"
    made = await api.post(older, a_rule(project, "repository"))
    assert await api.get(base(project, "repository")) == [made]
    assert await api.get(older) == [made]
    response = await api.call("DELETE", f"{older}/{made['id']}")
    assert response.status_code == 204


async def test_a_path_rule_may_limit_one_of_the_two(api: Api) -> None:
    project = await api.project()
    path = base(project, "repository")
    wanted = a_rule(project, "repository")
    del wanted[DELETE]
    made = await api.post(path, wanted)
    assert made[DELETE] is None
    one = f"{path}/{made['id']}"
    response = await api.call("PATCH", one, json={PUSH: "", DELETE: "admin"})
    assert response.json() == {**made, PUSH: None, DELETE: "admin"}
    response = await api.call("PATCH", one, json={DELETE: ""})
    assert response.status_code == 422
    assert response.json() == {"message": {"error": [NO_LEVEL]}}


PROJECT = {"id": 1, "path_with_namespace": "any/thing"}


@pytest.mark.parametrize("token", ["root", None])
@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("repository", {"repository_path_pattern": None}, "repository_path_pattern"),
        ("repository", {PUSH: "developer"}, PUSH),
        ("tag", {PUSH: "developer"}, PUSH),
        ("tag", {DELETE: "none"}, DELETE),
    ],
)
async def test_parameters_are_read_before_it_is_asked_who_calls(
    api: Api, token: str | None, kind: str, change: Json, expected: str
) -> None:
    project = await api.project()
    body = a_rule(project, kind, **change)
    options: Json = {} if token else {"token": None}
    response = await api.call("POST", base(project, kind), json=body, **options)
    assert response.status_code == 400
    assert expected in response.json()["error"]


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (
            "repository",
            {},
            {"error": f"repository_path_pattern is missing, {UNSPECIFIC['error']}"},
        ),
        ("repository", {"repository_path_pattern": "x"}, UNSPECIFIC),
        (
            "tag",
            {},
            {
                "error": f"tag_name_pattern is missing, {PUSH} is missing, "
                f"{DELETE} is missing"
            },
        ),
        ("tag", {"immutable": True}, {"error": "tag_name_pattern is missing"}),
        (
            "tag",
            {"immutable": True, "tag_name_pattern": "v", PUSH: "owner"},
            {"error": f"immutable, {PUSH}, {DELETE} are mutually exclusive"},
        ),
    ],
)
async def test_what_is_missing(api: Api, kind: str, body: Json, expected: Json) -> None:
    response = await api.call("POST", base(await api.project(), kind), json=body)
    assert response.status_code == 400
    assert response.json() == expected


async def test_what_is_no_rule_for_repositories(api: Api) -> None:
    project = await api.project()
    path = base(project, "repository")
    made = await api.post(path, a_rule(project, "repository"))
    other = await api.post(
        path,
        a_rule(
            project,
            "repository",
            repository_path_pattern=f"{project['path_with_namespace']}/x",
        ),
    )
    taken = {"message": {"error": ["Repository path pattern has already been taken"]}}
    response = await api.call("POST", path, json=a_rule(project, "repository"))
    assert (response.status_code, response.json()) == (422, taken)
    response = await api.call(
        "PATCH",
        f"{path}/{other['id']}",
        json={"repository_path_pattern": made["repository_path_pattern"]},
    )
    assert (response.status_code, response.json()) == (422, taken)
    response = await api.call(
        "POST",
        path,
        json=a_rule(project, "repository", repository_path_pattern="elsewhere/*"),
    )
    assert response.status_code == 422
    assert response.json() == {
        "message": {
            "error": [
                "Repository path pattern should start with the project's full path"
            ]
        }
    }


async def test_what_is_no_rule_for_tags(api: Api) -> None:
    project = await api.project()
    path = base(project, "tag")
    await api.post(path, a_rule(project, "tag"))
    other = await api.post(path, a_rule(project, "tag", tag_name_pattern="x"))
    sentence = "Tag name pattern has already been taken"
    response = await api.call("POST", path, json=a_rule(project, "tag"))
    assert (response.status_code, response.json()) == (422, {"message": [sentence]})
    response = await api.call(
        "PATCH", f"{path}/{other['id']}", json={"tag_name_pattern": "^v"}
    )
    assert response.status_code == 422
    assert response.json() == {"message": {"error": [sentence]}}


async def test_five_tag_rules_and_no_more(api: Api) -> None:
    project = await api.project()
    path = base(project, "tag")
    for number in range(4):
        await api.post(path, a_rule(project, "tag", tag_name_pattern=f"v{number}"))
    await api.post(path, {"tag_name_pattern": "v4", "immutable": True})
    response = await api.call("POST", path, json=a_rule(project, "tag"))
    assert response.status_code == 422
    assert response.json() == {
        "message": "Maximum number of protection rules have been reached."
    }


MATRIX = pytest.mark.parametrize(
    ("caller", "refused"),
    [
        ("anonymous", 401),
        ("stranger", 404),
        (10, 403),
        (20, 403),
        (30, 403),
        (40, None),
        (50, None),
    ],
)


async def token_for(api: Api, project: Json, caller: str | int) -> str | None:
    if isinstance(caller, int):
        member = await api.member(project, caller)
        return member.token
    if caller == "anonymous":
        return None
    stranger = await api.person()
    return stranger.token


@KINDS
@MATRIX
async def test_who_may_with_rules(
    api: Api, kind: str, caller: str | int, refused: int | None
) -> None:
    project = await api.project(visibility="private")
    path, body = base(project, kind), a_rule(project, kind)
    made = await api.post(path, body)
    one = f"{path}/{made['id']}"
    pattern = next(name for name in body if name.endswith("pattern"))
    body[pattern] += "x"
    token = await token_for(api, project, caller)
    for method, where, success in (
        ("GET", path, 200),
        ("POST", path, 201),
        ("PATCH", one, 200),
        ("DELETE", one, 204),
    ):
        given = (
            {}
            if method == "GET"
            else {"json": {**body, pattern: body[pattern] + method}}
        )
        if method == "POST":
            given = {"json": body}
        response = await api.call(method, where, token, **given)
        assert response.status_code == (refused or success), response.text


@MATRIX
async def test_immutable_rules_are_the_owners_business(
    api: Api, caller: str | int, refused: int | None
) -> None:
    project = await api.project(visibility="private")
    path = base(project, "tag")
    made = await api.post(path, {"tag_name_pattern": "^v", "immutable": True})
    assert made == {
        "id": made["id"],
        "project_id": project["id"],
        "tag_name_pattern": "^v",
        PUSH: None,
        DELETE: None,
        "immutable": True,
    }
    assert await api.get(path) == []
    assert await api.get(f"{path}?immutable=true") == [made]
    token = await token_for(api, project, caller)
    refused = 403 if caller == 40 else refused
    body = {"tag_name_pattern": "^w", "immutable": True}
    response = await api.call("POST", path, token, json=body)
    assert response.status_code == (refused or 201)
    response = await api.call(
        "PATCH", f"{path}/{made['id']}", token, json={"tag_name_pattern": "x"}
    )
    assert response.status_code == (refused or 403)
    response = await api.call("DELETE", f"{path}/{made['id']}", token)
    assert response.status_code == (refused or 204)


@KINDS
async def test_rules_of_others_are_not_there(api: Api, kind: str) -> None:
    project, other = await api.project(), await api.project()
    made = await api.post(base(other, kind), a_rule(other, kind))
    another = "tag" if kind == "repository" else "repository"
    for where in (base(project, kind), base(other, another)):
        response = await api.call("DELETE", f"{where}/{made['id']}")
        assert response.status_code == 404


@KINDS
async def test_a_rule_is_kept_if_it_is_younger_than_its_deleter_thinks(
    api: Api, kind: str
) -> None:
    project = await api.project()
    made = await api.post(base(project, kind), a_rule(project, kind))
    one = f"{base(project, kind)}/{made['id']}"
    for age, status in ((timedelta(seconds=5), 412), (timedelta(0), 204)):
        date = format_datetime(api.clock.now() - age, usegmt=True)
        response = await api.call("DELETE", one, headers={"If-Unmodified-Since": date})
        assert response.status_code == status
    assert await api.get(base(project, kind)) == []
