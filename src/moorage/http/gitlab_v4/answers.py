"""Answers in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

_ENCODER = msgspec.json.Encoder()


def answer(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a body of JSON."""
    return Response(_ENCODER.encode(body), status, headers, "application/json")


def no_content() -> Response:
    """Answer 204."""
    return Response(status_code=204)
