"""One request, as a handler sees it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from moorage.domain.access import Principal
from moorage.domain.errors import ForbiddenError, ParameterError, UnauthenticatedError
from moorage.domain.events import Occasion, RequestFacts
from moorage.http.forwarded import BASE_URL, show_address
from moorage.http.gitlab_v4 import parameters
from moorage.http.gitlab_v4.context import Context
from moorage.http.gitlab_v4.parameters import Declared
from moorage.store.ids import MAX_ID


@dataclass(frozen=True, slots=True)
class Call:
    """A request with a route, a caller and parameters.

    ``path_parameters`` are decoded; ``given`` is everything else the client sent, from
    query and body, as it came; ``known`` are the names that the endpoint has read.
    """

    context: Context
    request: Request
    principal: Principal
    path_parameters: Mapping[str, str]
    given: Mapping[str, Any]
    known: set[str] = field(default_factory=set)

    def text(self, name: str) -> str:
        """Return a path parameter."""
        return self.path_parameters[name]

    def number(self, name: str) -> int:
        """Return a path parameter that is an id.

        Raises:
            ParameterError: It is no number.
        """
        text = self.path_parameters[name]
        if not _is_number(text):
            raise ParameterError(f"{name} is invalid")
        return _bounded(text)

    def reference(self, name: str = "id") -> int | str:
        """Return a path parameter that is an id or a full path."""
        return read_reference(self.path_parameters[name])

    def read(self, declaration: type[Declared]) -> Declared:
        """Return the parameters that an endpoint declares.

        Raises:
            ParameterError: With a sentence on each that is missing or wrong.
        """
        self.known.update(declaration.__struct_fields__)
        return parameters.read(self.given, declaration)

    @property
    def occasion(self) -> Occasion:
        """Who does what this call does, and by which request."""
        request, headers = self.request, self.request.headers
        client = request.client
        facts = RequestFacts(
            id=str(uuid.uuid4()),
            address="" if client is None else show_address(client.host, client.port),
            host=headers.get("host", ""),
            method=request.method,
            user_agent=headers.get("user-agent", ""),
            base_url=request.scope.get(BASE_URL),
        )
        return Occasion(self.principal.username, facts)

    def sign_in(self) -> int:
        """Return the caller's account.

        Raises:
            UnauthenticatedError: Nobody signed in.
        """
        if self.principal.account_id is None:
            raise UnauthenticatedError
        return self.principal.account_id

    def administer(self) -> None:
        """Let only administrators pass.

        Raises:
            UnauthenticatedError: Nobody signed in.
            ForbiddenError: Somebody else did.
        """
        self.sign_in()
        if not self.principal.admin:
            raise ForbiddenError


def read_reference(text: str) -> int | str:
    """Read an id or a full path: digits only are an id."""
    return _bounded(text) if _is_number(text) else text


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _bounded(text: str) -> int:
    return min(int(text), MAX_ID) if len(text) < len(str(MAX_ID)) + 1 else MAX_ID
