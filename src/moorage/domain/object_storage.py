"""Where an S3-compatible object store is, and how things are to lie in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

FORM = "s3://bucket/prefix?endpoint=…&region=…"

_BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,62}")
_BOOLEANS = {"true": True, "false": False}
_OPTIONS = {"endpoint", "region", "path_style", "sse", "sse_key", "storage_class"}


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Location:
    """A bucket, a prefix in it, and what is special about its server.

    ``prefix`` is empty or ends in a slash. ``sse`` is ``AES256`` or ``aws:kms``, the
    latter with an optional key in ``sse_key``. Credentials are no part of it.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    path_style: bool = False
    sse: str | None = None
    sse_key: str | None = None
    storage_class: str | None = None

    @classmethod
    def parse(cls, url: str) -> S3Location:
        """Read a URL of the form ``s3://bucket/prefix?endpoint=…``.

        Raises:
            ValueError: It has another form; the message says which is expected.
        """
        parts = urlsplit(url)
        if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc):
            raise ValueError(f"a URL of the form {FORM}")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        unknown = options.keys() - _OPTIONS
        if unknown:
            known = ", ".join(sorted(_OPTIONS))
            raise ValueError(f"a URL with no other options than {known}")
        endpoint = options.get("endpoint")
        if endpoint and urlsplit(endpoint).scheme not in {"http", "https"}:
            raise ValueError("a URL whose endpoint is an http:// or https:// address")
        path_style = options.get("path_style", "false").lower()
        if path_style not in _BOOLEANS:
            raise ValueError("a URL whose path_style is true or false")
        prefix = unquote(parts.path).strip("/")
        return cls(
            bucket=parts.netloc,
            prefix=f"{prefix}/" if prefix else "",
            endpoint=endpoint or None,
            region=options.get("region") or None,
            path_style=_BOOLEANS[path_style],
            sse=options.get("sse") or None,
            sse_key=options.get("sse_key") or None,
            storage_class=options.get("storage_class") or None,
        )
