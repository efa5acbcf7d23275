"""One estate for all trials: each puts back what it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from permissions.estate import Estate

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def permissions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with Estate(tmp_path_factory.mktemp("permissions")) as estate:
        yield estate
