"""Layers that arrive in chunks of every size, at every pace, several at once."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from live.images import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live.estate import Estate

pytestmark = pytest.mark.clients

CLIENTS = 4
LAYERS = 4
LAYER_BYTES = 6 << 20
USUAL_BYTES = 32 << 10
LARGEST_BYTES = 300 << 10


def in_chunks(content: bytes, chance: random.Random) -> Iterator[bytes]:
    """Cut content as clients do, and now and then as none does; rest sometimes."""
    start = 0
    while start < len(content):
        size = chance.choice([USUAL_BYTES] * 20 + [1, 1000, LARGEST_BYTES])
        yield content[start : start + size]
        start += size
        if chance.random() < 0.01:
            time.sleep(chance.uniform(0, 0.02))


def push_layers(estate: Estate, repository: str, client: int) -> list[str]:
    """Push layers one after the other, each checked by its digest at the end."""
    chance = random.Random(client)  # noqa: S311 - no secret
    digests = []
    with estate.registry(estate.admin) as registry:
        for _ in range(LAYERS):
            content = chance.randbytes(LAYER_BYTES)
            location = registry.start_upload(repository)
            answer = registry.http.patch(
                location,
                content=in_chunks(content, chance),
                headers=registry.authorization(repository, "pull", "push"),
            )
            assert answer.status_code == 202, answer.text
            assert answer.headers["Range"] == f"0-{LAYER_BYTES - 1}"
            digests.append(digest_of(content))
            registry.finish(repository, answer.headers["Location"], digests[-1])
    return digests


def test_chunks_of_layers_keep_their_order(estate: Estate) -> None:
    repository = f"{estate.project().path_with_namespace}/chunks"
    with ThreadPoolExecutor(CLIENTS) as pool:
        pushed = [
            pool.submit(push_layers, estate, repository, client)
            for client in range(CLIENTS)
        ]
        digests = [digest for each in pushed for digest in each.result()]
    with estate.registry(estate.admin) as registry:
        for digest in digests:
            assert digest_of(registry.blob(repository, digest).content) == digest
