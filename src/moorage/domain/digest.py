"""Content digests and the hashing that computes them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from moorage.domain.errors import DigestInvalidError

HEX_LENGTH = {"sha256": 64, "sha512": 128}
CANONICAL_ALGORITHM = "sha256"

_FORM = re.compile(r"(?P<algorithm>[a-z0-9]+):(?P<hex>[0-9a-f]+)")


class Hasher(Protocol):
    """The part of ``hashlib`` objects that uploads use."""

    @property
    def name(self) -> str:
        """The algorithm."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take in the next bytes."""

    def hexdigest(self) -> str:
        """Return the digest so far in lower-case hex."""


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A validated content digest such as ``sha256:6c3c…``.

    An instance is proof of validity: code that takes a ``Digest`` never checks one.
    """

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read a digest in its only accepted spelling.

        Upper-case hex is refused rather than folded, so that one content has one name.

        Raises:
            DigestInvalidError: Unknown algorithm, or not exactly its number of
                lower-case hex digits.

        Spec: image-spec 1.1, descriptor.md, "Digests".
        """
        match = _FORM.fullmatch(text)
        if match is None or len(match["hex"]) != HEX_LENGTH.get(match["algorithm"]):
            raise DigestInvalidError("malformed digest", digest=text[:200])
        return cls(match["algorithm"], match["hex"])

    @classmethod
    def stored(cls, text: str) -> Digest:
        """Read what was a ``Digest`` when it was stored: not checked, for speed."""
        algorithm, _, hex_digits = text.partition(":")
        return cls(algorithm, hex_digits)

    @classmethod
    def of(cls, content: bytes, algorithm: str = CANONICAL_ALGORITHM) -> Digest:
        """Compute the digest of bytes at hand."""
        hasher = new_hasher(algorithm)
        hasher.update(content)
        return cls(algorithm, hasher.hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def check_algorithm(algorithm: str) -> None:
    """Let only those pass that digests may be made with.

    Raises:
        DigestInvalidError: An algorithm that is not supported.

    Spec: distribution-spec main, "Pushing a blob" (``digest-algorithm``).
    """
    if algorithm not in HEX_LENGTH:
        raise DigestInvalidError("unsupported digest algorithm", algorithm=algorithm)


def new_hasher(algorithm: str) -> Hasher:
    """Start hashing.

    Raises:
        DigestInvalidError: An algorithm that is not supported.
    """
    check_algorithm(algorithm)
    return hashlib.new(algorithm)
