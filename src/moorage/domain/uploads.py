"""Upload sessions: offsets, and the ranges that clients send."""

from __future__ import annotations

import re
from dataclasses import dataclass

from moorage.domain.digest import Digest
from moorage.domain.errors import RangeInvalidError, SizeInvalidError

# Both ends inclusive; no unit and no total, unlike HTTP's own Content-Range.
_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/\S*)?")


@dataclass(frozen=True, slots=True)
class StagedBytes:
    """What an unfinished upload has stored, as the blob store describes it.

    ``state`` is whatever the store needs in order to find the ``length`` bytes again.
    It means nothing to anybody else, and is kept with the session.
    """

    length: int = 0
    state: str = ""


@dataclass(frozen=True, slots=True)
class UploadSession:
    """An unfinished blob upload of one repository.

    ``algorithm`` is the one that the client announced, else the canonical one: a hint
    for hashing while bytes arrive, never what is verified. ``offset`` counts the bytes
    that are stored. ``closing`` is the digest under which a closing request has begun
    to store them; ``hashed`` the one that they have, where that is known.
    """

    id: str
    repository_id: int
    algorithm: str
    offset: int = 0
    closing: Digest | None = None
    state: str = ""
    hashed: Digest | None = None

    @property
    def staged(self) -> StagedBytes:
        """The bytes that are stored."""
        return StagedBytes(self.offset, self.state)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a request says about the bytes in its body, before they are read."""

    first: int | None
    length: int | None

    @classmethod
    def parse(cls, content_range: str | None, length: int | None) -> Chunk:
        """Read the headers of a PATCH or PUT.

        Raises:
            RangeInvalidError: Not of the form ``<first>-<last>``.
            SizeInvalidError: The range has another length than the body.

        Spec: distribution-spec 1.1, "Pushing a blob in chunks".
        """
        if content_range is None:
            return cls(None, length)
        match = _CONTENT_RANGE.fullmatch(content_range.strip())
        if match is None:
            raise RangeInvalidError("malformed Content-Range")
        first, last = int(match[1]), int(match[2])
        if last < first:
            raise RangeInvalidError("malformed Content-Range")
        if length is not None and length != last - first + 1:
            raise SizeInvalidError
        return cls(first, last - first + 1)

    def check_follows(self, session: UploadSession) -> None:
        """Check that the bytes belong right after those that are stored.

        Raises:
            RangeInvalidError: A gap, a repeat or an overlap; the session goes on at
                ``detail["offset"]``.
        """
        if self.first is not None and self.first != session.offset:
            raise RangeInvalidError(offset=session.offset)
