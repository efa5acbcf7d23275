"""What the document of the API tells about a route.

A route says so where it stands in its table::

    Route(
        "GET",
        "/users",
        list_users,
        Operation("List users", {200: list[BasicUser]}, ListUsers, paged=True),
    )

An answer is a type that JSON's schema is made from: a ``TypedDict`` as a rule, ``None``
where there is no body. The tests hold every answer they see to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias

from moorage.http.gitlab_v4.parameters import Parameters

Declarations: TypeAlias = tuple[type[Parameters], ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """A summary, the answers by status, and the parameters beside those of the path.

    ``paged``: takes ``page`` and ``per_page``, and answers with headers about the page.
    ``anonymous``: nobody need sign in to get something. ``located``: a ``Location``
    tells where to go on. ``errors`` are statuses beside those that every route has.
    """

    summary: str
    answers: Mapping[int, Any]
    parameters: type[Parameters] | Declarations = ()
    _: KW_ONLY
    paged: bool = False
    anonymous: bool = False
    located: bool = False
    errors: Collection[int] = ()
    media_type: str = "application/json"

    @property
    def declarations(self) -> Declarations:
        """What the handler reads."""
        given = self.parameters
        return given if isinstance(given, tuple) else (given,)
