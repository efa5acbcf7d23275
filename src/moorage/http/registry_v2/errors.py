"""How the registry protocol words what went wrong."""

from __future__ import annotations

from typing import Any

from moorage.domain import errors
from moorage.domain.errors import RegistryError
from moorage.domain.protection import (
    ImmutableTagError,
    ProtectedManifestError,
    ProtectedTagError,
)
from moorage.http.messages import Response

# Spec: distribution-spec 1.1, "Error Codes", and Docker's older ones beside them.
# Looked up along the class's MRO.
RENDERING: dict[type[RegistryError], tuple[int, str]] = {
    errors.InvalidError: (400, "UNSUPPORTED"),
    errors.NameInvalidError: (400, "NAME_INVALID"),
    errors.TagInvalidError: (400, "TAG_INVALID"),
    errors.DigestInvalidError: (400, "DIGEST_INVALID"),
    errors.SizeInvalidError: (400, "SIZE_INVALID"),
    errors.RangeInvalidError: (416, "RANGE_INVALID"),
    errors.UploadInvalidError: (400, "BLOB_UPLOAD_INVALID"),
    errors.ManifestInvalidError: (400, "MANIFEST_INVALID"),
    errors.ManifestReferencesUnknownError: (400, "MANIFEST_BLOB_UNKNOWN"),
    errors.PageInvalidError: (400, "PAGINATION_NUMBER_INVALID"),
    errors.TooLargeError: (413, "SIZE_INVALID"),
    errors.ManifestTooLargeError: (413, "MANIFEST_INVALID"),
    errors.NotFoundError: (404, "NAME_UNKNOWN"),
    errors.RepositoryUnknownError: (404, "NAME_UNKNOWN"),
    errors.ManifestUnknownError: (404, "MANIFEST_UNKNOWN"),
    errors.BlobUnknownError: (404, "BLOB_UNKNOWN"),
    errors.UploadUnknownError: (404, "BLOB_UPLOAD_UNKNOWN"),
    errors.UnauthenticatedError: (401, "UNAUTHORIZED"),
    errors.ForbiddenError: (403, "DENIED"),
    # Source: GitLab registry API facts, "Protection rules for tags": not 403.
    ProtectedTagError: (401, "PROTECTED_TAG"),
    ImmutableTagError: (401, "IMMUTABLE_TAG"),
    ProtectedManifestError: (401, "PROTECTED_MANIFEST"),
    errors.ConflictError: (409, "DENIED"),
    errors.ManifestReferencedError: (409, "MANIFEST_REFERENCED"),
    errors.BlobReferencedError: (405, "UNSUPPORTED"),
    errors.UploadBusyError: (409, "BLOB_UPLOAD_INVALID"),
    errors.UnsupportedError: (405, "UNSUPPORTED"),
    errors.UnavailableError: (503, "UNAVAILABLE"),
    RegistryError: (500, "UNKNOWN"),
}


def render(error: RegistryError) -> Response:
    """Render any ``RegistryError`` as the specification's error body."""
    status, code = next(
        RENDERING[cls] for cls in type(error).__mro__ if cls in RENDERING
    )
    return Response.json(status, {"errors": _bodies(code, error)}, _headers(error))


def render_unexpected() -> Response:
    """Render what is nobody's fault but the server's."""
    body = {"code": "UNKNOWN", "message": "unknown error"}
    return Response.json(500, {"errors": [body]})


def render_unknown_path() -> Response:
    """Render the answer to a path that is no endpoint."""
    body = {"code": "UNSUPPORTED", "message": "no such endpoint"}
    return Response.json(404, {"errors": [body]})


def render_wrong_method(allowed: str) -> Response:
    """Render the answer to a method that the endpoint does not have."""
    body = {"code": "UNSUPPORTED", "message": "method not allowed"}
    return Response.json(405, {"errors": [body]}, {"Allow": allowed})


def _bodies(code: str, error: RegistryError) -> list[dict[str, Any]]:
    details: list[object] = [dict(error.detail)]
    if isinstance(error, errors.ManifestReferencesUnknownError):
        details = [{"digest": digest} for digest in error.detail["digests"]]
    return [
        {"code": code, "message": str(error), "detail": detail} for detail in details
    ]


def _headers(error: RegistryError) -> dict[str, str]:
    if not isinstance(error, errors.RangeInvalidError):
        return {}
    if "size" in error.detail:
        return {"Content-Range": f"bytes */{error.detail['size']}"}
    if "offset" in error.detail:
        return {"Range": upload_range(error.detail["offset"])}
    return {}


def upload_range(offset: int) -> str:
    """Write how much of an upload is stored: inclusive, and without a unit.

    Nothing stored is written as one byte is: Docker has no other form for it.
    """
    return f"0-{max(0, offset - 1)}"
