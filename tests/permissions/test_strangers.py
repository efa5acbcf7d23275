"""What a caller may not see cannot be told from what is not there.

The exceptions are GitLab's own and stand in ``docs/permissions.md``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from permissions.callers import OF_THE_API, OF_THE_REGISTRY, Caller
from permissions.registry_table import REGISTRY_ROWS
from permissions.table import ROWS, Row
from permissions.test_registry import ask, begin_session, send

if TYPE_CHECKING:
    import httpx

    from permissions.estate import Estate, Place

MISSING = 999_999
MISSING_NAME = "privatf/project"

PASSING = {"date", "x-request-id", "x-runtime"}

OUTSIDERS = [
    caller
    for caller in OF_THE_API
    if not caller.refused
    and not caller.admin
    and not caller.sees("private", caller.level)
]
OUTSIDE_REGISTRY = [
    caller
    for caller in OF_THE_REGISTRY
    if not caller.refused and not caller.sees("private", caller.level)
]
# What has a private object in its address, or in what is sent with it.
ABOUT = [
    row
    for row in ROWS
    if row.gate.rstrip("!") not in ("open", "signed-in", "administrator")
]
OF_PROJECTS = [row for row in ABOUT if row.path.startswith("/projects/{id}/")]


def shown(answer: httpx.Response, *names: str) -> tuple[int, str, dict[str, str]]:
    """Return all of an answer but what the caller sent."""
    headers = {
        name: _without(value, names)
        for name, value in answer.headers.items()
        if name not in PASSING
    }
    return answer.status_code, _without(answer.text, names), headers


def _without(text: str, names: tuple[str, ...]) -> str:
    for name in names:
        text = text.replace(name, "?")
    return text


def missing(place: Place) -> Place:
    """Name a place like one that exists; nothing in it does."""
    numbers: dict[str, Any] = dict.fromkeys(place.numbers, MISSING)
    for key in ("tag_name:tag_name", "digest:digest", "/users:id", "/users:user_id"):
        numbers[key] = place.numbers[key]
    numbers["/registry/repositories/by-path:path"] = "nobody%2Fnothing"
    group = {**place.group, "id": MISSING}
    return replace(place, numbers=numbers, group=group)


def by_path(place: Place, project: str, group: str) -> Place:
    """Name the project and the group by their paths."""
    numbers = {**place.numbers, "/projects:id": project.replace("/", "%2F")}
    numbers |= {"/groups:id": group, "/namespaces:id": group}
    return replace(place, numbers=numbers)


async def answer_to(
    estate: Estate, row: Row, caller: Caller, place: Place
) -> tuple[int, str, dict[str, str]]:
    place.numbers.setdefault("hold_id:hold_id", MISSING)
    place.numbers.setdefault("protection_rule_id:protection_rule_id", MISSING)
    headers, query = await estate.credentials(caller, estate.places["private"])
    body = estate.body(row.method, row.path, place)
    answer = await estate.send(row.method, place.fill(row.path) + query, headers, body)
    assert not answer.is_success, f"{row}: {answer.text}"
    return shown(answer)


@pytest.mark.parametrize("caller", OUTSIDERS, ids=str)
def test_a_private_thing_answers_like_one_that_is_missing(
    permissions: Estate, caller: Caller
) -> None:
    place = permissions.places["private"]
    pairs = [
        (place, missing(place)),
        (
            by_path(place, "private/project", "private"),
            by_path(missing(place), "nobody/nothing", "nobody"),
        ),
    ]
    told = []
    for there, gone in pairs:
        for row in ABOUT:
            found = permissions.run(answer_to(permissions, row, caller, there))
            other = permissions.run(answer_to(permissions, row, caller, gone))
            if found != other:
                told.append(f"{row}: {found}, {other}")
    assert not told, "\n".join(told)


def test_a_number_of_another_project_answers_like_one_that_is_missing(
    permissions: Estate,
) -> None:
    caller = next(one for one in OF_THE_API if one.name == "another project's token")
    place = permissions.places["private"]
    own = {"/projects:id": place.other["id"]}
    told = []
    for row in OF_PROJECTS:
        if "{" not in row.path.partition("{id}")[2] or row.path.endswith("{user_id}"):
            continue
        there = replace(place, numbers={**place.numbers, **own})
        gone = replace(place, numbers={**missing(place).numbers, **own})
        found = permissions.run(answer_to(permissions, row, caller, there))
        other = permissions.run(answer_to(permissions, row, caller, gone))
        if found != other or found[0] not in (403, 404):
            told.append(f"{row}: {found}, {other}")
    assert not told, "\n".join(told)


@pytest.mark.parametrize("caller", OUTSIDERS, ids=str)
def test_no_list_shows_a_private_thing(permissions: Estate, caller: Caller) -> None:
    place = permissions.places["private"]
    headers, query = permissions.run(permissions.credentials(caller, place))
    owner = permissions.numbers_of_people["owner"]
    for path in (
        *("/projects", "/projects?search=project&search_namespaces=true"),
        *("/groups", "/groups?search=private", f"/users/{owner}/projects"),
        *("/namespaces", "/namespaces?search=private"),
    ):
        separator = "&" if "?" in path else "?"
        given = query.replace("?", separator)
        answer = permissions.run(permissions.send("GET", f"{path}{given}", headers))
        if answer.is_success:
            paths = {
                one.get("path_with_namespace", one.get("full_path"))
                for one in answer.json()
            }
            assert not paths & {"private", "private/project"}, path
            assert answer.headers["x-total"] == str(len(paths)), path


@pytest.mark.parametrize("caller", OUTSIDE_REGISTRY, ids=str)
def test_the_registry_answers_for_a_private_repository_as_for_none(
    permissions: Estate, caller: Caller
) -> None:
    place = permissions.places["private"]
    gone = replace(
        place, project={**place.project, "path_with_namespace": MISSING_NAME}
    )
    auth = permissions.login(caller, place)
    permissions.run(begin_session(permissions, place))
    told = []
    for row in REGISTRY_ROWS:
        if "{name}" in row.path:
            found = permissions.run(send(permissions, row, place, {}, auth))
            other = permissions.run(send(permissions, row, gone, {}, auth))
            if shown(found, place.name) != shown(other, gone.name):
                told.append(f"{row}: {found.text}, {other.text}")
    assert not told, "\n".join(told)
    tokens = [permissions.run(ask(permissions, caller, one)) for one in (place, gone)]
    assert facts(tokens[0]) == facts(tokens[1])


def facts(answer: httpx.Response) -> tuple[int, Any]:
    """Return what a registry token says that was asked for."""
    body = json.loads(answer.text)
    return answer.status_code, body.get("scope", body)


def test_a_mount_does_not_tell_of_a_blob_that_one_may_not_read(
    permissions: Estate,
) -> None:
    place = permissions.places["private"]
    theirs = f"{place.other['path_with_namespace']}/app"
    login = ("somebody", place.secrets["another project's token"])
    digests = (place.numbers["spare:spare"], "sha256:" + 64 * "0")
    seen = []
    for source in (f"&from={place.name}", f"&from={MISSING_NAME}/app", ""):
        for digest in digests:
            path = f"/v2/{theirs}/blobs/uploads/?mount={digest}{source}"
            answer = permissions.run(
                permissions.registry.send("POST", path, auth=login)
            )
            permissions.restore()
            assert answer.status_code == 202, (source, digest, answer.text)
            session = answer.headers["Docker-Upload-UUID"]
            seen.append(shown(answer, session))
    assert seen == [seen[0]] * len(seen)
    assert seen[0][0] == 202


def test_only_the_path_of_a_group_tells_that_it_is_taken(permissions: Estate) -> None:
    # GitLab's own: two groups cannot have one path, so whoever makes one is told.
    headers = {"PRIVATE-TOKEN": permissions.people["stranger"]}
    body = {"name": "mine", "path": "private"}
    answer = permissions.run(permissions.send("POST", "/groups", headers, body))
    assert answer.status_code == 400
    assert "has already been taken" in answer.text
