"""What several clients' tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from live.gitbeaker import Gitbeaker, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live.estate import Estate


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """Run the process that calls gitbeaker."""
    process = Node()
    yield process
    process.close()


@pytest.fixture
def gitbeaker(node: Node, estate: Estate) -> Gitbeaker:
    """Be the administrator."""
    return Gitbeaker(node, estate.server.url, token=estate.admin.token)
