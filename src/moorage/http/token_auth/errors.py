"""How the token service words what went wrong.

Source: GitLab registry API facts, "Registry token endpoint", "Answers".
"""

from __future__ import annotations

from moorage.domain import errors
from moorage.domain.errors import RegistryError
from moorage.domain.protection import ProtectedPathError
from moorage.http.messages import Response

ACCESS_DENIED = (
    "HTTP Basic: Access denied. If a password was provided for Git authentication, the "
    "password was incorrect or you're required to use a token instead of a password."
)

RENDERING: dict[type[RegistryError], tuple[int, str, str | None]] = {
    errors.UnauthenticatedError: (401, "UNAUTHORIZED", ACCESS_DENIED),
    errors.ForbiddenError: (403, "DENIED", "access forbidden"),
    ProtectedPathError: (403, "DENIED", None),
    errors.InvalidError: (400, "UNSUPPORTED", None),
    errors.TooLargeError: (413, "UNSUPPORTED", None),
    errors.NotFoundError: (404, "UNAVAILABLE", None),
    errors.ConflictError: (409, "DENIED", None),
    errors.UnsupportedError: (405, "UNSUPPORTED", None),
    errors.UnavailableError: (503, "UNAVAILABLE", None),
    RegistryError: (500, "UNKNOWN", None),
}


def render(error: RegistryError) -> Response:
    """Render any ``RegistryError`` in the token service's form."""
    status, code, message = next(
        RENDERING[cls] for cls in type(error).__mro__ if cls in RENDERING
    )
    body: dict[str, object] = {
        "errors": [{"code": code, "message": message or str(error)}]
    }
    if status == 403:  # noqa: PLR2004 (GitLab's body has this key, in this case only)
        body["http_status"] = status
    return Response.json(status, body)
