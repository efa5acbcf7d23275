"""One estate for all trials: each puts back what it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conftest import LARGE
from permissions.estate import Estate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from live.postgres import PostgresCluster


@pytest.fixture(scope="session")
def permissions(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_storage: Callable[[], Mapping[str, str]],
) -> Iterator[Estate]:
    given = {"data_dir": str(tmp_path_factory.mktemp("permissions"))}
    for name, value in new_storage().items():
        given[name.removeprefix("MOORAGE_").lower()] = value
    if LARGE:
        cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
        given["database_url"] = cluster.create_database()
    with Estate(given) as estate:
        yield estate
