"""Credentials as HTTP carries them."""

from __future__ import annotations

import base64
import binascii

from moorage.domain.errors import UnauthenticatedError


def parse_basic(header: str) -> tuple[str, str]:
    """Read a user name and a password from an ``Authorization`` header.

    Raises:
        UnauthenticatedError: They are not there, or not readable.

    Spec: RFC 7617, "The 'Basic' Authentication Scheme".
    """
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        raise UnauthenticatedError
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise UnauthenticatedError from None
    username, colon, password = text.partition(":")
    if not colon:
        raise UnauthenticatedError
    return username, password
