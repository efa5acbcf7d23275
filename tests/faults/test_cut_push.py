"""A push that is cut in the middle goes on where it was, or starts again."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeAlias

import pytest

from live.images import an_image, digest_of
from live.registry import UnexpectedAnswerError, stored_bytes
from live.waiting import eventually
from live.wire import request_head, send_and_hang_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from live.estate import Estate
    from live.registry import RegistryClient

pytestmark = pytest.mark.clients

CONTENT = random.Random("a layer").randbytes(6 * 1024 * 1024)  # noqa: S311 - no secret
DIGEST = digest_of(CONTENT)
CUT = len(CONTENT) // 2
SMALL = 32 * 1024


def with_a_length(content: bytes) -> tuple[dict[str, str], bytes]:
    """Promise all bytes, send half."""
    return {"Content-Length": str(len(content))}, content[:CUT]


def in_chunks(content: bytes) -> tuple[dict[str, str], bytes]:
    """Send half as a chunk, half of the next chunk, and no end."""
    first = b"%x\r\n%b\r\n" % (CUT, content[:CUT])
    second = b"%x\r\n%b" % (65536, content[CUT : CUT + 1000])
    return {"Transfer-Encoding": "chunked"}, first + second


def in_small_chunks(content: bytes) -> tuple[dict[str, str], bytes]:
    """Send half as the chunks that clients send, and no end."""
    pieces = [content[start : start + SMALL] for start in range(0, CUT, SMALL)]
    return {"Transfer-Encoding": "chunked"}, b"".join(
        b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces
    )


Shape: TypeAlias = "Callable[[bytes], tuple[dict[str, str], bytes]]"

SHAPES = pytest.mark.parametrize(
    "shape",
    [with_a_length, in_chunks, in_small_chunks],
    ids=lambda shape: shape.__name__,
)


@pytest.fixture
def repository(estate: Estate) -> str:
    return f"{estate.project().path_with_namespace}/cut"


def cut_patch(
    registry: RegistryClient, repository: str, location: str, shape: Shape
) -> int:
    """Break a PATCH off; return how many bytes the session then holds."""
    headers, body = shape(CONTENT)
    authorization = registry.authorization(repository, "pull", "push")
    head = request_head("PATCH", location, {**authorization, **headers})
    send_and_hang_up(location, head + body)

    def status() -> int:
        return registry.upload_status(repository, location).status_code

    eventually(status, 204)
    return settled_offset(registry, repository, location)


def settled_offset(registry: RegistryClient, repository: str, location: str) -> int:
    """Ask until two answers in a row say the same number of bytes."""
    offsets = [-1]

    def moved() -> bool:
        answer = registry.upload_status(repository, location)
        offsets.append(stored_bytes(answer))
        return offsets[-1] != offsets[-2]

    eventually(moved, expected=False)
    return offsets[-1]


def resume(
    registry: RegistryClient, repository: str, location: str, offset: int
) -> str:
    """Send what follows; return the session's next location."""
    assert 0 <= offset <= CUT + 1000
    return registry.append(repository, location, CONTENT[offset:], start=offset)


@SHAPES
def test_a_cut_patch_is_resumed_from_where_the_status_says(
    estate: Estate, repository: str, shape: Shape
) -> None:
    with estate.registry(estate.admin) as registry:
        location = registry.start_upload(repository)
        offset = cut_patch(registry, repository, location, shape)
        try:
            location = resume(registry, repository, location, offset)
        except UnexpectedAnswerError as error:
            if error.status != 416:
                raise
            # An object store keeps no second writer off: what the first one brought
            # counted meanwhile, and the client is told how far that goes.
            told = error.answer.json()["errors"][0]["detail"]["offset"]
            location = resume(registry, repository, location, told)
        registry.finish(repository, location, DIGEST)
        assert registry.blob(repository, DIGEST).content == CONTENT


@SHAPES
def test_a_plain_new_push_after_a_cut_one_succeeds(
    estate: Estate, repository: str, shape: Shape
) -> None:
    image = an_image("cut", layers=[CONTENT])
    with estate.registry(estate.admin) as registry:
        cut_patch(registry, repository, registry.start_upload(repository), shape)
        assert registry.blob(repository, DIGEST).status_code == 404
        registry.push(repository, "v1", image)
        assert registry.pull(repository, "v1") == image.digest


def test_a_cut_put_leaves_no_blob_and_is_simply_sent_again(
    estate: Estate, repository: str
) -> None:
    with estate.registry(estate.admin) as registry:
        location = registry.start_upload(repository)
        separator = "&" if "?" in location else "?"
        url = f"{location}{separator}digest={DIGEST}"
        headers, body = with_a_length(CONTENT)
        authorization = registry.authorization(repository, "pull", "push")
        send_and_hang_up(
            url, request_head("PUT", url, {**authorization, **headers}) + body
        )
        assert registry.blob(repository, DIGEST).status_code == 404
        registry.finish(repository, location, DIGEST, CONTENT)
        assert registry.blob(repository, DIGEST).content == CONTENT


def test_a_cancelled_push_is_gone(estate: Estate, repository: str) -> None:
    with estate.registry(estate.admin) as registry:
        location = registry.start_upload(repository)
        location = registry.append(repository, location, CONTENT[:1000])
        answer = registry.http.delete(
            location, headers=registry.authorization(repository, "pull", "push")
        )
        assert answer.status_code == 204
        assert registry.upload_status(repository, location).status_code == 404
