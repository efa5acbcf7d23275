"""Names of repositories and tags, and what a reference can be."""

from __future__ import annotations

import re
from typing import TypeAlias

from moorage.domain.digest import Digest
from moorage.domain.errors import NameInvalidError, TagInvalidError

MAX_NAME_LENGTH = 255
"""Longest repository name: clients cap host, slash and name at about this."""

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_ONE = re.compile(_COMPONENT)
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


class RepositoryName(str):
    """A repository's full name, such as ``group/project/image``.

    An instance is proof of validity.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> RepositoryName:
        """Read a repository name.

        Raises:
            NameInvalidError: Not of the specification's form, or too long.

        Spec: distribution-spec 1.1, "Pulling manifests".
        """
        if len(text) > MAX_NAME_LENGTH or _NAME.fullmatch(text) is None:
            raise NameInvalidError(name=text[: MAX_NAME_LENGTH + 1])
        return cls(text)


def is_component(text: str) -> bool:
    """Whether this may stand between two slashes of a repository's name."""
    return _ONE.fullmatch(text) is not None


class TagName(str):
    """A tag, case-sensitive, at most 128 characters. An instance is proof of that."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> TagName:
        """Read a tag.

        Raises:
            TagInvalidError: Not of the specification's form.

        Spec: distribution-spec 1.1, "Pulling manifests".
        """
        if _TAG.fullmatch(text) is None:
            raise TagInvalidError(tag=text[:200])
        return cls(text)


Reference: TypeAlias = TagName | Digest


def parse_reference(text: str) -> Reference:
    """Read a tag or a digest; a colon makes it a digest.

    Raises:
        DigestInvalidError: It has a colon and is no digest.
        TagInvalidError: It has none and is no tag.
    """
    return Digest.parse(text) if ":" in text else TagName.parse(text)
