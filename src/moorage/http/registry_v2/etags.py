"""Validators: a digest is the strongest there is."""

from __future__ import annotations

from moorage.domain.digest import Digest
from moorage.http.messages import Request


def etag(digest: Digest) -> str:
    """Write a digest as an entity tag."""
    return f'"{digest}"'


def is_fresh(request: Request, digest: Digest) -> bool:
    """Whether the client has exactly this already; it may leave the quotes out."""
    header = request.header("if-none-match")
    if header is None:
        return False
    known = {item.strip().removeprefix("W/").strip('"') for item in header.split(",")}
    return str(digest) in known or "*" in known
