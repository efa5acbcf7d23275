"""Every call about images, by every role, where the project is not as usual.

All other calls do not look at what is different.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from permissions.callers import DEPLOY_TOKENS, JOB_TOKENS, ROLES, STATES, VISIBILITIES
from permissions.registry_table import granted_in
from permissions.table import ROWS, Row, expected_in
from permissions.test_management_api import PREPARED, call
from permissions.test_registry import ask

if TYPE_CHECKING:
    from permissions.callers import Caller
    from permissions.estate import Estate, Place

ABOUT_IMAGES = [row for row in ROWS if row.about_images]

EVERY_STATE = pytest.mark.parametrize("state", STATES)
EVERYWHERE = pytest.mark.parametrize("visibility", VISIBILITIES)


def of_what_is_made_when_needed(row: Row) -> str:
    name = row.path.rpartition("{")[2].rstrip("}")
    return name if name in PREPARED else ""


@EVERY_STATE
@EVERYWHERE
def test_every_call_is_answered_as_declared(
    permissions: Estate, visibility: str, state: str
) -> None:
    place = permissions.places[visibility]
    wrong: list[str] = []
    with permissions.changed(place, STATES[state]):
        for row in ABOUT_IMAGES:
            if not of_what_is_made_when_needed(row):
                for caller in ROLES:
                    answer = permissions.run(call(permissions, row, caller, place))
                    check(row, caller, (state, visibility), answer.status_code, wrong)
    assert not wrong, "\n".join(wrong)


@EVERY_STATE
def test_what_was_there_before_is_kept_from_the_same(
    permissions: Estate, state: str
) -> None:
    visibility = "public"
    place = permissions.places[visibility]
    wrong: list[str] = []
    for row in ABOUT_IMAGES:
        name = of_what_is_made_when_needed(row)
        if not name:
            continue
        above = row.path.rpartition("/{")[0]
        permissions.run(permissions.make_one(place, above, name))
        with permissions.changed(place, STATES[state]):
            for caller in ROLES:
                status = permissions.run(send(permissions, row, caller, place))
                check(row, caller, (state, visibility), status, wrong)
    assert not wrong, "\n".join(wrong)


async def send(estate: Estate, row: Row, caller: Caller, place: Place) -> int:
    headers, query = await estate.credentials(caller, place)
    body = estate.body(row.method, row.path, place)
    path = place.fill(row.path) + query
    answer = await estate.send(row.method, path, headers, body)
    estate.restore()
    return answer.status_code


def check(
    row: Row, caller: Caller, where: tuple[str, str], status: int, wrong: list[str]
) -> None:
    state, visibility = where
    wanted = expected_in(state, row, caller, visibility)
    if status != wanted:
        wrong.append(f"{row}: {caller}: {status}, not {wanted}")


@EVERY_STATE
@EVERYWHERE
def test_a_registry_token_allows_what_is_declared(
    permissions: Estate, visibility: str, state: str
) -> None:
    place = permissions.places[visibility]
    with permissions.changed(place, STATES[state]):
        for caller in (*ROLES, *JOB_TOKENS, *DEPLOY_TOKENS):
            answer = permissions.run(ask(permissions, caller, place))
            wanted = granted_in(state, caller, visibility)
            names = answer.json().get("scope", "").split(" ")
            granted = [
                name for name in names if name.startswith(f"repository:{place.name}:")
            ]
            actions = ",".join(wanted)
            expected = [f"repository:{place.name}:{actions}"] if wanted else []
            assert granted == expected, str(caller)
