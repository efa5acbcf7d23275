"""How these calls word what went wrong.

Source: GitLab registry API facts, "/gitlab/v1/". Looked up along the class's MRO.
"""

from __future__ import annotations

from moorage.domain import errors
from moorage.domain.errors import RegistryError
from moorage.http.messages import Response


class QueryValueError(errors.InvalidError):
    """A parameter with a value that it cannot have."""

    message = "the value of a query parameter is invalid"


class QueryTypeError(errors.InvalidError):
    """A parameter that should be a number."""

    message = "the type of a query parameter is invalid"


RENDERING: dict[type[RegistryError], tuple[int, str]] = {
    errors.InvalidError: (400, "UNSUPPORTED"),
    errors.NameInvalidError: (400, "NAME_INVALID"),
    QueryValueError: (400, "INVALID_QUERY_PARAMETER_VALUE"),
    QueryTypeError: (400, "INVALID_QUERY_PARAMETER_TYPE"),
    errors.NotFoundError: (404, "NAME_UNKNOWN"),
    errors.ManifestUnknownError: (404, "MANIFEST_UNKNOWN"),
    errors.UnauthenticatedError: (401, "UNAUTHORIZED"),
    errors.ForbiddenError: (403, "DENIED"),
    errors.ConflictError: (409, "DENIED"),
    errors.UnsupportedError: (405, "UNSUPPORTED"),
    errors.UnavailableError: (503, "UNAVAILABLE"),
    RegistryError: (500, "UNKNOWN"),
}


def render(error: RegistryError) -> Response:
    """Render any ``RegistryError``."""
    status, code = next(
        RENDERING[cls] for cls in type(error).__mro__ if cls in RENDERING
    )
    body = {"code": code, "message": str(error), "detail": dict(error.detail)}
    return Response.json(status, {"errors": [body]})
