"""Every call of the management API, by everybody, at every visibility."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from moorage.http.gitlab_v4.app import ROUTES
from permissions.callers import OF_THE_API, VISIBILITIES, Caller
from permissions.estate import Estate
from permissions.table import ROWS, Row, expected

if TYPE_CHECKING:
    import httpx

    from permissions.estate import Place

# Holds and rules stand in the way of other calls: they are made when they are needed.
PREPARED = ("hold_id", "protection_rule_id")


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    declared = Counter(str(row) for row in ROWS)
    assert declared == Counter(f"{route.method} {route.path}" for route in ROUTES)


@pytest.mark.parametrize("caller", OF_THE_API, ids=str)
@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_every_call_is_answered_as_declared(
    permissions: Estate, visibility: str, caller: Caller
) -> None:
    place = permissions.places[visibility]
    wrong = []
    for row in ROWS:
        answer = permissions.run(call(permissions, row, caller, place))
        wanted = expected(row, caller, visibility)
        if answer.status_code != wanted:
            wrong.append(f"{row}: {answer.status_code}, not {wanted}: {answer.text}")
    assert not wrong, "\n".join(wrong)


async def call(
    estate: Estate, row: Row, caller: Caller, place: Place
) -> httpx.Response:
    name = row.path.rpartition("{")[2].rstrip("}")
    prepared = name in PREPARED
    if prepared:
        await estate.make_one(place, row.path.rpartition("/{")[0], name)
    headers, query = await estate.credentials(caller, place)
    path = place.fill(row.path) + query
    body = estate.body(row.method, row.path, place)
    answer = await estate.send(row.method, path, headers, body)
    if prepared or (answer.is_success and not row.reads):
        estate.restore()
    return answer
