"""Every request of the registry protocol, by everybody, at every visibility."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from in_process.registry import image
from moorage.domain.digest import Digest
from moorage.http.registry_v2 import app
from permissions.callers import OF_THE_REGISTRY, VISIBILITIES, Caller
from permissions.registry_table import (
    ACTIONS,
    PROTOCOL_ROWS,
    REGISTRY_ROWS,
    RegistryRow,
    expected_of_registry,
    granted,
    opens_nothing,
)

if TYPE_CHECKING:
    import httpx

    from permissions.estate import Estate, Place

EVERYBODY = pytest.mark.parametrize("caller", OF_THE_REGISTRY, ids=str)
# An unknown token is taken for a password: its check takes long, and is the same
# everywhere.
WITH_BASIC = [
    (visibility, caller)
    for visibility in VISIBILITIES
    for caller in OF_THE_REGISTRY
    if caller.name != "unknown token" or visibility == "public"
]
EVERYWHERE = pytest.mark.parametrize("visibility", VISIBILITIES)


def test_every_endpoint_has_its_rows() -> None:
    endpoints = {
        (name, method)
        for name, methods in vars(app).items()
        if name.isupper() and isinstance(methods, Mapping)
        for method, handler in methods.items()
        if callable(handler)
    }
    assert endpoints == {(row.endpoint, row.method) for row in PROTOCOL_ROWS}


@EVERYBODY
@EVERYWHERE
def test_a_registry_token_allows_what_is_declared(
    permissions: Estate, visibility: str, caller: Caller
) -> None:
    place = permissions.places[visibility]
    answer = permissions.run(ask(permissions, caller, place))
    wanted = granted(caller, visibility)
    if caller.refused:
        assert answer.status_code == caller.refused
    elif opens_nothing(caller) or (caller.anonymous and not wanted):
        assert answer.status_code == 403
    else:
        assert answer.status_code == 200
        names = answer.json()["scope"].split(" ")
        whole = ["registry:catalog:*", "registry:statistics:*"] if caller.admin else []
        actions = ",".join(wanted)
        repository = [f"repository:{place.name}:{actions}"] if wanted else []
        below = [f"repository:{place.name}/*:pull"] if "pull" in wanted else []
        assert [name for name in names if name] == repository + below + whole


@pytest.mark.parametrize(("visibility", "caller"), WITH_BASIC, ids=str)
def test_every_request_with_basic_credentials_is_answered_as_declared(
    permissions: Estate, visibility: str, caller: Caller
) -> None:
    place = permissions.places[visibility]
    auth = permissions.login(caller, place)
    wrong: list[str] = []
    for row in REGISTRY_ROWS:
        wanted = expected_of_registry(row, caller, visibility)
        if caller.anonymous:
            # Docker's clients ask without credentials to be told where to get some.
            wanted = 401
        permissions.run(freshen(permissions, row, place))
        answer = permissions.run(send(permissions, row, place, {}, auth))
        check(row, answer, caller.refused or wanted, wrong)
    assert not wrong, "\n".join(wrong)


@EVERYBODY
@EVERYWHERE
def test_every_request_with_a_registry_token_is_answered_as_declared(
    permissions: Estate, visibility: str, caller: Caller
) -> None:
    place = permissions.places[visibility]
    given = permissions.run(ask(permissions, caller, place))
    if given.status_code != 200:
        assert caller.refused or not granted(caller, visibility)
        return
    headers = {"Authorization": f"Bearer {given.json()['token']}"}
    wrong: list[str] = []
    for row in REGISTRY_ROWS:
        wanted = expected_of_registry(row, caller, visibility)
        permissions.run(freshen(permissions, row, place))
        answer = permissions.run(send(permissions, row, place, headers, None))
        check(row, answer, wanted, wrong)
    assert not wrong, "\n".join(wrong)


def check(
    row: RegistryRow, answer: httpx.Response, wanted: int, wrong: list[str]
) -> None:
    if answer.status_code != wanted:
        told = f"{answer.status_code}, not {wanted}: {answer.text}"
        wrong.append(f"{row.method} {row.path}: {told}")


async def ask(estate: Estate, caller: Caller, place: Place) -> httpx.Response:
    """Ask for a registry token that allows everything."""
    scope = (
        f"repository:{place.name}:{','.join(ACTIONS)} registry:catalog:* "
        f"registry:statistics:* repository:{place.name}/*:pull"
    )
    return await estate.registry.ask_token(scope, estate.login(caller, place))


async def freshen(estate: Estate, row: RegistryRow, place: Place) -> None:
    """Let a request about a session find one that nobody has ended."""
    if row.endpoint == "UPLOAD":
        await begin_session(estate, place)


async def begin_session(estate: Estate, place: Place) -> None:
    # What a folder keeps of a session is not undone with the database.
    location = await estate.registry.start_upload(place.name)
    place.numbers["session:session"] = location.rpartition("/")[2]


async def send(
    estate: Estate,
    row: RegistryRow,
    place: Place,
    headers: dict[str, str],
    auth: tuple[str, str] | None,
) -> httpx.Response:
    path = row.path.format(name=place.name, **parameters(place))
    content = b""
    if row.endpoint == "MANIFEST" and row.method == "PUT":
        content = image()
        headers = {
            **headers,
            "Content-Type": "application/vnd.oci.image.manifest.v1+json",
        }
    answer = await estate.registry.send(
        row.method, path, content=content, headers=headers, auth=auth
    )
    if answer.is_success and not row.reads:
        estate.restore()
    return answer


def parameters(place: Place) -> dict[str, str]:
    return {
        "digest": place.numbers["digest:digest"],
        "spare": place.numbers["spare:spare"],
        "session": place.numbers["session:session"],
        "empty": str(Digest.of(b"")),
    }
