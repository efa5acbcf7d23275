"""How this API words each failure.

Source: GitLab registry API facts, "Error bodies". Looked up along the class's MRO: a
new subclass is rendered as its parent until it is given a row of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from starlette.responses import Response

from moorage.domain import errors
from moorage.domain.members import ShareUnknownError
from moorage.domain.projects import GroupInvalidError, TransferRefusedError
from moorage.domain.protection import (
    ImmutableTagError,
    NewTagRuleInvalidError,
    ProtectedRepositoryError,
    ProtectedTagError,
    RuleInvalidError,
    TooManyRulesError,
)
from moorage.http.gitlab_v4.answers import answer
from moorage.http.gitlab_v4.authentication import SudoUserUnknownError
from moorage.http.gitlab_v4.paging import KeysetUnsupportedError
from moorage.http.gitlab_v4.parameters import MediaTypeError
from moorage.http.gitlab_v4.routing import MethodNotAllowedError, RouteUnknownError

Rendered: TypeAlias = tuple[int, Any, Mapping[str, str]]
Renderer: TypeAlias = Callable[[errors.RegistryError], Rendered]

_UNREACHABLE = (
    "We are having trouble connecting to the Container Registry. If this error "
    "persists, please review the troubleshooting documentation."
)

_PROTECTED_TAG = "403 Forbidden - cannot delete protected tag(s)"


def _message(status: int, text: str) -> Renderer:
    return lambda _error: (status, {"message": text}, {})


def _own_message(status: int, text: str = "{}") -> Renderer:
    return lambda error: (status, {"message": text.format(error)}, {})


def _with_reason(status: int, text: str) -> Renderer:
    """Add the error's text when it says more than its class does."""

    def render(error: errors.RegistryError) -> Rendered:
        said = str(error)
        reason = "" if said == type(error).message else f" - {said}"
        return status, {"message": text + reason}, {}

    return render


def _own_error(status: int) -> Renderer:
    return lambda error: (status, {"error": str(error)}, {})


def _conflict(error: errors.RegistryError) -> Rendered:
    said = str(error)
    text = "409 Conflict" if said == errors.ConflictError.message else said
    return 409, {"message": text}, {}


def _validation(error: errors.RegistryError) -> Rendered:
    return 400, {"message": dict(error.detail) or str(error)}, {}


def _rule(error: errors.RegistryError) -> Rendered:
    return 422, {"message": {"error": list(error.detail.get("complaints", ()))}}, {}


def _new_tag_rule(error: errors.RegistryError) -> Rendered:
    return 422, {"message": list(error.detail.get("complaints", ()))}, {}


def _group(error: errors.RegistryError) -> Rendered:
    complaints = ", ".join(
        f":{field}=>{json.dumps(texts)}" for field, texts in error.detail.items()
    )
    return 400, {"message": f"Failed to save group {{{complaints}}}"}, {}


def _oauth(status: int, code: str, description: str) -> Renderer:
    body = {"error": code, "error_description": description}
    challenge = (
        f'Bearer realm="The API", error="{code}", error_description="{description}"'
    )
    return lambda _error: (status, body, {"WWW-Authenticate": challenge})


def _scope(error: errors.RegistryError) -> Rendered:
    body = {
        "error": "insufficient_scope",
        "error_description": "The request requires higher privileges than provided "
        "by the access token.",
        "scope": " ".join(error.detail.get("scopes", ("api", "read_api"))),
    }
    return 403, body, {}


def _method(error: errors.RegistryError) -> Rendered:
    allow = ", ".join(error.detail.get("allow", ()))
    return 405, {"error": str(error)}, {"Allow": allow}


RENDERING: Mapping[type[errors.RegistryError], Renderer] = {
    errors.RegistryError: _with_reason(400, "400 Bad request"),
    errors.InvalidError: _with_reason(400, "400 Bad request"),
    errors.ParameterError: _own_error(400),
    errors.ValidationError: _validation,
    GroupInvalidError: _group,
    RuleInvalidError: _rule,
    NewTagRuleInvalidError: _new_tag_rule,
    TooManyRulesError: _own_message(422),
    errors.TooLargeError: _message(413, "413 Request Entity Too Large"),
    MediaTypeError: _own_error(415),
    errors.NotFoundError: _message(404, "404 Not found"),
    RouteUnknownError: _own_error(404),
    errors.ManifestUnknownError: _message(404, "404 Tag Not Found"),
    errors.ProjectUnknownError: _message(404, "404 Project Not Found"),
    errors.GroupUnknownError: _message(404, "404 Group Not Found"),
    errors.NamespaceUnknownError: _message(404, "404 Namespace Not Found"),
    errors.UserUnknownError: _message(404, "404 User Not Found"),
    SudoUserUnknownError: _own_message(
        404, "404 User with ID or username '{}' Not Found"
    ),
    errors.UnauthenticatedError: _message(401, "401 Unauthorized"),
    errors.TokenExpiredError: _oauth(
        401,
        "invalid_token",
        "Token is expired. You can either do re-authorization or token refresh.",
    ),
    errors.TokenRevokedError: _oauth(
        401,
        "invalid_token",
        "Token was revoked. You have to re-authorize from the user.",
    ),
    errors.InsufficientScopeError: _scope,
    errors.ForbiddenError: _with_reason(403, "403 Forbidden"),
    errors.BlockedUserError: _own_message(403, "403 Forbidden - {}"),
    ProtectedRepositoryError: _own_message(403, "403 Forbidden - {}"),
    ProtectedTagError: _message(403, _PROTECTED_TAG),
    ImmutableTagError: _message(403, _PROTECTED_TAG),
    errors.ConflictError: _conflict,
    errors.PreconditionError: _message(412, "412 Precondition Failed"),
    errors.CleanupTooSoonError: _own_message(400),
    TransferRefusedError: _own_message(400),
    ShareUnknownError: _own_message(404),
    errors.UnsupportedError: _message(405, "405 Method Not Allowed"),
    MethodNotAllowedError: _method,
    KeysetUnsupportedError: _own_error(405),
    errors.UnavailableError: _message(503, _UNREACHABLE),
}


def render(error: errors.RegistryError) -> Response:
    """Render any ``RegistryError``."""
    renderer = next(RENDERING[cls] for cls in type(error).__mro__ if cls in RENDERING)
    status, body, headers = renderer(error)
    return answer(body, status, headers)


def render_unexpected() -> Response:
    """Render what should not have happened."""
    return answer({"message": "500 Internal Server Error"}, 500)
